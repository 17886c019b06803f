"""The timeline's lines as people read them: what the engine wrote, said anew by what it is about."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from starter.console.episode.said import happened_in_words
from starter.console.episode.shown import EpisodePage
from starter.console.spoken import role_in_words
from starter.who_knew import PostEvent
from workflows.contracts import TimelineEntry
from workflows.facts import Fact
from workflows.instants import in_words
from workflows.policy_rules import Rung
from workflows.vocabulary import ClockState, clock_state_in_words, name_in_words

_STATUS: Final = "Episode: "
_RULES: Final = re.compile(r"Policy (?P<policy>\S+) (?P<version>\S+), calendar (?P<calendar>\S+) (?P<of>\S+)")
_NOT_TO_BE_TOLD: Final = "is not to be told"


def line_in_words(shown: EpisodePage, line: TimelineEntry | PostEvent, fact: Fact | None) -> str:
    """A line of the timeline; `fact` is what was recorded, where it says that something was."""
    if fact:
        return _recorded(shown, fact)
    return _OF_KIND[line.kind](shown, line) if isinstance(line, TimelineEntry) and line.kind in _OF_KIND else line.text


def recorded_in_words(shown: EpisodePage, fact: Fact) -> str:
    """What was recorded, with what it names: a duty, a rule, a task or somebody. The rest of it is in its details."""
    said = shown.named(fact).details
    named = [said[name] for name in ("task", "person") if name in said]
    named += [f"“{shown.duty_called(said['clock'])}”"] if "clock" in said else []
    named += [shown.repeat_called(said["rule"])] if "rule" in said else []
    return happened_in_words(fact.kind) + (f" ({', '.join(named)})" if named else "")


def _recorded(shown: EpisodePage, fact: Fact) -> str:
    words = recorded_in_words(shown, fact)
    if fact.day_only:
        words += ", known to the day only"
    if fact.replaces:
        before = shown.recorded(fact.replaces)
        words += f", in place of {recorded_in_words(shown, before)}, {in_words(before.at)}" if before else ", corrected"
    return words


def _stands(shown: EpisodePage, line: TimelineEntry) -> str:
    """How a clock stood from then on; what it says of its time stands behind how it stood.

    Lines that versions before 0.6.0 wrote say how it stood by the state's own name.
    """
    if line.state is None:
        return line.text
    state = ClockState(line.state)
    words = clock_state_in_words(state)
    for said in (words, state.value.replace("_", " ")):
        _, there, times = line.text.partition(f": {said}")
        if there:
            return f"{shown.duty_called(line.clock or '')}: {words}{times}"
    return line.text


def _passed_over(shown: EpisodePage, line: TimelineEntry) -> str:
    duty, rung = shown.duty_called(line.clock or ""), _rung(shown, line)
    notice = f"the notice “{rung.says}”" if rung else "a notice"
    if line.text.endswith(_NOT_TO_BE_TOLD) and line.role:
        return f"{duty}: {notice} does not go to the {role_in_words(line.role)}, who {_NOT_TO_BE_TOLD}"
    return f"{duty}: {notice} was not sent, since its time had passed before this was known; a later one speaks for it"


def _rung(shown: EpisodePage, line: TimelineEntry) -> Rung | None:
    rule = shown.pack.clocks.get(line.clock or "")
    return next((one for one in rule.ladder if one.rung == line.rung), None) if rule else None


def _rules(shown: EpisodePage, line: TimelineEntry) -> str:
    found = _RULES.fullmatch(line.text)
    if found is None:
        return line.text
    title = shown.pack.title if shown.pack.policy == found["policy"] else name_in_words(found["policy"])
    days = f"working days by the calendar of {name_in_words(found['calendar'])}, {found['of']}"
    return f"The policy is “{title}”, version {found['version']}; {days}"


def _status(_: EpisodePage, line: TimelineEntry) -> str:
    return line.text.replace(_STATUS, "The child now counts as: ", 1)


_OF_KIND: Final[Mapping[str, Callable[[EpisodePage, TimelineEntry], str]]] = {
    "state": _stands,
    "passed_over": _passed_over,
    "rules": _rules,
    "status": _status,
}
"""How lines of a kind are said; others say it themselves."""
