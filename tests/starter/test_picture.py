"""The timeline picture: what it says, that nothing overlaps, and that time is drawn to scale."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest

from starter.picture import draw_timeline
from starter.picture.layout import LEFT, Label, Layout, lay_out
from tests.workflows.builders import calendar, pack
from workflows.clocks import Clock, plan
from workflows.facts import Child, Fact, Known, fact_from_outside
from workflows.instants import LONDON, parse_instant, to_rfc3339
from workflows.vocabulary import CLOCK_STATE_WORDS, Setting

NOON = parse_instant("2026-03-27T12:00:00Z")
CHILD = Child(allocated=True, looked_after=True, out_of_area=False, setting=Setting.FOSTER)


def facts(*at_hours: tuple[str, float]) -> list[Fact]:
    return [
        fact_from_outside({"kind": kind, "at": to_rfc3339(NOON + timedelta(hours=after))}, id=f"fact-{number}")
        for number, (kind, after) in enumerate(at_hours)
    ]


def planned(known_facts: list[Fact], until_hours: float) -> tuple[tuple[Clock, ...], Known]:
    as_of = NOON + timedelta(hours=until_hours)
    return plan(known_facts, CHILD, pack(), calendar(), as_of), Known(known_facts, as_of)


CASES = {
    "nothing known": (facts(), 1),
    "missing, over the spring clock change": (facts(("last_seen", 0), ("reported", 2)), 100),
    "back after five hours": (facts(("reported", 0), ("located", 5), ("returned", 5.2), ("rhi_offered", 20)), 40),
    "facts years apart": (facts(("last_seen", -24 * 900), ("reported", 0)), 24 * 900),
    "two hundred facts": (facts(("reported", 0), *[("noticed", n / 10) for n in range(200)]), 40),
}


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_whole_and_needs_nothing_else(case: str) -> None:
    clocks, known = planned(*CASES[case])
    svg = draw_timeline(clocks, known, 'Invented <child> & "co"')
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own text
    assert root.attrib["role"] == "img"
    assert 'Invented <child> & "co"' in [element.text for element in root.iter()]
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "style", "a", "image", "use"}
    assert not [name for e in root.iter() for name in e.attrib if name in ("style", "href") or name.startswith("on")]
    assert svg == draw_timeline(clocks, known, 'Invented <child> & "co"')
    text = " ".join(root.itertext())
    for clock in clocks:
        assert clock.title in text
        assert CLOCK_STATE_WORDS[clock.state].lower() in text


def labels(layout: Layout) -> list[Label]:
    marks = [mark.label for mark in layout.marks]
    return [*marks, *layout.ticks, *layout.legend, *layout.waiting, *(bar.label for bar in layout.bars), layout.as_of]


@pytest.mark.parametrize("case", CASES)
def test_no_label_touches_another(case: str) -> None:
    placed = labels(lay_out(*planned(*CASES[case])))
    for number, one in enumerate(placed):
        for other in placed[number + 1 :]:
            apart = abs(one.y - other.y) >= 12 or one.x + one.width <= other.x or other.x + other.width <= one.x
            assert apart, (one, other)


def test_bars_are_as_long_as_their_time() -> None:
    clocks, known = planned(*CASES["missing, over the spring clock change"])
    layout = lay_out(clocks, known)
    started = [clock for clock in clocks if clock.start and clock.due]
    ratios = {
        round(bar.width / (clock.due - clock.start).total_seconds(), 4)
        for bar, clock in zip(layout.bars, started, strict=True)
        if clock.due and clock.start and clock.due - clock.start >= timedelta(hours=24)
    }
    assert len(ratios) == 1


@pytest.mark.parametrize("noon", ["2026-03-27T12:00:00Z", "2026-10-23T12:00:00Z"])
def test_ticks_stand_on_midnights_in_london_over_a_clock_change(noon: str) -> None:
    start = parse_instant(noon)
    moved = [f.model_copy(update={"at": start + (f.at - NOON)}) for f in facts(("reported", 0), ("returned", 24 * 9))]
    known = Known(moved, start + timedelta(days=9))
    layout = lay_out((), known)
    first, last = start - timedelta(days=9) / 50, start + timedelta(days=9) + timedelta(days=9) / 50
    width = 1280 - 30 - 40
    for tick in layout.ticks:
        instant = first + (last - first) * ((tick.x - LEFT) / width)
        local = (instant + timedelta(seconds=60)).astimezone(LONDON)
        assert (local.hour, local.minute) in ((0, 0), (0, 1), (12, 0), (12, 1)), tick


def test_no_two_ticks_say_the_same() -> None:
    moved = facts(("reported", 0), ("returned", 24 * 6))
    layout = lay_out((), Known(moved, NOON + timedelta(days=6)))
    assert any(tick.text == "12:00" for tick in layout.ticks), "twelve hours apart"
    days = [tick.text for tick in layout.ticks if tick.text != "12:00"]
    assert len(days) == len(set(days))


def test_what_is_overdue_is_marked_and_said() -> None:
    clocks, known = planned(facts(("reported", 0)), 60)
    layout = lay_out(clocks, known)
    overdue = [bar for bar in layout.bars if bar.state == "overdue"]
    assert overdue
    assert all(bar.overdue_width > 0 for bar in overdue)
    assert all("overdue" in bar.label.text for bar in overdue)
