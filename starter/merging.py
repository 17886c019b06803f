"""What a record takes over from another of the same absence that is merged into it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from starter.later_answers import LONGEST, later_answers, note_of, still_asked_for
from starter.reports import TITLES, Report
from workflows.fact_kinds import ABOUT_TASKS, RULINGS, FactKind
from workflows.facts import Child, Fact, Known

_STAYS_BEHIND: Final = (
    *RULINGS,
    *ABOUT_TASKS,
    FactKind.ACKNOWLEDGED,
    FactKind.REPEAT_REACHED,
    FactKind.POLICY_CHANGED,
    FactKind.REOPENED,
    FactKind.MERGED,
    FactKind.RECORDED_IN_ERROR,
)
"""Facts about an episode's own record, which say nothing about the child and are not taken over by another."""


@dataclass(frozen=True)
class RecordOfAbsence:
    """An episode as it stands before it is merged with another. Without a report it was not begun by one of ours."""

    report: Report | None
    facts: tuple[Fact, ...]
    need_to_know: bool

    @property
    def child(self) -> Child:
        """What the rules ask about the child, as the report says."""
        return self.report.circumstances() if self.report else Child()


def facts_taken_over(duplicate: RecordOfAbsence, now: datetime) -> Iterator[Fact]:
    """The facts in force of a duplicate that say something about the child. `now` is UTC."""
    return (fact for fact in Known(duplicate.facts, now).facts if fact.kind not in _STAYS_BEHIND)


def circumstances_taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, now: datetime) -> dict[str, str]:
    """What a duplicate's report says of the child and the other record does not know, as a described fact's details.

    Where both say something the record that goes on keeps its own word; what was described of the duplicate later is
    taken over with its facts. A record becomes need-to-know with what it takes over (O36, S4 section 8). `now` is UTC.
    """
    known = Known(into.facts, now).child(into.child)
    later = {name for fact in Known(duplicate.facts, now).all(FactKind.DESCRIBED) for name in fact.details}
    taken = {
        name: _as_detail(value)
        for name, value in duplicate.child
        if value is not None and getattr(known, name) is None and name not in later
    }
    if duplicate.need_to_know and not into.need_to_know:
        taken["restricted"] = "yes"
    return taken


def answers_taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, now: datetime) -> dict[str, str]:
    """The notes that tell what a duplicate's report answers of the police's questions and the other record does not.

    By question. An answer too long for a note stays in the duplicate's report, where it can be read. `now` is UTC.
    """
    if duplicate.report is None or into.report is None:
        return {}
    told_later = {question for _, question, _ in later_answers(Known(duplicate.facts, now))}
    asked = {*still_asked_for(into.report, Known(into.facts, now))} - told_later
    said: dict[str, str | None] = {name: getattr(duplicate.report.answers, name) for name in TITLES if name in asked}
    return {name: note_of(name, answer) for name, answer in said.items() if answer and len(answer) <= LONGEST}


def _as_detail(value: bool | date | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)
