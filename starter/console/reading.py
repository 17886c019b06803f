"""What a page reads with: the store as of one moment, the policies, and for whom."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from starter.access import Principal


@dataclass(frozen=True)
class Reader:
    """Somebody who reads at a moment, `now` (UTC)."""

    session: AsyncSession
    policies: Policies
    principal: Principal
    now: datetime

    @property
    def authority(self) -> str:
        """The one authority whose things they may see."""
        return self.principal.authority
