"""The chronology of an episode on paper: what was recorded, when and by whom; what was owed, and why; who was told.

It can be followed by somebody who was not there: each line says when it
happened and when it became known, and what was corrected stays, marked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from starter.console.episode.line_words import recorded_in_words
from starter.console.episode.said import details_in_words
from starter.console.episode.shown import NOT_SAID, EpisodePage
from starter.console.spoken import quoted, role_in_words
from starter.sheets import Sheets, sheets
from starter.who_knew import Knew, way_in_words, who_knew
from workflows.clocks import Clock
from workflows.facts import Fact
from workflows.instants import day_or_moment_in_words, in_words
from workflows.vocabulary import STATUS_WORDS, ClockState, beginning_a_line, clock_state_in_words


@dataclass(frozen=True)
class Entry:
    """One thing on the paper: a line in bold, and what is said of it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Chronology:
    """The whole paper, all in words."""

    title: str
    head: tuple[str, ...]
    happened: tuple[Entry, ...]
    clocks: tuple[Entry, ...]
    not_begun: tuple[str, ...]
    told: tuple[Entry, ...]
    made: str


def chronology_of(shown: EpisodePage) -> Chronology:
    """The chronology of an episode, as it is known now."""
    view = shown.shown.view
    facts = sorted(view.facts, key=lambda one: (one.recorded_at, one.at, one.id)) if view else []
    return Chronology(
        title=f"Chronology: child {shown.child_called}",
        head=tuple(_head(shown)),
        happened=tuple(_happened(shown, fact, facts) for fact in facts),
        clocks=tuple(_clock(one) for one in sorted(shown.clocks, key=_begun_first) if _has_begun(one)),
        not_begun=tuple(sorted(f"{one.title}: {_awaited(one)}" for one in shown.clocks if not _has_begun(one))),
        told=tuple(_told(one) for one in who_knew(view)) if view else (),
        made=in_words(shown.now),
    )


def _head(shown: EpisodePage) -> Iterator[str]:
    view = shown.shown.view
    yield f"Made {in_words(shown.now)}, London time. Record {quoted(shown.id)}."
    if view is None:
        yield "KEPT, NOT YET APPLIED: no clock runs, because the engine has not begun it."
        return
    row = view.episode
    since = shown.known.status_since()
    yield f"{STATUS_WORDS[row['status']]}{f', since {in_words(since)}' if since else ''}."
    if shown.missing_since:
        yield f"Gone since {in_words(shown.missing_since)}, by what is known."
    yield f"Policy: “{shown.pack.title}”, version {row['policy_version']}; calendar {row['calendar_version']}."
    if shown.seen.need_to_know:
        yield "NEED TO KNOW: where this child is must not become known."
    for what, received, _ in shown.waiting:
        yield f"KEPT, NOT YET APPLIED: {what}, received {in_words(received)}."


def _happened(shown: EpisodePage, fact: Fact, facts: list[Fact]) -> Entry:
    by = "" if fact.recorded_by == NOT_SAID else f" by {shown.called(fact.recorded_by)}"
    said = [f"Recorded {in_words(fact.recorded_at)}{by}; source: {shown.said_of_others(fact.source)}."]
    said += [f"{label}: {value}" for label, value in details_in_words(fact, shown.names)]
    if fact.note:
        said.append(f"Note: {fact.note}")
    if fact.corrects and (target := next((one for one in facts if one.id == fact.corrects), None)):
        said.append(f"This takes the place of: {recorded_in_words(shown, target)}, {in_words(target.at)}.")
    if after := next((one for one in facts if one.corrects == fact.id), None):
        said.append(f"NO LONGER IN FORCE: {recorded_in_words(shown, after)}, recorded {in_words(after.recorded_at)}.")
    words = recorded_in_words(shown, fact)
    return Entry(f"{in_words(fact.at)}: {beginning_a_line(words)}", tuple(said))


def _begun_first(clock: Clock) -> tuple[bool, datetime, str]:
    return clock.due is None, clock.due or datetime.max.replace(tzinfo=UTC), clock.title


def _has_begun(clock: Clock) -> bool:
    return clock.state is not ClockState.NOT_STARTED


def _awaited(clock: Clock) -> str:
    """What a clock that has not begun waits for."""
    return clock.because.removeprefix("Not started: ")


def _clock(clock: Clock) -> Entry:
    due = f", due {day_or_moment_in_words(clock.due)}" if clock.due else ""
    return Entry(
        f"{clock.title}: {clock_state_in_words(clock.state)}{due}",
        (clock.because, f"Source: {clock.source}."),
    )


def _told(row: Knew) -> Entry:
    who = row.name or row.person or "nobody on record"
    by = f" by {way_in_words(row.way)}" if row.way else ""
    said = [f"{row.says} ({row.title}).", f"{beginning_a_line(row.standing)}."]
    if row.acknowledged_at:
        said.append(f"Answered {in_words(row.acknowledged_at)} by {row.acknowledged_by or 'somebody unnamed'}.")
    return Entry(f"{in_words(row.at)}: {role_in_words(row.role)}, {who}{by}", tuple(said))


def as_pdf(made: Chronology) -> bytes:
    """The chronology as a PDF."""
    with sheets("Chronology", made.made) as pdf:
        pdf.write_lines(made.title, style="B", size=15)
        for line in made.head:
            pdf.write_lines(line, size=10)
        _write_part(pdf, "What was recorded, in the order in which it became known", made.happened)
        _write_part(pdf, "What was owed, and why", made.clocks)
        if made.not_begun:
            pdf.ln(2)
            pdf.write_heading("What nothing has begun yet, and what it waits for", size=12)
            for line in made.not_begun:
                pdf.write_lines(line, size=10)
        _write_part(pdf, "Who was told, and when", made.told)
        return bytes(pdf.output())


def _write_part(pdf: Sheets, title: str, entries: tuple[Entry, ...]) -> None:
    pdf.ln(2)
    pdf.write_heading(title, size=12)
    for entry in entries:
        pdf.ln(1)
        pdf.write_heading(entry.title, size=10)
        for line in entry.lines:
            pdf.write_lines(line, size=10, indent=4)
    if not entries:
        pdf.write_lines("Nothing.", size=10)
