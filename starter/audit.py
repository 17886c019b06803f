"""Writing the audit: what a principal asked for, by which way, and whether it was allowed."""

from collections.abc import Sequence
from datetime import datetime

from activities.store import Store, audit
from activities.store.audit import AuditEntry, AuditOutcome
from starter.access import Permission, Principal


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


class Audit:
    """The audit over one store. What cannot be written down is not done: StoreUnavailableError is raised."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, entry: AuditEntry) -> None:
        """Add an entry, in a transaction of its own."""
        async with self._store.session() as session:
            await audit.append(session, entry)
