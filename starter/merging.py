"""What a record takes over from another of the same absence that is merged into it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from activities.store.inbox import MERGED_FROM
from starter.later_answers import LONGEST, later_answers, note_of, still_asked_for
from starter.reports import TITLES, Report
from workflows.fact_kinds import ABOUT_TASKS, RULINGS, FactKind
from workflows.facts import CLOCK_SKEW, Child, Fact, Known, impossibility
from workflows.names import derived_id

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

_OF_WHO_REPORTED: Final = {"reporter"}
"""What a report answers of whoever made it, and not of the child."""


@dataclass(frozen=True)
class RecordOfAbsence:
    """An episode as it stands before it is merged with another. Without a report it was not begun by one of ours."""

    id: str
    report: Report | None
    facts: tuple[Fact, ...]
    need_to_know: bool

    @property
    def child(self) -> Child:
        """What the rules ask about the child, as the report says."""
        return self.report.circumstances() if self.report else Child()

    def close(self, now: datetime) -> bool:
        """Whether its facts make it need-to-know. Without its report only the row can say. `now` is UTC."""
        by_facts = Known(self.facts, now + CLOCK_SKEW).child(self.child).need_to_know
        return by_facts or (self.report is None and self.need_to_know)


def taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, by: str, now: datetime) -> list[Fact]:
    """What a record takes over from a duplicate, each with an id that is the same each time.

    First what keeps it close, before what is to be kept close: where either was
    need-to-know both together are (O36, S4 section 8). Then what only the
    duplicate's report says; then the facts in force that say something of the
    child. `by` is who merges; `now` is UTC.
    """
    learnt: list[tuple[str, dict[str, Any]]] = []
    if circumstances := circumstances_taken_over(duplicate, into, now):
        # By what it tells of and never by what it tells: an id may say nothing of a child.
        learnt.append((f"-{','.join(circumstances)}", {"details": circumstances}))
    learnt += [(f"-{question}", {"note": note}) for question, note in answers_taken_over(duplicate, into, now).items()]
    taken = [_described(into.id, f"as-{duplicate.id}{part}", by, now, said) for part, said in learnt]
    taken += _of_the_child(duplicate, into.id, now)
    together = RecordOfAbsence(into.id, into.report, (*into.facts, *taken), into.need_to_know)
    if (duplicate.close(now) or into.close(now)) and not (into.close(now) and together.close(now)):
        restricted = {"details": {"restricted": "yes"}}
        taken.insert(0, _described(into.id, f"restricted-as-{duplicate.id}", by, now, restricted))
    return [fact.model_copy(update={"source": f"{MERGED_FROM}{duplicate.id}"}) for fact in taken]


def _described(of: str, what: str, by: str, now: datetime, said: dict[str, Any]) -> Fact:
    about = {"id": derived_id(of, what), "kind": FactKind.DESCRIBED, "at": now, "recorded_at": now, "recorded_by": by}
    return Fact.model_validate({**about, **said})


def circumstances_taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, now: datetime) -> dict[str, str]:
    """What a duplicate's report says of the child and the other record does not know, as a described fact's details.

    Where both say something the record that goes on keeps its own word; what was described of the duplicate later is
    taken over with its facts. `now` is UTC.
    """
    known = Known(into.facts, now + CLOCK_SKEW).child(into.child)
    later = {name for fact in Known(duplicate.facts, now + CLOCK_SKEW).all(FactKind.DESCRIBED) for name in fact.details}
    return {
        name: _as_detail(value)
        for name, value in duplicate.child
        if value is not None and getattr(known, name) is None and name not in later
    }


def answers_taken_over(duplicate: RecordOfAbsence, into: RecordOfAbsence, now: datetime) -> dict[str, str]:
    """The notes that tell what a duplicate's report answers of the police's questions and the other record does not.

    By question. An answer too long for a note stays in the duplicate's report, where it can be read. `now` is UTC.
    """
    if duplicate.report is None or into.report is None:
        return {}
    told_later = {question for _, question, _ in later_answers(Known(duplicate.facts, now + CLOCK_SKEW))}
    asked = {*still_asked_for(into.report, Known(into.facts, now + CLOCK_SKEW))} - told_later
    said: dict[str, str | None] = {
        name: getattr(duplicate.report.answers, name) for name in TITLES if name in asked - _OF_WHO_REPORTED
    }
    return {name: note_of(name, answer) for name, answer in said.items() if answer and len(answer) <= LONGEST}


def contradiction(taken: Sequence[Fact], into: RecordOfAbsence, now: datetime) -> str | None:
    """Why what is taken over cannot be true beside what the other record has, in one line; None when it can.

    `now` is UTC.
    """
    there = list(into.facts)
    for fact in taken:
        if any(one.id == fact.id for one in there):
            continue
        if reason := impossibility(fact, there, into.child, now):
            return reason.removeprefix("at: ")
        there.append(fact)
    return None


def merged_elsewhere(duplicate: RecordOfAbsence, into: str) -> bool:
    """Whether a record is merged already, into another than this one."""
    return any(fact.details["into"] != into for fact in duplicate.facts if _merges(fact, duplicate, in_force=True))


def ending_id(duplicate: RecordOfAbsence, into: str) -> str:
    """The id of the fact that ends a duplicate: the same each time, and another once an earlier merge was withdrawn."""
    undone = sum(fact.details["into"] == into for fact in duplicate.facts if _merges(fact, duplicate, in_force=False))
    return derived_id(duplicate.id, f"merged-{into}" + (f"-{undone}" if undone else ""))


def _merges(fact: Fact, duplicate: RecordOfAbsence, *, in_force: bool) -> bool:
    corrected = any(one.corrects == fact.id for one in duplicate.facts)
    return fact.kind is FactKind.MERGED and corrected is not in_force


def _of_the_child(duplicate: RecordOfAbsence, into: str, now: datetime) -> list[Fact]:
    """A duplicate's facts in force, as facts of `into`. None corrects another: what was corrected stays behind."""
    there = Known(duplicate.facts, now + CLOCK_SKEW).facts
    in_force = {fact.id for fact in there}
    taken: list[Fact] = []
    for fact in there:
        details = dict(fact.details)
        if fact.kind is FactKind.ACTION_DONE:
            action = _as_corrected(details["action"], duplicate.facts)
            if action not in in_force:
                continue
            details["action"] = derived_id(into, action)
        if fact.kind not in _STAYS_BEHIND:
            changed = {"id": derived_id(into, fact.id), "replaces": None, "details": details}
            taken.append(fact.model_copy(update=changed))
    return taken


def _as_corrected(fact_id: str, facts: Sequence[Fact]) -> str:
    corrected_by = {fact.replaces: fact.id for fact in facts if fact.replaces}
    while fact_id in corrected_by:
        fact_id = corrected_by[fact_id]
    return fact_id


def _as_detail(value: bool | date | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)
