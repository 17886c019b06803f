"""The fields of a report's form, in the steps in which a worried person can fill them in. Pure.

A draft keeps each field as it was written; what can be read of them is the
report. Nothing is asked for that is not known: an empty field is asked later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from starter.console.forms import Mistakes, Posted
from starter.console.moments import as_fields, day_said, moment_said
from starter.reports import PoliceQuestions
from workflows.instants import london_midnight, parse_instant, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ABSENCE_CATEGORIES, HOLDS_EITHER_WAY, HOLDS_WHEN_SAID, Setting

Written = Mapping[str, str]
"""What was written, by field."""

LONGEST: Final = 4000
LONGEST_REFERENCE: Final = 80

EITHER_WAY: Final = HOLDS_EITHER_WAY
"""What is asked as yes or no."""

WHEN_SAID: Final = HOLDS_WHEN_SAID
"""What is ticked when it holds."""


@dataclass(frozen=True)
class Step:
    """A page of the form: its name in the address, its heading, and its fields in their order."""

    id: str
    title: str
    fields: tuple[str, ...]
    moments: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all that it posts."""
        parts = tuple(f"{one}{part}" for one in self.moments for part in ("", "_day", "_time"))
        return (*self.fields, *parts)


STEPS: Final = (
    Step(
        "when",
        "Who is it, and what happened?",
        ("reference", "identity", "category", "missing_from", "police_force", "police_reference"),
        ("last_seen", "noticed", "reported", "located", "returned"),
    ),
    Step(
        "child",
        "About the child",
        ("born", "setting", "home_address", *EITHER_WAY, *WHEN_SAID, "host_authority", "host_force"),
    ),
    Step(
        "finding",
        "How to know them, and where they may be",
        (
            "description",
            "mobile_number",
            "contact_made",
            "social_media",
            "likely_places",
            "circumstances",
            "character",
            "health",
            "alcohol_drugs",
        ),
    ),
    Step("reporter", "Who reports, and what was done", ("reporter", "actions_taken"), ("authority_told",)),
)
"""In their order."""

STEP_OF: Final[dict[str, Step]] = {name: step for step in STEPS for name in step.names}
"""The step on which a field stands."""

MOMENT_WORDS: Final = {
    "last_seen": "Last seen",
    "noticed": "Noticed to be gone",
    "reported": "The police told",
    "located": "Found",
    "returned": "Came back",
    "authority_told": "Children's services told",
    "when": "When",
}
"""What each moment is called where something about it cannot be used."""

TIMES: Final = tuple(moment for step in STEPS for moment in step.moments)


def step_named(name: str) -> Step | None:
    """The step of that name, or None."""
    return next((step for step in STEPS if step.id == name), None)


def step_after(step: Step) -> Step | None:
    """The step that comes next, or None after the last."""
    following = STEPS.index(step) + 1
    return STEPS[following] if following < len(STEPS) else None


_LEFT_AT: Final = "left_at"
"""Where a draft keeps on which step its writer was last."""


def leaving_at(step: Step) -> dict[str, str]:
    """What a draft keeps of the step on which its writer is."""
    return {_LEFT_AT: step.id}


def left_at(written: Written) -> Step:
    """The step on which the writer of a draft goes on: where they were, else the first on which nothing is written."""
    begun = next((step for step in STEPS if not any(written.get(name) for name in step.names)), STEPS[-1])
    return step_named(written.get(_LEFT_AT, "")) or begun


def step_of_mistake(name: str) -> Step | None:
    """The step on which the field of a mistake stands; None for a mistake of no field."""
    return STEP_OF.get(name.removesuffix("-day").removesuffix("-time"))


def written_on(step: Step, posted: Posted, before: Written, now: datetime) -> dict[str, str]:
    """What a step's form says, field by field. 'Just now' is the minute (UTC) in which it was first said."""
    written = {name: posted.one(name) for name in step.fields}
    for name in step.moments:
        said_before = parse_instant(before[_stamp(name)]) if just_now_of(before, name) else now
        written |= written_moment(posted, name, said_before)
    return written


def written_moment(posted: Posted, name: str, just_now: datetime) -> dict[str, str]:
    """What a form says of a moment; `just_now` (UTC) is what just now means there."""
    written = {f"{name}{part}": posted.one(f"{name}{part}") for part in ("", "_day", "_time")}
    stamp = to_rfc3339(just_now.replace(second=0, microsecond=0))
    return {**written, _stamp(name): stamp if written[name] == "now" else ""}


def _stamp(name: str) -> str:
    return f"{name}_just_now"


def just_now_of(written: Written, name: str) -> datetime | None:
    """The instant (UTC) that 'just now' meant, where it was said of a moment."""
    stamp = written.get(_stamp(name), "")
    return parse_instant(stamp) if written.get(name) == "now" and stamp else None


