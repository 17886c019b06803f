"""What a turn tells: each change of a clock, a task and an episode by its own type, and nothing that did not change."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from tests.store.turns import a_whole_life
from tests.workflows.builders import clocks_at, fact
from workflows.clocks import Clock
from workflows.contracts import EpisodeChanges, TaskRow
from workflows.event_kinds import CLOCK_EVENTS, EVENTS, EventKind, kinds_of
from workflows.events import Before, clock_events, episode_data, events_of_turn, task_events
from workflows.vocabulary import ClockState, EpisodeStatus, Role

AT = datetime(2026, 6, 10, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
RUNNING = clocks_at("2026-06-10T13:00:00Z", fact("reported 2026-06-10T12:00:00Z"))["leadership_alert"]


def clock(state: str, due: datetime | None = AT, **more: Any) -> Clock:
    values = {"state": ClockState(state), "due": None if state == "not_started" else due, **more}
    return RUNNING.model_copy(update=values)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, clock("not_started"), []),
        (None, clock("running"), ["started"]),
        (clock("not_started"), clock("running"), ["started"]),
        (clock("not_started"), clock("overdue"), ["overdue"]),
        (clock("running"), clock("running"), []),
        (clock("running"), clock("running", title="Another title", because="another reason"), []),
        (clock("running"), clock("running", LATER), ["due-moved"]),
        (clock("running"), clock("running", provisional=True), ["corrected"]),
        (clock("running"), clock("overdue", LATER), ["due-moved", "overdue"]),
        (clock("overdue"), clock("running", LATER), ["due-moved", "reopened"]),
        (clock("met"), clock("running"), ["reopened"]),
        (clock("met"), clock("met", settled_by="f2"), ["corrected"]),
        (clock("running"), clock("not_started"), ["withdrawn"]),
        (clock("running"), None, ["withdrawn"]),
        (clock("not_started"), None, []),
    ],
)
def test_what_is_told_of_a_clock(before: Clock | None, after: Clock | None, told: list[str]) -> None:
    found = clock_events(before, after)
    assert [kind.value.removeprefix("homeward.clock.") for kind, _ in found] == told
    for _, data in found:
        assert data.state is (after.state if after else ClockState.NOT_STARTED)
        assert data.due == (after.due if after else None)


@pytest.mark.parametrize("state", ClockState)
def test_every_state_of_a_clock_has_its_event(state: ClockState) -> None:
    assert CLOCK_EVENTS[state] in EVENTS
    if state is not ClockState.NOT_STARTED:
        assert [kind for kind, _ in clock_events(None, clock(state.value))] == [CLOCK_EVENTS[state]]


def task(state: Literal["open", "done", "withdrawn"] = "open", **more: Any) -> TaskRow:
    values: dict[str, Any] = {"key": "e1/rhi", "clock": "rhi", "role": Role.IRO, "do": "Words", "due": AT}
    return TaskRow.model_validate({**values, "state": state, "opened_at": AT, "closed_at": None, **more})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, task(), ["opened"]),
        (None, task("done"), ["done"]),
        (None, task(holder="w1"), ["opened", "taken"]),
        (task(), task(), []),
        (task(), task(do="Other words"), []),
        (task(), task(holder="w1"), ["taken"]),
        (task(holder="w1"), task(holder="w2"), ["handed-over"]),
        (task(holder="w1"), task(), ["given-back"]),
        (task(), task("done"), ["done"]),
        (task(), task("done", holder="w1"), ["taken", "done"]),
        (task(), task("withdrawn"), ["withdrawn"]),
        (task("done"), task(), ["reopened"]),
        (task(), task(due=LATER), ["due-moved"]),
        (task("done"), task("done", done_by="f1"), ["corrected"]),
        (task(), task(role=Role.SOCIAL_WORKER), ["corrected"]),
    ],
)
def test_what_is_told_of_a_task(before: TaskRow | None, after: TaskRow, told: list[str]) -> None:
    found = task_events(before, after)
    assert [kind.value.removeprefix("homeward.task.") for kind, _ in found] == told
    assert all("w1" not in data.model_dump_json() and "ords" not in data.model_dump_json() for _, data in found)


FIRST = a_whole_life()[0]


def turned(**row: Any) -> EpisodeChanges:
    nothing: dict[str, Any] = {"facts": (), "clocks": (), "tasks": (), "turn": 2}
    return FIRST.model_copy(update={**nothing, "episode": FIRST.episode.model_copy(update=row)})


@pytest.mark.parametrize(
    ("was", "row", "told"),
    [
        (EpisodeStatus.MISSING, {}, []),
        (EpisodeStatus.MISSING, {"next_wake_at": AT, "next_wake_for": "x"}, []),
        (EpisodeStatus.MISSING, {"status": EpisodeStatus.RETURNED}, ["status-changed"]),
        (EpisodeStatus.MISSING, {"returned_at": AT}, ["times-changed"]),
        (EpisodeStatus.MISSING, {"policy_version": "2"}, ["rules-changed"]),
        (EpisodeStatus.RETURNED, {"status": EpisodeStatus.CLOSED, "closed_at": AT}, ["closed"]),
        (EpisodeStatus.CLOSED, {"status": EpisodeStatus.RETURNED}, ["reopened"]),
    ],
)
def test_what_is_told_of_an_episode(was: EpisodeStatus, row: dict[str, Any], told: list[str]) -> None:
    before = episode_data(FIRST.episode).model_copy(update={"status": was})
    found = events_of_turn(turned(**row), Before(episode=before))
    assert [event.kind.value.removeprefix("homeward.episode.") for event in found] == told


def test_the_beginning_comes_first_and_the_closing_last() -> None:
    first = events_of_turn(FIRST, Before())
    assert first[0].kind is EventKind.EPISODE_BEGUN
    assert len({event.id for event in first}) == len(first)
    last = a_whole_life()[-1]
    before = episode_data(FIRST.episode).model_copy(update={"status": EpisodeStatus.RETURNED})
    assert events_of_turn(last, Before(episode=before))[-1].kind is EventKind.EPISODE_CLOSED


@pytest.mark.parametrize(
    ("names", "count"), [((), len(EventKind)), (("homeward.fact",), 1), (("homeward.task.done", "homeward.fact"), 2)]
)
def test_names_mean_kinds(names: tuple[str, ...], count: int) -> None:
    assert len(kinds_of(names)) == count


@pytest.mark.parametrize("name", ["", "homeward.tas", "homeward.task.", "task"])
def test_a_name_that_means_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is unknown; use a type such as"):
        kinds_of([name])
