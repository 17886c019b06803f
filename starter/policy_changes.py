"""What changes from one policy pack to another, in words, as people read a pack."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starter.policy_diff import differences
from starter.policy_page import (
    INTERVIEWER_VERDICTS,
    applies_in_words,
    clock_in_words,
    rung_in_words,
    words_of_happenings,
)
from workflows.explain import duration_in_words, start_in_words
from workflows.fact_kinds import FACTS
from workflows.policy import Chase, Eligibility, Message, Pack, Prompt, RepeatRule, Strength
from workflows.policy_rules import Amount, ClockRule, Rung
from workflows.vocabulary import ROLE_WORDS, Channel, ClockKind

Facets = Mapping[str, tuple[str, str]]
"""What is said of one thing: by the name of each part, what the part is called and what it says."""

_LETTERS: Final = 2
"""A point of a longer name is known by what it says."""

KIND_WORDS: Final[Mapping[ClockKind, str]] = {
    ClockKind.FIRE_AT: "fires when its time comes",
    ClockKind.DUE_BY: "is owed until it is done",
    ClockKind.REVIEW: "comes round again",
}
STRENGTH_WORDS: Final[Mapping[str, str]] = {
    "must": "must be done",
    "where_possible": "is done where possible",
    "local": "is local practice",
}
CHANNEL_WORDS: Final[Mapping[Channel, str]] = {
    Channel.TRAY: "the tray alone",
    Channel.EMAIL: "e-mail",
    Channel.SMS: "text message",
    Channel.WEBHOOK: "webhook",
}


@dataclass(frozen=True)
class Line:
    """One part of a thing that is otherwise: from what, to what. Empty where nothing is said."""

    label: str
    was: str
    becomes: str


@dataclass(frozen=True)
class Changed:
    """A thing that both packs have, and what of it is otherwise."""

    title: str
    lines: Sequence[Line]


@dataclass(frozen=True)
class Alone:
    """A thing that one pack alone has, and what it asks for. `clock`: its id, when it is a clock."""

    title: str
    asks: str
    clock: str = ""


@dataclass(frozen=True)
class Changes:
    """What changes from one pack to another. Clocks first, then everything else."""

    clocks: Sequence[Changed]
    clocks_added: Sequence[Alone]
    clocks_removed: Sequence[Alone]
    rest: Sequence[Changed]
    rest_added: Sequence[Alone]
    rest_removed: Sequence[Alone]


def changes(first: Pack, second: Pack) -> Changes:
    """What changes from the first pack to the second; whatever differs is in one of its parts."""
    found = differences(first, second)
    names = {part: list(dict.fromkeys(one.name for one in found if one.part == part and one.name)) for part in _PARTS}
    others = [part for part in _PARTS if part != "clocks"]
    general = [one.part for one in found if one.part not in _PARTS]
    return Changes(
        clocks=[one for name in names["clocks"] for one in _changed("clocks", name, first, second)],
        clocks_added=[_clock(second, name) for name in names["clocks"] if name not in first.clocks],
        clocks_removed=[_clock(first, name) for name in names["clocks"] if name not in second.clocks],
        rest=[
            *(one for part in others for name in names[part] for one in _changed(part, name, first, second)),
            *(_general(part, first, second) for part in general if _says(first, part) and _says(second, part)),
        ],
        rest_added=[
            *(_general_alone(part, second) for part in general if not _says(first, part)),
            *(one for part in others for one in _alone(part, names[part], second, first)),
        ],
        rest_removed=[
            *(_general_alone(part, first) for part in general if not _says(second, part)),
            *(one for part in others for one in _alone(part, names[part], first, second)),
        ],
    )


def _changed(part: str, name: str, first: Pack, second: Pack) -> Iterator[Changed]:
    mine, other = _thing(first, part, name), _thing(second, part, name)
    if mine is not None and other is not None:
        _, facets = _PARTS[part]
        yield Changed(_title(part, name, other), _lines(facets(first, mine), facets(second, other)))


def _alone(part: str, names: Sequence[str], there: Pack, not_there: Pack) -> Iterator[Alone]:
    for name in names:
        thing = _thing(there, part, name)
        if thing is not None and _thing(not_there, part, name) is None:
            _, facets = _PARTS[part]
            said = next(iter(facets(there, thing).values()))
            yield Alone(_title(part, name, thing), said[1])


def _thing(pack: Pack, part: str, name: str) -> Any:
    there: Mapping[str, Any] = getattr(pack, part)
    return there.get(name)


def _title(part: str, name: str, thing: Any) -> str:
    kind, _ = _PARTS[part]
    called = name.replace("_", " ") if isinstance(thing, Eligibility) else thing.title
    return f"{kind}{called}"


def _clock(pack: Pack, name: str) -> Alone:
    said = clock_in_words(pack, name)
    return Alone(said.title, f"for {said.applies}; due {said.due}", name)


def _lines(first: Facets, second: Facets) -> list[Line]:
    """The parts that are otherwise; where all read alike, that the packs write it otherwise."""
    found: list[Line] = []
    for name in dict.fromkeys((*first, *second)):
        label, was = first.get(name, ("", ""))
        label, becomes = second.get(name, (label, ""))
        if was != becomes:
            found.append(Line(label, was, becomes))
    return found or [Line("Written otherwise", "the same, in other words of the policy's file", "")]


def _clock_facets(pack: Pack, rule: ClockRule) -> Facets:
    said = {
        "title": ("Called", f"“{rule.title}”"),
        "due": ("Due", f"{duration_in_words(rule.due)} after {start_in_words(rule.start, pack)}"),
        "applies": ("For", applies_in_words(rule.applies)),
        "kind": ("What kind", KIND_WORDS[rule.kind]),
        "strength": ("How binding", STRENGTH_WORDS[rule.strength]),
    }
    said |= {
        f"start_when {number}": (
            "Starts otherwise",
            f"for {applies_in_words(one.when)}: after {start_in_words(one.start, pack)}",
        )
        for number, one in enumerate(rule.start_when)
    }
    lifted = [f"{words_of_happenings([one])} (then {one.state.value.replace('_', ' ')})" for one in rule.waived_by]
    for name, label, text in (
        ("met_by", "Met by", words_of_happenings(rule.met_by) if rule.met_by else ""),
        ("waived_by", "Lifted by", ", ".join(lifted)),
        ("cancelled_by", "Cancelled by", words_of_happenings(rule.cancelled_by) if rule.cancelled_by else ""),
        ("ended_by", "Ended by", words_of_happenings(rule.ended_by) if rule.ended_by else ""),
        ("goes_on_after_childhood", "After childhood", "is still owed" if rule.goes_on_after_childhood else ""),
        ("task", "Task", f"{ROLE_WORDS[rule.task.role]}: {rule.task.do}" if rule.task else ""),
    ):
        said[name] = (label, text)
    said |= {f"rung {rung.rung}": ("Who is told", _rung(rung)) for rung in rule.ladder}
    return said | _sources(pack, rule) | {"reading": ("Reading", rule.reading or "")}


def _sources(pack: Pack, rule: ClockRule | RepeatRule | Prompt | Message | Chase) -> dict[str, tuple[str, str]]:
    cited = [(one.document, one.section) for one in rule.source]
    return {
        "obligations": ("Obligations", ", ".join(rule.obligations)),
        **{f"source {of} {place}": ("Source", f"{pack.documents[of]}, {place}") for of, place in cited},
    }


def _rung(rung: Rung) -> str:
    first_by = f", first by {CHANNEL_WORDS[rung.channel]}" if rung.channel else ""
    upward = ", as a step upward" if rung.escalates else ""
    until = ", unless somebody has answered" if rung.until == "acknowledged" else ""
    return f"{rung_in_words(rung)}{first_by}{upward}{until}: “{rung.says}”"


def _repeat_facets(pack: Pack, rule: RepeatRule) -> Facets:
    within = f"within {rule.within_days} days" if rule.within_days else "ever"
    return {
        "at_least": ("Counts from", f"{rule.at_least} absences {within}"),
        "title": ("Called", f"“{rule.title}”"),
        **_sources(pack, rule),
        "reading": ("Reading", rule.reading or ""),
    }


def _interviewer_facets(_: Pack, rule: Eligibility) -> Facets:
    return {"verdict": ("May hold it", f"{INTERVIEWER_VERDICTS[rule.verdict]}, since {rule.why}")}


def _point(letter: str) -> str:
    return f"Point {letter}" if len(letter) <= _LETTERS else "What it says"


def _prompt_facets(pack: Pack, prompt: Prompt) -> Facets:
    beside = [f"beside “{pack.clocks[one].title}”" for one in prompt.beside]
    shown = [*beside, *(f"after {FACTS[kind].words}" for kind in prompt.after)]
    return {
        "shown": ("Shown", "; ".join(shown)),
        "title": ("Called", f"“{prompt.title}”"),
        "applies": ("For", applies_in_words(prompt.applies)),
        **{f"item {letter}": (_point(letter), text) for letter, text in prompt.items.items()},
        **_sources(pack, prompt),
    }


_PARTS: Final[Mapping[str, tuple[str, Callable[[Pack, Any], Facets]]]] = {
    "clocks": ("", _clock_facets),
    "repeats": ("When absences count as repeated: ", _repeat_facets),
    "interviewers": ("Who may hold a return home interview: ", _interviewer_facets),
    "prompts": ("What to ask and say: ", _prompt_facets),
}
"""The parts of a pack that hold several things by name: how their titles begin, and what is said of each."""


def _says(pack: Pack, part: str) -> bool:
    return getattr(pack, part) not in (None, ())


def _general_alone(part: str, pack: Pack) -> Alone:
    [(_, said), *_] = _of_general(pack, part).values()
    return Alone(_GENERAL[part], said)


def _general(part: str, first: Pack, second: Pack) -> Changed:
    return Changed(_GENERAL[part], _lines(_of_general(first, part), _of_general(second, part)))


_GENERAL: Final[Mapping[str, str]] = {
    "calendar": "By which calendar working days are counted",
    "close_after": "How long a record stays open with nothing owed",
    "look_again": "How often provisional dates are worked out again",
    "childhood_ends_at": "When childhood ends",
    "photographs_fresh_for": "How old photographs may grow",
    "two_people_for": "What one person alone may not decide",
    "return_notice": "What is sent when a child is back",
    "correction_notice": "What is sent when something was not so",
    "suppression_notice": "What is sent when something is held back",
    "chase": "When nobody answers",
}


def _of_general(pack: Pack, part: str) -> Facets:
    said: Chase | Message | Amount | str | int | tuple[Strength, ...] | None = getattr(pack, part)
    if isinstance(said, Chase):
        return _chase_facets(pack, said)
    if isinstance(said, Message):
        first_by = f", first by {CHANNEL_WORDS[said.channel]}" if said.channel else ""
        return {"says": ("Says", f"“{said.says}”{first_by}"), **_sources(pack, said)}
    if isinstance(said, Amount):
        return {"": ("How long", duration_in_words(said))}
    if isinstance(said, tuple):
        return {"": ("Which", ", ".join(f"what {STRENGTH_WORDS[one]}" for one in said))}
    return {"": ("Which", "" if said is None else str(said))}


def _chase_facets(pack: Pack, chase: Chase) -> Facets:
    return {
        "away": ("While the child is away", f"after {chase.unanswered_after_minutes} minutes somebody else is asked"),
        "back": (
            "Once the child is back",
            f"after {chase.unanswered_after_return_minutes} minutes somebody else is asked",
        ),
        "overdue": ("Goes upward when overdue", f"every {chase.overdue_again_after_hours} hours"),
        "unanswered_says": ("Says when unanswered", f"“{chase.unanswered_says}”"),
        "overdue_says": ("Says when overdue", f"“{chase.overdue_says}”"),
        "undelivered_says": ("Says when undelivered", f"“{chase.undelivered_says}”"),
        **{
            f"above {role}": (f"Above the {ROLE_WORDS[role]}", ROLE_WORDS[above])
            for role, above in chase.upward.items()
        },
        **_sources(pack, chase),
    }
