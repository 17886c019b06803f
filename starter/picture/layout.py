"""The geometry of the timeline picture, as data. Lengths are SVG user units; instants are UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from textwrap import wrap
from typing import Final

from workflows.clocks import Clock
from workflows.facts import Fact, Known
from workflows.instants import LONDON, day_or_moment_in_words, in_words, london_day, london_instant
from workflows.vocabulary import ClockState, clock_state_in_words

WIDTH: Final = 1280.0
LEFT: Final = 30.0
RIGHT: Final = 40.0
TOP: Final = 70.0
ROW: Final = 46.0
LINE: Final = 18.0
LETTERS_A_LINE = 140
LETTER: Final = 7.2
"""A generous width of one letter of 13 units, so that labels that do not touch here touch nowhere."""

MOST_LEVELS: Final = 6
FEWEST_MINUTES: Final = 60
TICK_STEPS: Final = (1, 2, 3, 6, 12)
TICK_DAYS: Final = (1, 2, 7, 14, 28, 91, 364)
MOST_TICKS: Final = 16
ALIKE: Final = 0.5


@dataclass(frozen=True)
class Label:
    """A text with its box: left, baseline, width, as drawn."""

    text: str
    x: float
    y: float

    @property
    def width(self) -> float:
        """A generous width of the text."""
        return len(self.text) * LETTER


@dataclass(frozen=True)
class Bar:
    """A clock's row: the bar from start to due, and the part after due while it was still owed, if any."""

    label: Label
    x: float
    y: float
    width: float
    overdue_width: float
    state: ClockState


@dataclass(frozen=True)
class Mark:
    """A fact: where it stands, where its line goes, and its label or its number in the legend."""

    x: float
    label: Label


@dataclass(frozen=True)
class Span:
    """A shaded stretch of days off."""

    x: float
    width: float


@dataclass(frozen=True)
class Layout:
    """The whole picture."""

    width: float
    height: float
    chart_top: float
    chart_bottom: float
    as_of: Label
    as_of_x: float
    ticks: tuple[Label, ...]
    days_off: tuple[Span, ...]
    marks: tuple[Mark, ...]
    legend: tuple[Label, ...]
    bars: tuple[Bar, ...]
    waiting: tuple[Label, ...]
    description: str


@dataclass(frozen=True)
class Scale:
    """Instants to places: linear in elapsed time, so an hour is an hour on both sides of a clock change."""

    first: datetime
    last: datetime

    def x(self, instant: datetime) -> float:
        """The place of an instant."""
        share = (instant - self.first) / (self.last - self.first)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 2)


def lay_out(clocks: Sequence[Clock], known: Known) -> Layout:
    """Place everything. Clocks that have not started are listed below the chart."""
    started = [clock for clock in clocks if clock.start and clock.due]
    scale = _scale(started, known)
    marks, legend_texts, levels = _marks(known.facts, scale)
    chart_top = TOP + levels * LINE + 30
    bars = tuple(_bar(clock, scale, known, chart_top + 16 + number * ROW) for number, clock in enumerate(started))
    chart_bottom = chart_top + 16 + max(len(bars), 1) * ROW
    below = chart_bottom + 34
    legend = tuple(Label(text, LEFT, below + number * LINE) for number, text in enumerate(legend_texts))
    below += len(legend) * LINE + (10 if legend else 0)
    others = "; ".join(clock.title for clock in clocks if not clock.start)
    lines = wrap(f"Not started: {others}.", LETTERS_A_LINE) if others else []
    waiting = tuple(Label(text, LEFT, below + number * LINE) for number, text in enumerate(lines))
    as_of_x = scale.x(known.as_of)
    as_of_text = f"as of {in_words(known.as_of)}"
    return Layout(
        width=max(WIDTH, *(label.x + label.width + RIGHT for label in (*legend, *waiting)), WIDTH),
        height=below + len(waiting) * LINE + 10,
        chart_top=chart_top,
        chart_bottom=chart_bottom,
        as_of=Label(as_of_text, _inside(as_of_x, as_of_text), 50),
        as_of_x=as_of_x,
        ticks=_ticks(scale, chart_bottom + 14),
        days_off=_days_off(started, scale),
        marks=marks,
        legend=legend,
        bars=bars,
        waiting=waiting,
        description=_description(clocks, known),
    )


def _scale(started: Sequence[Clock], known: Known) -> Scale:
    instants = [known.as_of, *(fact.at for fact in known.facts)]
    instants += [instant for clock in started for instant in (clock.start, clock.due) if instant]
    first, last = min(instants), max(instants)
    margin = max((last - first) / 50, timedelta(minutes=FEWEST_MINUTES) / 2)
    return Scale(first - margin, last + margin)


def _inside(x: float, text: str) -> float:
    return round(max(LEFT, min(x + 4, WIDTH - RIGHT / 2 - len(text) * LETTER)), 2)


