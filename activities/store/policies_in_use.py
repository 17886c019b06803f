"""Which policy and calendar versions are in use, so that one name and version never means two things."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import Policies
from activities.store.statements import insert_once
from activities.store.tables import PolicyInUseTable


async def claim(session: AsyncSession, policies: Policies, now: datetime) -> str | None:
    """Note the fingerprints of these policies; the one line that says which differs from what is in use, or None."""
    for kind, name, version, digest in policies.fingerprints():
        values = {"kind": kind, "name": name, "version": version, "digest": digest, "first_used_at": now}
        if await insert_once(session, PolicyInUseTable, values):
            continue
        row = await session.get(PolicyInUseTable, (kind, name, version))
        if row is not None and row.digest != digest:
            return (
                f"{kind} {name} {version}: this file differs from the one in use since "
                f"{row.first_used_at:%Y-%m-%d}; give the changed file a new version"
            )
    return None