def as_shown(written: Written) -> dict[str, str]:
    """What was written, as the form shows it again: 'just now' is by then a time of its own."""
    shown = {name: written.get(name, "") for name in STEP_OF}
    for name in TIMES:
        if (at := just_now_of(written, name)) is not None:
            day, time = as_fields(at)
            shown |= {name: "at", f"{name}_day": day, f"{name}_time": time}
        elif not shown[name] and (shown[f"{name}_day"] or shown[f"{name}_time"]):
            shown[name] = "at"
    return shown


def says_anything(written: Written) -> bool:
    """Whether anything was written at all."""
    return any(written.get(name) for name in STEP_OF)


@dataclass
class Read:
    """What can be read of what was written: a report as its model takes it, its category, and the mistakes."""

    report: dict[str, Any] = field(default_factory=dict[str, Any])
    category: str | None = None
    mistakes: Mistakes = field(default_factory=Mistakes)


def read(written: Written) -> Read:
    """Read what was written, mistakes and all; what is empty is left out."""
    category = written.get("category")
    found = Read(category=category if category in ABSENCE_CATEGORIES else None)
    mistakes = found.mistakes
    to_the_day = list[str]()
    for name in TIMES:
        at, day_only = read_moment(written, name, mistakes)
        if at is not None:
            found.report[name] = to_rfc3339(at)
            to_the_day += [name] if day_only else []
    if to_the_day:
        found.report["known_to_day"] = to_the_day
    found.report["child"] = read_child(written, mistakes)
    found.report["answers"] = read_answers(written, mistakes)
    if reference := written.get("reference"):
        _check_length(reference, "reference", mistakes, LONGEST_REFERENCE)
        found.report["child"]["reference"] = reference
    _read_police(written, found)
    return found


def _read_police(written: Written, found: Read) -> None:
    said = {name: written[name] for name in ("police_force", "police_reference") if written.get(name)}
    for name, words in said.items():
        _check_length(words, name, found.mistakes)
    if "reported" in found.report or not said:
        found.report |= said
        return
    # That the police were told has no place without its time, and must not be lost for want of one.
    answers = found.report["answers"]
    told = f"The police were told, it is not said when: {', '.join(said.values())}"
    answers["actions_taken"] = "\n".join([one for one in (answers.get("actions_taken"), told) if one])


def read_child(written: Written, mistakes: Mistakes) -> dict[str, Any]:
    """The child's circumstances as far as they are written."""
    child: dict[str, Any] = {}
    if born := written.get("born"):
        try:
            child["born"] = day_said(born, "born").isoformat()
        except BadInputError as error:
            mistakes.take(error)
    if (setting := written.get("setting")) in [one.value for one in Setting]:
        child["setting"] = setting
    child |= {name: written[name] == "yes" for name in EITHER_WAY if written.get(name) in ("yes", "no")}
    child |= {name: True for name in WHEN_SAID if written.get(name) == "yes"}
    for name in ("host_authority", "host_force"):
        if words := written.get(name):
            _check_length(words, name, mistakes)
            child[name] = words
    return child


def read_answers(written: Written, mistakes: Mistakes, longest: int = LONGEST) -> dict[str, str]:
    """The police's questions that are answered."""
    answers: dict[str, str] = {}
    for name in PoliceQuestions.model_fields:
        if words := written.get(name):
            _check_length(words, name, mistakes, longest)
            answers[name] = words
    return answers


def _check_length(words: str, name: str, mistakes: Mistakes, longest: int = LONGEST) -> None:
    if len(words) > longest:
        mistakes.add(name, f"Shorten this to {longest:,} characters: it has {len(words):,}")


def read_moment(written: Written, name: str, mistakes: Mistakes) -> tuple[datetime | None, bool]:
    """A moment (UTC) and whether only its day is known; its day's first minute stands for it then.

    A mistake in it is noted by its field, 'last_seen-day' or 'last_seen-time'.
    """
    if (just_now := just_now_of(written, name)) is not None:
        return just_now, False
    day, at = written.get(f"{name}_day", ""), written.get(f"{name}_time", "")
    if written.get(name) in ("unknown", "no") or not (day or at or written.get(name) == "at"):
        return None, False
    if not day:
        # A browser sends nothing of a day that was begun and not finished.
        missing = "the day too" if at else "the day, or choose another answer"
        mistakes.add(f"{name}-day", f"{MOMENT_WORDS[name]}: enter {missing}")
        return None, False
    try:
        if not at:
            return london_midnight(day_said(day, f"{name}-day")), True
        return moment_said(day, at, f"{name}-{'time' if _is_day(day) else 'day'}"), False
    except BadInputError as error:
        field, _, sentence = str(error).partition(": ")
        mistakes.add(field, f"{MOMENT_WORDS[name]}: {sentence}")
        return None, False


def moment_to_the_minute(written: Written, name: str, mistakes: Mistakes) -> datetime | None:
    """A moment (UTC) of which the day alone is not enough."""
    at, day_only = read_moment(written, name, mistakes)
    if day_only:
        mistakes.add(f"{name}-time", f"{MOMENT_WORDS[name]}: enter the time too, about when is enough")
        return None
    return at


def _is_day(day: str) -> bool:
    try:
        day_said(day, "day")
    except BadInputError:
        return False
    return True