def _bar(clock: Clock, scale: Scale, known: Known, y: float) -> Bar:
    start, due = clock.start or known.as_of, clock.due or known.as_of
    x = scale.x(start)
    end = clock.settled_at if clock.state is ClockState.LATE else known.as_of
    owed_after = clock.state in (ClockState.LATE, ClockState.OVERDUE) and end is not None
    stands, provisional = clock_state_in_words(clock.state), " (provisional)" if clock.provisional else ""
    text = f"{clock.title}: {stands}, due {day_or_moment_in_words(due)}{provisional}"
    return Bar(
        label=Label(text, _inside(x - 4, text), y + 10),
        x=x,
        y=y + 15,
        width=round(max(scale.x(due) - x, 2), 2),
        overdue_width=round(max(scale.x(end) - scale.x(due), 0), 2) if owed_after and end else 0,
        state=clock.state,
    )


def _marks(facts: Sequence[Fact], scale: Scale) -> tuple[tuple[Mark, ...], list[str], int]:
    """Each fact on the first level with room for its label; once no level has room, all are numbered."""
    named = [(scale.x(fact.at), fact.in_words()) for fact in facts]
    placed, levels = _placed(named)
    if placed is not None:
        return placed, [], levels
    together: dict[float, list[int]] = {}
    for number, (x, _) in enumerate(named, start=1):
        near = next((other for other in together if abs(other - x) < 8 * LETTER), None)
        together.setdefault(x if near is None else near, []).append(number)
    numbers = [(x, _numbers(group)) for x, group in together.items()]
    marks = tuple(Mark(x, Label(text, _inside(x, text), TOP + LINE)) for x, text in numbers)
    legend = [f"{n}. {f.in_words()}, {in_words(f.at)}" for n, f in enumerate(facts, start=1)]
    return marks, legend, 1


def _numbers(group: Sequence[int]) -> str:
    return str(group[0]) if len(group) == 1 else f"{group[0]}-{group[-1]}"


def _placed(named: Sequence[tuple[float, str]]) -> tuple[tuple[Mark, ...] | None, int]:
    ends: list[float] = []
    marks: list[Mark] = []
    for x, text in named:
        left = _inside(x, text)
        level = next((n for n, end in enumerate(ends) if end < left), len(ends))
        if level == MOST_LEVELS:
            return None, 0
        ends[level : level + 1] = [left + len(text) * LETTER + 6]
        marks.append(Mark(x, Label(text, left, TOP + (level + 1) * LINE)))
    return tuple(marks), len(ends)


def _ticks(scale: Scale, y: float) -> tuple[Label, ...]:
    """Ticks at round London times: hours while there is room, then midnights some days apart."""
    hours = (scale.last - scale.first) / timedelta(hours=1)
    step = next((s for s in TICK_STEPS if hours / s <= MOST_TICKS), None)
    instants = _hourly(scale, step) if step else _daily(scale)
    pattern = "%H:%M" if step else "%a %-d %b"
    ticks: list[Label] = []
    for instant in instants:
        local = instant.astimezone(LONDON)
        text = local.strftime("%a %-d %b" if local.hour == 0 else pattern)
        if not step and hours > 24 * 364:
            text = local.strftime("%-d %b %Y")
        x = scale.x(instant)
        if not ticks or x > ticks[-1].x + ticks[-1].width + 6:
            ticks.append(Label(text, x, y))
    return tuple(ticks)


def _hourly(scale: Scale, step: int) -> list[datetime]:
    day, found = london_day(scale.first), list[datetime]()
    while day <= london_day(scale.last):
        found += [london_instant(day, time(hour)) for hour in range(0, 24, step)]
        day += timedelta(days=1)
    return [instant for instant in sorted(set(found)) if scale.first <= instant <= scale.last]


def _daily(scale: Scale) -> list[datetime]:
    days = (scale.last - scale.first) / timedelta(days=1)
    step = next((s for s in TICK_DAYS if days / s <= MOST_TICKS), max(TICK_DAYS[-1], int(days / MOST_TICKS) + 1))
    day, found = london_day(scale.first), list[datetime]()
    while day <= london_day(scale.last):
        found.append(london_instant(day, time(0)))
        day += timedelta(days=step)
    return [instant for instant in found if scale.first <= instant <= scale.last]


def _days_off(started: Sequence[Clock], scale: Scale) -> tuple[Span, ...]:
    spans: list[Span] = []
    for day in sorted({off.date for clock in started for off in clock.skipped}):
        left = scale.x(max(london_instant(day, time(0)), scale.first))
        right = scale.x(min(london_instant(day + timedelta(days=1), time(0)), scale.last))
        if right - left > ALIKE:
            spans.append(Span(left, round(right - left, 2)))
    return tuple(spans)


def _description(clocks: Sequence[Clock], known: Known) -> str:
    said = [f"{clock.title}: {clock_state_in_words(clock.state)}" for clock in clocks]
    return f"As of {in_words(known.as_of)}. {'; '.join(said) or 'No clock applies'}."
