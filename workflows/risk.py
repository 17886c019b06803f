"""How great a risk was thought to be: grades, each beside its scheme, never converted. Pure; instants are UTC."""

from dataclasses import dataclass
from datetime import datetime

from workflows.fact_kinds import FactKind
from workflows.facts import Known


@dataclass(frozen=True, slots=True)
class Assessed:
    """The last assessment of risk in force, of one view in one scheme. `at` is UTC."""

    view: str | None
    grade: str | None
    scheme: str | None
    at: datetime


def risk_of(known: Known) -> tuple[Assessed, ...]:
    """The last assessment of each view in each scheme, the latest first.

    A grade means something only beside its scheme: a later one in another scheme does not replace it.
    """
    last: dict[tuple[str | None, str | None], Assessed] = {}
    for fact in known.all(FactKind.RISK_ASSESSED):
        view, grade, scheme = (fact.details.get(name) for name in ("view", "grade", "scheme"))
        last[view, scheme] = Assessed(view, grade, scheme, fact.at)
    return tuple(sorted(last.values(), key=lambda one: one.at, reverse=True))
