"""A policy pack as a page in Markdown, for people to read, print or publish."""

from collections.abc import Iterator
from dataclasses import dataclass

from workflows.explain import duration_in_words, start_in_words, words_of_happenings
from workflows.policy import Chase, Pack
from workflows.policy_rules import Applies, ClockRule, Rung
from workflows.vocabulary import ROLE_WORDS

_KINDS = {"fire_at": "fires", "due_by": "owed", "review": "review"}

INTERVIEWER_VERDICTS = {"allow": "may", "flag": "may, and it is pointed out", "block": "may not"}
"""Whether somebody may hold a return home interview, in words."""


def as_page(pack: Pack) -> str:
    """The whole pack as Markdown: its clocks with their rules, ladders and sources, and what else it holds."""
    return "\n".join(_lines(pack)) + "\n"


def _lines(pack: Pack) -> Iterator[str]:
    yield f"# {pack.title}"
    yield ""
    below = f"; extends {', '.join(pack.extends)}" if pack.extends else ""
    yield f"Policy `{pack.policy}` {pack.version}, from {pack.effective_from}; calendar {pack.calendar}{below}."
    yield ""
    yield "A clock that *fires* happens when its time comes, unless it is cancelled before. One that is *owed* is owed"
    yield "whatever happens. A *review* comes round again and again until what it watches ends. A clock of *local*"
    yield "strength is practice, asked for and looked after, and does not by itself keep an episode open."
    for clock_id in pack.clocks:
        yield ""
        yield from _clock(clock_in_words(pack, clock_id))
    yield ""
    yield "## When absences count as repeated"
    yield ""
    for rule_id, repeat in pack.repeats.items():
        within = f"within {repeat.within_days} days" if repeat.within_days else "ever"
        yield f"- {repeat.title} (`{rule_id}`): {repeat.at_least} {within}. {pack.cite(repeat)}."
    yield ""
    yield "## Who may hold a return home interview"
    yield ""
    for interviewer, rule in pack.interviewers.items():
        yield f"- {interviewer.value.replace('_', ' ')}: {rule.verdict}; {rule.why}."
    yield ""
    if pack.chase:
        yield from _chase(pack, pack.chase)
    yield "## Prompts"
    for prompt in pack.prompts.values():
        yield ""
        yield f"### {prompt.title}"
        yield ""
        for letter, item in prompt.items.items():
            yield f"- {letter}: {item}"
        yield ""
        yield f"{pack.cite(prompt)}."


def _chase(pack: Pack, chase: Chase) -> Iterator[str]:
    yield "## When nobody answers"
    yield ""
    yield f"A notice that asks for an answer and has none after {chase.unanswered_after_minutes} minutes goes to the"
    yield "holder's deputy, or to who is on call, and after as long again to each role above; what is sent once the"
    yield f"child is back waits {chase.unanswered_after_return_minutes} minutes. A notice that no channel could deliver"
    yield "is chased at once. An overdue task without a ladder of its own goes to each role above, one every"
    yield f"{chase.overdue_again_after_hours} hours."
    yield ""
    for role in chase.upward:
        yield f"- {ROLE_WORDS[role]}: {', then '.join(ROLE_WORDS[one] for one in chase.above(role))}"
    yield ""
    yield f"{pack.cite(chase)}."
    yield ""


@dataclass(frozen=True)
class ClockInWords:
    """A clock of a pack as people read it. `lines` are what is said of it, each with its label."""

    id: str
    title: str
    kind: str
    strength: str
    applies: str
    due: str
    lines: tuple[tuple[str, str], ...]


def clock_in_words(pack: Pack, clock_id: str) -> ClockInWords:
    """What a clock of a pack asks for: when it is due, what meets it, whom it tells, and where it comes from."""
    rule = pack.clocks[clock_id]
    due = f"{duration_in_words(rule.due)} after {start_in_words(rule.start, pack)}"
    return ClockInWords(
        id=clock_id,
        title=rule.title,
        kind=_KINDS[rule.kind],
        strength=rule.strength.replace("_", " "),
        applies=applies_in_words(rule.applies),
        due=due,
        lines=tuple(_lines_of_clock(pack, rule, due)),
    )


def _lines_of_clock(pack: Pack, rule: ClockRule, due: str) -> Iterator[tuple[str, str]]:
    yield "Due", due
    for overlay in rule.start_when:
        yield f"For {applies_in_words(overlay.when)}", f"after {start_in_words(overlay.start, pack)}"
    for label, happenings in (
        ("Met by", rule.met_by),
        ("Lifted by", rule.waived_by),
        ("Cancelled by", rule.cancelled_by),
        ("Ended by", rule.ended_by),
    ):
        if happenings:
            yield label, words_of_happenings(happenings)
    if rule.task:
        yield f"Task of the {ROLE_WORDS[rule.task.role]}", rule.task.do
    for rung in rule.ladder:
        yield rung_in_words(rung), rung.says
    yield "Source", pack.cite(rule)
    if rule.reading:
        yield "Reading", rule.reading


def rung_in_words(rung: Rung) -> str:
    """When a step of a ladder comes and whom it tells, as a phrase."""
    hours = f"{abs(rung.at.hours)} h {'before' if rung.at.hours < 0 else 'after'}" if rung.at.hours else "at"
    ack = ", and asks for an answer" if rung.needs_ack else ""
    return f"{hours} {rung.at.of}, tells the {ROLE_WORDS[rung.role]}{ack}"


def _clock(clock: ClockInWords) -> Iterator[str]:
    yield f"## {clock.title}"
    yield ""
    yield f"`{clock.id}`, {clock.kind}, {clock.strength}. For {clock.applies}."
    yield ""
    for label, said in clock.lines:
        yield f"- {label}: {said}"


def applies_in_words(applies: Applies) -> str:
    """Which children, as a phrase."""
    said = applies.model_dump(mode="json", exclude_defaults=True)
    if not said:
        return "every child"
    return ", ".join(_one(name, value) for name, value in said.items())


def _one(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"{'' if value else 'not '}{name.replace('_', ' ')}"
    if isinstance(value, dict):
        return f"{name} " + " ".join(f"{key.replace('_', ' ')} {number}" for key, number in value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType, reportUnknownArgumentType]
    words = " or ".join(str(one).replace("_", " ") for one in value) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return words if name == "any_of" else f"{name.replace('_', ' ')} {words}"
