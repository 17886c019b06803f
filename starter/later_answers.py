"""Answers to the police's fourteen questions that are given after the report. Pure.

A report is kept as it was said. What is learnt later is a fact of the episode,
'child's circumstances recorded': in its details what the rules ask about the
child, in its note the answer to one question, under that question's title.
"""

from collections.abc import Iterator
from typing import Final

from starter.reports import ASKED_OF_THE_CHILD, TITLES, PoliceQuestions, Report
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known

LONGEST: Final = 3900
"""Characters of an answer: with its title it must fit into a fact's note."""


def note_of(question: str, answer: str) -> str:
    """An answer as the note of the fact that tells it."""
    return f"{TITLES[question]}: {answer}"


def answered_in(fact: Fact) -> tuple[str, str] | None:
    """The question that a fact's note answers, and the answer; None for any other fact."""
    if fact.kind is not FactKind.DESCRIBED or not fact.note:
        return None
    title, colon, answer = fact.note.partition(": ")
    return next(((name, answer) for name, one in TITLES.items() if colon and one == title), None)


def later_answers(known: Known) -> Iterator[tuple[Fact, str, str]]:
    """Each answer that came after the report: its fact, the question, the answer."""
    for fact in known.all(FactKind.DESCRIBED):
        if answered := answered_in(fact):
            yield fact, *answered


def still_asked_for(report: Report, known: Known) -> list[str]:
    """The fields of a report that are not known by now: the child's circumstances, then the police's questions."""
    child = known.child(report.circumstances())
    answered = {question for _, question, _ in later_answers(known)}
    open_of_child = [name for name in ASKED_OF_THE_CHILD if getattr(child, name) is None]
    return open_of_child + [
        name for name in PoliceQuestions.model_fields if getattr(report.answers, name) is None and name not in answered
    ]
