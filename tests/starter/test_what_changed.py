"""What a fact did to the clocks, as the command says it: what starts, is settled or moves, and no more."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from activities.store import Store
from activities.store.episodes import clocks_of
from starter.applying import Outcome
from starter.cli.episodes import _say_recorded
from starter.what_changed import what_changed
from tests.console.absences import absence, said
from workflows.clocks import Clock
from workflows.contracts import ClockStanding, Recorded
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus

AT = datetime(2026, 6, 10, 12, tzinfo=UTC)
S = ClockState


def clock(id: str, state: ClockState, hours: float | None = 1) -> Clock:
    return Clock(
        id=id,
        title=f"Invented {id}",
        kind=ClockKind.DUE_BY,
        strength="must",
        start=None,
        due=None if hours is None else AT + timedelta(hours=hours),
        state=state,
        settled_at=None,
        settled_by=None,
        provisional=False,
        skipped=(),
        because="invented",
        source="invented",
    )


def standing(clock: Clock) -> ClockStanding:
    return ClockStanding(id=clock.id, due=clock.due, state=clock.state)


CHANGES = (
    ("starts", None, clock("c", S.RUNNING), "starts"),
    ("begins", clock("c", S.NOT_STARTED, None), clock("c", S.RUNNING), "starts"),
    ("begins late", clock("c", S.NOT_STARTED, None), clock("c", S.OVERDUE), "starts, overdue"),
    ("met", clock("c", S.RUNNING), clock("c", S.MET), "done in time"),
    ("cancelled", clock("c", S.RUNNING), clock("c", S.CANCELLED), "no longer needed"),
    ("not needed", clock("c", S.OVERDUE), clock("c", S.NOT_NEEDED), "not needed"),
    ("at once", clock("c", S.NOT_STARTED, None), clock("c", S.LATE), "done late"),
    ("moves", clock("c", S.RUNNING), clock("c", S.RUNNING, 5), "moves from Wed 10 Jun 2026 14:00 BST"),
    ("moves on", clock("c", S.RUNNING), clock("c", S.OVERDUE, -5), "moves from Wed 10 Jun 2026 14:00 BST, overdue"),
    ("runs out", clock("c", S.RUNNING), clock("c", S.OVERDUE), "overdue"),
    ("again", clock("c", S.MET), clock("c", S.RUNNING), "is owed again"),
    ("fires", clock("c", S.RUNNING), clock("c", S.FIRED), "time reached"),
    ("is gone", clock("c", S.RUNNING), clock("c", S.NOT_STARTED, None), "not started"),
    ("goes on", clock("c", S.RUNNING), clock("c", S.RUNNING), None),
    ("never began", None, clock("c", S.NOT_STARTED, None), None),
    ("is over", clock("c", S.MET), clock("c", S.MET), None),
)


def answered(*clocks: Clock) -> Outcome:
    there = Recorded(
        episode_id="e",
        fact_id="f",
        again=False,
        status=EpisodeStatus.MISSING,
        clocks=tuple(standing(one) for one in clocks),
    )
    return Outcome(state="applied", episode_id="e", id="f", recorded=there)


@pytest.mark.parametrize(("was", "now", "words"), [one[1:] for one in CHANGES], ids=[one[0] for one in CHANGES])
def test_a_clock_is_spoken_of_when_it_stands_otherwise(
    was: Clock | None,
    now: Clock,
    words: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {"e": {"c": was} if was else {}}
    assert _say_recorded(answered(now), "found", "now", before, everything=False, quiet=False) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == "Recorded: found, now (fact f)"
    goes_on = int(words is None and now.state.owed)
    assert rest[-1] == f"{goes_on} {'other clock goes' if goes_on else 'others go'} on; --all shows every clock"
    if words is None:
        assert rest[0] == "No clock stands otherwise"
    else:
        assert [cell.strip() for cell in rest[1].split("  ") if cell.strip()][:2] == [
            "Invented c" if was else "C",
            words,
        ]


def test_all_shows_every_clock_and_says_nothing_of_what_changed(capsys: pytest.CaptureFixture[str]) -> None:
    clocks = (clock("a", S.RUNNING), clock("b", S.MET), clock("c", S.NOT_STARTED, None))
    _say_recorded(answered(*clocks), "found", "now", {"e": {"a": clocks[0]}}, everything=True, quiet=False)
    shown = capsys.readouterr().out
    assert [line.split("  ")[0] for line in shown.splitlines()[2:]] == ["Invented a", "B", "C"]
    assert "--all" not in shown


def test_json_is_said_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    _say_recorded(answered(clock("a", S.RUNNING)), "found", "now", {}, everything=False, quiet=True)
    assert capsys.readouterr().out == ""
    assert json.loads(answered(clock("a", S.RUNNING)).model_dump_json())["recorded"]["clocks"][0]["id"] == "a"


async def test_how_clocks_stood_is_what_the_last_turn_wrote(store: Store) -> None:
    mine = await absence(store, said("reported", 5))
    async with store.snapshot() as session:
        before = await clocks_of(session, mine)
        assert before["iro_notice"].state is S.RUNNING
        assert await clocks_of(session, "none") == {}
    now = [standing(one) for one in before.values()]
    now = [one if one.id != "iro_notice" else one.model_copy(update={"state": S.MET}) for one in now]
    changed = what_changed(before, now)
    assert [(one.id, one.settled) for one in changed.changes] == [("iro_notice", True)]
    assert changed.go_on == sum(one.state.owed for one in before.values()) - 1
