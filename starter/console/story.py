"""A story that somebody plans in the console: the form it is written in, and the scenario it makes. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from starter.console.forms import Mistakes, Posted
from starter.console.moments import as_fields, day_said, moment_said
from starter.console.story_details import answers_of, details_said
from workflows.fact_kinds import FactKind
from workflows.instants import LONDON, to_rfc3339
from workflows.plain_errors import BadInputError
from workflows.vocabulary import HOLDS_EITHER_WAY, HOLDS_WHEN_SAID, beginning_a_line

FEWEST_ROWS: Final = 6
MORE_ROWS: Final = 4
MOST_HAPPENINGS: Final = 40


@dataclass(frozen=True)
class Happening:
    """A row of the form: what happened, when, and what is said besides, each as it was written."""

    kind: str = ""
    day: str = ""
    time: str = ""
    details: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was written into it."""
        return not (self.kind or self.day or self.time or self.details)

    @property
    def answers(self) -> list[str]:
        """What can be chosen to say besides, in words, once it is known what happened."""
        return answers_of(FactKind(self.kind)) if self.kind in (*FactKind,) else []


@dataclass
class Story:
    """A story as it was written into the form, with what cannot be used of it."""

    policy: str
    child: dict[str, str]
    as_of_day: str
    as_of_time: str
    happenings: list[Happening]
    mistakes: Mistakes = field(default_factory=Mistakes)

    def with_more_rows(self) -> "Story":
        """The same story with room for more."""
        room = min(MORE_ROWS, MOST_HAPPENINGS - len(self.happenings))
        return replace(self, happenings=[*self.happenings, *(Happening() for _ in range(room))], mistakes=Mistakes())

    def as_scenario(self) -> dict[str, Any]:
        """The scenario that the form tells, as `read_scenario` reads it. Mistakes of the form must have been none."""
        return {
            "title": "A story",
            "policy": self.policy,
            "child": _child(self.child),
            "as_of": to_rfc3339(moment_said(self.as_of_day, self.as_of_time, "as_of")),
            "facts": [_fact(row) for _, row in self._written()],
        }

    def take(self, error: BadInputError) -> None:
        """Note what a scenario's reader found, beside the row that it is about."""
        line = str(error)
        if line.startswith("facts["):
            number, _, rest = line.removeprefix("facts[").partition("]")
            row = self._written()[int(number)][0]
            sentence = rest.lstrip(".").partition(": ")[2] or rest
            self.mistakes.add(f"row-{row}-kind", f"Row {row + 1}: {sentence}")
            return
        self.mistakes.take(error)

    def _written(self) -> list[tuple[int, Happening]]:
        return [(number, row) for number, row in enumerate(self.happenings) if not row.empty]

    def check(self) -> None:
        """Note each field that cannot be used."""
        if self.child.get("born"):
            self._try("born", lambda: day_said(self.child["born"], "born"))
        self._try("as_of", lambda: moment_said(self.as_of_day, self.as_of_time, "as_of"))
        for number, row in self._written():
            name = f"row-{number}-kind"
            if not row.kind:
                self.mistakes.add(name, f"Row {number + 1}: choose what happened")
                continue
            self._try(name, lambda row=row: _fact(row), f"Row {number + 1}: ")

    def _try(self, name: str, made: Any, before: str = "") -> None:
        try:
            made()
        except BadInputError as error:
            sentence = str(error).partition(": ")[2]
            self.mistakes.add(name, before + (sentence if before else beginning_a_line(sentence)))


def story_of(posted: Posted) -> Story:
    """The story that a posted form tells, with its mistakes."""
    rows = [
        Happening(
            posted.one(f"row-{number}-kind"),
            posted.one(f"row-{number}-day"),
            posted.one(f"row-{number}-time"),
            posted.one(f"row-{number}-details"),
        )
        for number in range(MOST_HAPPENINGS)
        if f"row-{number}-kind" in posted.fields
    ]
    story = Story(
        policy=posted.one("policy") or "homeward",
        child=posted.said("born", "setting", *HOLDS_EITHER_WAY)
        | dict.fromkeys((name for name in posted.many("holds") if name in HOLDS_WHEN_SAID), "yes"),
        as_of_day=posted.one("as_of_day"),
        as_of_time=posted.one("as_of_time"),
        happenings=rows,
    )
    story.check()
    return story


def story_to_begin_with(now: datetime) -> Story:
    """An invented story: reported yesterday evening, back this morning. `now` is UTC."""
    local = now.astimezone(LONDON)
    (today, _), (yesterday, _) = as_fields(local), as_fields(local - timedelta(days=1))
    told = [
        Happening("last_seen", yesterday, "19:30"),
        Happening("reported", yesterday, "21:10"),
        Happening("authority_told", yesterday, "21:40"),
        Happening("located", today, "06:15"),
        Happening("returned", today, "07:00"),
    ]
    return Story(
        policy="homeward",
        child={"born": f"{local.year - 15}-02-03", "looked_after": "yes", "allocated": "yes", "setting": "foster"},
        as_of_day=today,
        as_of_time="09:00",
        happenings=[*told, Happening()],
    )


def _child(said: dict[str, str]) -> dict[str, Any]:
    child: dict[str, Any] = {
        name: said[name] == "yes" for name in (*HOLDS_EITHER_WAY, *HOLDS_WHEN_SAID) if name in said
    }
    if "born" in said:
        child["born"] = day_said(said["born"], "born").isoformat()
    if "setting" in said:
        child["setting"] = said["setting"]
    return child


def _fact(row: Happening) -> dict[str, str]:
    """A row as a flat fact. Raises BadInputError."""
    if row.kind not in (*FactKind,):
        raise BadInputError("kind: choose what happened")
    at = to_rfc3339(moment_said(row.day, row.time, "at"))
    return details_said(FactKind(row.kind), row.details) | {"kind": row.kind, "at": at}
