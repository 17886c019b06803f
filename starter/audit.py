"""Writing the audit: what a principal asked for, by which way, and whether it was allowed."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from activities.store import Store, audit
from activities.store.audit import AuditEntry, AuditOutcome
from starter.access import Permission, Principal
from workflows.plain_errors import BadInputError

_WRITTEN_DOWN: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", re.ASCII)


def entry_of(
    principal: Principal,
    permission: Permission,
    way: str,
    now: datetime,
    *,
    request: str,
    outcome: AuditOutcome = "allowed",
    subjects: Sequence[str] = (),
    why: str | None = None,
) -> AuditEntry:
    """What a principal asked for, as an entry. `now` is UTC; `request` is the sender's own key, or one made for it."""
    return AuditEntry(
        authority=principal.authority,
        at=now,
        who=principal.id,
        name=principal.name,
        kind=principal.kind,
        permission=permission.value,
        way=way,
        subjects=tuple(dict.fromkeys(subjects)),
        why=why,
        outcome=outcome,
        request=request,
    )


def read_written_down(written: str, name: str) -> tuple[int, str]:
    """A number and fingerprint of the audit, as they were written down elsewhere. Raises BadInputError by the name."""
    found = _WRITTEN_DOWN.fullmatch(written.strip())
    if found is None:
        raise BadInputError(f"{name}: must be NUMBER:FINGERPRINT as 'homeward audit head' says it")
    return int(found[1]), found[2]


class Audit:
    """The audit over one store. What cannot be written down is not done: StoreUnavailableError is raised."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, entry: AuditEntry) -> None:
        """Add an entry, in a transaction of its own."""
        async with self._store.session() as session:
            await audit.append(session, entry)
