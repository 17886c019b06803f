"""What the statutory words mean, for people who meet them in the console. Each with where it comes from."""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, ConfigDict


class Term(BaseModel):
    """A statutory word, what it means in one or two sentences, and where that is said."""

    model_config = ConfigDict(frozen=True)
    word: str
    means: str
    source: str


def _term(word: str, means: str, source: str) -> Term:
    return Term(word=word, means=means, source=source)


_PROTOCOL: Final = "West Yorkshire joint protocol"
_GUIDANCE: Final = "Statutory guidance on children who run away or go missing, 2014"
_PRACTICE: Final = "Practice guidance, the work-step for a missing child"

TERMS: Final[Mapping[str, Term]] = {
    "absent": _term(
        "Absent",
        "The child is not where they are expected or required to be, and it is not reported to the police at first.",
        f"{_PROTOCOL}, sections 2 and 3",
    ),
    "away": _term(
        "Away from placement without authorisation",
        "It is known where a looked-after child is, and it is not where they should be.",
        f"{_PROTOCOL}, section 2",
    ),
    "missing": _term(
        "Missing",
        "The child is reported to the police and nobody has established where they are, until they are found and "
        "their well-being is confirmed.",
        f"{_PROTOCOL}, section 2",
    ),
    "looked_after": _term(
        "Looked after",
        "The child is in the authority's care, by a care order or by agreement under section 20.",
        "Children Act 1989, sections 20 and 22",
    ),
    "rhi": _term(
        "Return home interview",
        "A talk with the child after coming back, with somebody independent of their care. It is offered on every "
        "occasion, so that it can be held within 72 hours of the return.",
        _GUIDANCE,
    ),
    "strategy_meeting": _term(
        "Strategy meeting",
        "Plans further attempts to find the child, considers publicity and a recovery order, within 3 working days.",
        _PRACTICE,
    ),
    "iro": _term(
        "Independent reviewing officer (IRO)",
        "Reviews a looked-after child's care plan, and is told each time the child is absent, away or missing.",
        f"{_PROTOCOL}, section 8",
    ),
    "prevention_check": _term(
        "Prevention check",
        "The police see the child soon after they are found or back, unless an exception applies.",
        f"{_PROTOCOL}, section 6",
    ),
    "need_to_know": _term(
        "Need to know",
        "Where this child is must not become known. Only those who hold a role for the child see the record; whoever "
        "must look all the same says why, and the administrator is told.",
        f"{_PROTOCOL}, section 8",
    ),
    "clock": _term(
        "Clock",
        "One thing that is owed to the child, and the time by which it is. Each says from when it runs, by which rule, "
        "and where the rule comes from.",
        "Homeward",
    ),
    "policy": _term(
        "Policy",
        "The rules that an episode runs by: what the statute asks for, and what the authority has added to it.",
        "Homeward",
    ),
}
"""By a short name, for templates."""
