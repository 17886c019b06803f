"""What somebody wants to see of the audit: read from its address, and written into one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, get_args
from urllib.parse import urlencode
from uuid import UUID

from activities.store.audit import AuditOutcome, Sought, subject_named
from starter.access import Permission
from starter.console.forms import Mistakes
from starter.console.moments import day_said
from starter.console.navigation import AUDIT
from workflows.instants import london_midnight
from workflows.plain_errors import BadInputError

NAMES: Final = ("first", "last", "who", "did", "outcome", "episode")
_LONGEST: Final = 200


@dataclass
class AuditFilters:
    """What is wanted, as it was written; empty is no condition. `mistakes` say what of it cannot be used."""

    written: Mapping[str, str]
    sought: Sought = field(default_factory=Sought)
    mistakes: Mistakes = field(default_factory=Mistakes)

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return any(self.written.values())

    def path(self, **changed: str) -> str:
        """The audit with these, some of them changed; its newest page unless a cursor is among what is changed."""
        kept = {name: value for name, value in {**self.written, **changed}.items() if value}
        return f"{AUDIT.path}?{urlencode(kept)}" if kept else AUDIT.path


def filters_of(said: Mapping[str, str]) -> AuditFilters:
    """What the query of an address asks for."""
    written = {name: said.get(name, "").strip()[:_LONGEST] for name in NAMES}
    filters = AuditFilters(written)
    first, last = _day(filters, "first"), _day(filters, "last")
    if first and last and last < first:
        filters.mistakes.add("last", "The last day must not be before the first")
    if written["did"] and written["did"] not in set(Permission):
        filters.mistakes.add("did", "Choose what was asked for out of the list")
    if written["outcome"] and written["outcome"] not in get_args(AuditOutcome):
        filters.mistakes.add("outcome", "Choose what came of it out of the list")
    if written["episode"]:
        _require_episode(filters)
    if not filters.mistakes:
        filters.sought = Sought(
            since=london_midnight(first) if first else None,
            until=london_midnight(last + timedelta(days=1)) if last else None,
            who=written["who"] or None,
            permission=written["did"] or None,
            outcome=next((one for one in get_args(AuditOutcome) if one == written["outcome"]), None),
            subject=subject_named(written["episode"]) if written["episode"] else None,
        )
    return filters


def _day(filters: AuditFilters, name: str) -> date | None:
    if not filters.written[name]:
        return None
    try:
        return day_said(filters.written[name], name)
    except BadInputError as error:
        filters.mistakes.take(error)
        return None


def _require_episode(filters: AuditFilters) -> None:
    try:
        UUID(filters.written["episode"])
    except ValueError:
        filters.mistakes.add(
            "episode", "Enter an episode's id, such as 5c6a0ce9-6ba2-4af4-880f-e8601a7a96b8, or follow its link below"
        )
