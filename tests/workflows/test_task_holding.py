"""Who has taken a task, what calls it done, what is refused; and that none of it changes anything for the child."""

from datetime import datetime, timedelta

import pytest

from tests.workflows.builders import CHILD, calendar, fact, pack
from workflows.clocks import plan
from workflows.contracts import EpisodeInput, Rules, TaskRow
from workflows.fact_kinds import ABOUT_TASKS
from workflows.facts import Fact, Known, fact_from_outside
from workflows.instants import parse_instant
from workflows.memory import Memory
from workflows.names import task_key
from workflows.policy_rules import Happening
from workflows.task_holding import about_tasks, as_people_left_them, completions, holders
from workflows.vocabulary import Role

NOON = parse_instant("2026-06-10T12:00:00Z")
AGREED = fact("action_agreed 2026-06-10T09:00:00Z a1", do="Ring the school", owner="school")


def at(minutes: int) -> str:
    return (NOON + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def took(who: str, minutes: int = 1, name: str = "", task: str = "rhi", **more: str) -> Fact:
    return fact(f"task_taken {at(minutes)} {name or f'took-{who}-{minutes}'}", task=task, person=who, **more)


def handed(who: str, minutes: int, task: str = "rhi") -> Fact:
    return fact(f"task_handed_over {at(minutes)}", task=task, person=who)


def back(minutes: int, task: str = "rhi") -> Fact:
    return fact(f"task_given_back {at(minutes)}", task=task)


def done(task: str, minutes: int = 5, name: str = "done-1", **more: str) -> Fact:
    return fact(f"task_done {at(minutes)} {name}", task=task, **more)


def withdrawn(wrong: Fact, minutes: int = 8) -> Fact:
    return fact(f"withdrawn {at(minutes)} w-{wrong.id}", fact=wrong.id)


def row(duty: str, state: str = "open", **more: object) -> TaskRow:
    clock = duty if duty in pack().clocks else None
    about = {"key": task_key("e", duty), "clock": clock, "role": Role.SOCIAL_WORKER, "do": "x", "due": None}
    closed = None if state == "open" else NOON
    return TaskRow.model_validate({**about, "state": state, "opened_at": NOON, "closed_at": closed, **more})


def known(*facts: Fact, minutes: int = 60) -> Known:
    return Known(facts, NOON + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("facts", "holder"),
    [
        ([], None),
        ([took("w1")], "w1"),
        ([took("w1"), took("w2", 2)], "w2"),
        ([handed("w3", 1)], "w3"),
        ([took("w1"), handed("w2", 2)], "w2"),
        ([handed("w2", 2), took("w1")], "w2"),
        ([took("w1"), back(2)], None),
        ([back(2), took("w1", 3)], "w1"),
        ([took("w1"), handed("w2", 2), back(3), took("w4", 4)], "w4"),
        ([took("w1", name="a"), took("w2", name="b")], "w2"),
        ([took("w1", name="b"), took("w2", name="a")], "w1"),
        ([took("w1", name="b", recorded_at=at(3)), took("w2", name="c", recorded_at=at(2))], "w1"),
        ([took("w1"), handed("w2", 2), withdrawn(handed("w2", 2))], "w1"),
        ([took("w1"), withdrawn(took("w1"))], None),
        ([took("w1"), took("w2", 1, "fixed", replaces="took-w1-1")], "w2"),
        ([took("w1", task="visit")], None),
        ([took("w1"), back(2, task="visit")], "w1"),
        ([took("w1", 61)], None),
    ],
)
def test_the_last_who_took_it_or_was_given_it_holds_a_task(facts: list[Fact], holder: str | None) -> None:
    assert holders(known(*facts)).get("rhi") == holder
    assert holders(known(*reversed(facts))).get("rhi") == holder
    before = row("rhi", holder="somebody else")
    (after,) = as_people_left_them([before], known(*facts), pack(), {})
    assert after == before.model_copy(update={"holder": holder})
    assert as_people_left_them([after], known(*facts), pack(), {}) == (), "what stands already is not written again"


@pytest.mark.parametrize("state", ["done", "withdrawn"])
def test_a_closed_task_keeps_whoever_had_it(state: str) -> None:
    assert as_people_left_them([row("rhi", state, holder="w1")], known(took("w2")), pack(), {}) == ()


CALLED = {"done-1": NOON + timedelta(minutes=5), "done-2": NOON + timedelta(minutes=6)}


@pytest.mark.parametrize(
    ("duty", "before", "facts", "after"),
    [
        ("refused-1", {}, [done("refused-1")], ("done", 5, "done-1")),
        ("unheld-roles", {}, [done("unheld-roles")], ("done", 5, "done-1")),
        ("unreturned-x", {}, [done("unreturned-x"), done("unreturned-x", 6, "done-2")], ("done", 5, "done-1")),
        ("refused-1", {}, [done("refused-2")], ("open", None, None)),
        ("refused-1", {}, [done("refused-1", 5, "unlearned")], ("open", None, None)),
        ("refused-1", {}, [done("refused-1", 61)], ("open", None, None)),
        ("refused-1", {"opened_at": CALLED["done-1"]}, [done("refused-1")], ("done", 5, "done-1")),
        ("unheld-roles", {"opened_at": CALLED["done-2"]}, [done("unheld-roles")], ("open", None, None)),
        ("refused-1", {"done_by": "done-1"}, [done("refused-1"), withdrawn(done("refused-1"))], ("open", None, None)),
        (
            "refused-1",
            {"done_by": "done-1"},
            [done("refused-1"), done("refused-1", 6, "done-2"), withdrawn(done("refused-1"))],
            ("done", 6, "done-2"),
        ),
        ("rhi", {}, [done("rhi")], ("open", None, None)),
        ("action-a1", {}, [AGREED, done("action-a1")], ("open", None, None)),
    ],
)
def test_only_what_no_other_fact_decides_is_done_by_calling_it_done(
    duty: str, before: dict[str, object], facts: list[Fact], after: tuple[str, int | None, str | None]
) -> None:
    task = row(duty, "done" if "done_by" in before else "open", **before)
    changed = as_people_left_them([task], known(*facts), pack(), CALLED)
    now = changed[0] if changed else task
    minutes = int((now.closed_at - NOON).total_seconds() / 60) if now.closed_at else None
    assert (now.state, minutes, now.done_by) == after


def test_what_was_done_otherwise_is_not_opened_again() -> None:
    closed = row("unheld-roles", "done")
    assert as_people_left_them([closed], known(), pack(), {}) == ()


def test_who_had_it_has_it_again_when_it_was_not_done_after_all() -> None:
    facts = [took("w1", task="refused-1"), done("refused-1"), withdrawn(done("refused-1"))]
    (again,) = as_people_left_them([row("refused-1", "done", done_by="done-1")], known(*facts), pack(), CALLED)
    assert (again.state, again.holder) == ("open", "w1")


def test_a_task_of_a_clock_that_the_policy_has_no_more_is_done_when_called_done() -> None:
    assert completions("gone_clock", "gone_clock", "iro", pack()) == ()
    task = row("gone_clock", clock="gone_clock")
    (closed,) = as_people_left_them([task], known(done("gone_clock")), pack(), CALLED)
    assert closed.state == "done"


def test_what_may_be_a_duplicate_is_looked_at_once() -> None:
    start = EpisodeInput(episode_id="e", authority="t", child=CHILD, policy="homeward", perhaps_a_duplicate=True)
    begun = Memory(start, NOON)
    (task,) = begun.tasks.values()
    assert (task.key, task.role, task.state) == ("e/perhaps-duplicate", "duty_manager", "open")
    assert task.key not in begun.written_tasks, "it is still to be written"
    begun.rules = Rules(pack=pack(), calendar=calendar())
    begun.tasks = {}
    assert Memory(begun.carry(), NOON).tasks == {}, "a later run goes on with the tasks there are"


# What is refused -----------------------------------------------------------------------------------------------------


def memory(*facts: Fact, tasks: tuple[TaskRow, ...] = (row("rhi"), row("refused-1"))) -> Memory:
    remembered = Memory(EpisodeInput(episode_id="e", authority="t", child=CHILD, policy="homeward", facts=facts), NOON)
    remembered.rules = Rules(pack=pack(), calendar=calendar())
    remembered.tasks = {task.key: task for task in tasks}
    return remembered


@pytest.mark.parametrize(
    ("said", "already", "line"),
    [
        (took("w1"), [], None),
        (took("w1", 2), [took("w1")], None),
        (took("w2", 2), [took("w1")], "task: already taken by w1; hand it over instead"),
        (took("w2", -9), [took("w1")], "task: already taken by w1; hand it over instead"),
        (took("w2", 4), [took("w1"), back(2)], None),
        (took("w2", 4), [took("w1"), withdrawn(took("w1"), 2)], None),
        (took("w2", 2, replaces="took-w1-1"), [took("w1")], None),
        (took("w3", 4, replaces="took-w1-1"), [took("w1"), handed("w2", 2)], "task: already taken by w2;"),
        (handed("w2", 2), [took("w1")], None),
        (took("w1", task="tea"), [], "task: this episode has no task 'tea'"),
        (done("tea"), [], "task: this episode has no task 'tea'"),
        (fact(f"task_noted {at(1)}", task="tea", note="x"), [], "task: this episode has no task 'tea'"),
        (done("refused-1"), [], None),
        (done("rhi"), [], "task: it is done by recording 'rhi_completed'"),
        (done("iro_notice"), [], "task: it is done by recording 'told' with role=iro"),
        (done("rhi_offer"), [], "task: it is done by recording 'rhi_offered' or 'rhi_declined' or 'rhi_completed'"),
        (
            done("response_review"),
            [],
            "task: it is done by recording 'response_reviewed'",
        ),
        (done("action-a1"), [AGREED], "task: it is done by recording 'action_done' with action=a1"),
        (took("w1", task="visit"), [], "task: 'visit' is done already"),
        (handed("w1", 1, task="visit"), [], "task: 'visit' is done already"),
        (back(1, task="visit"), [], "task: 'visit' is done already"),
        (done("refused-2"), [], "task: 'refused-2' is withdrawn already"),
        (fact(f"task_noted {at(1)}", task="visit", note="x"), [], None),
        (took("w2", 2, task="visit", replaces="took-w1-1"), [took("w1", task="visit")], None),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(said: Fact, already: list[Fact], line: str | None) -> None:
    duties = ("rhi", "refused-1", "iro_notice", "rhi_offer", "response_review", "action-a1")
    closed = (row("visit", "done"), row("refused-2", "withdrawn"))
    reason = memory(*already, tasks=(*map(row, duties), *closed)).why_not(said, NOON)
    if line is None:
        assert reason is None
    else:
        assert reason is not None
        assert reason.startswith(line), reason


def test_who_took_it_on_a_machine_whose_clock_runs_ahead_holds_it() -> None:
    assert memory(took("w1", 4)).why_not(took("w2", 1), NOON) == "task: already taken by w1; hand it over instead"


def test_before_there_are_rules_there_are_no_tasks() -> None:
    begun = memory(tasks=())
    begun.rules = None
    assert begun.why_not(took("w1"), NOON) == "task: this episode has no task 'rhi'"


def test_a_note_must_say_something() -> None:
    with pytest.raises(ValueError, match="note: a 'task_noted' fact must say this"):
        fact_from_outside({"kind": "task_noted", "at": at(1), "task": "rhi"}, id="x")


# What it does not change ---------------------------------------------------------------------------------------------


def said_of_tasks() -> list[Fact]:
    return [took("w1"), handed("w2", 2), back(3), fact(f"task_noted {at(4)}", task="rhi", note="x"), done("refused-1")]


@pytest.mark.parametrize("facts", [[], [fact("reported 2026-06-10T11:00:00Z"), fact("returned 2026-06-10T11:30:00Z")]])
@pytest.mark.parametrize("days", [0, 1, 9])
def test_no_clock_and_no_standing_changes_by_it(facts: list[Fact], days: int) -> None:
    as_of = NOON + timedelta(days=days, minutes=60)
    assert {f.kind for f in said_of_tasks()} == set(ABOUT_TASKS)
    with_them = [*facts, *said_of_tasks()]
    assert plan(with_them, CHILD, pack(), calendar(), as_of) == plan(facts, CHILD, pack(), calendar(), as_of)
    before, after = Known(facts, as_of), Known(with_them, as_of)
    assert (after.status(), after.status_since(), after.missing_since()) == (
        before.status(),
        before.status_since(),
        before.missing_since(),
    )


def test_it_is_no_news_to_be_put_right() -> None:
    learning = memory()
    for number, one in enumerate([*said_of_tasks(), withdrawn(took("w1"))]):
        assert learning.take(one, NOON), number
    assert learning.unexamined == []
    returned = fact("returned 2026-06-10T11:30:00Z")
    learning.take(returned, NOON)
    learning.take(withdrawn(returned), NOON)
    assert [f.kind for f in learning.unexamined] == ["returned", "withdrawn"]
    assert about_tasks(took("w1"), {})
    assert not about_tasks(returned, {})


@pytest.mark.parametrize("kind", ABOUT_TASKS)
def test_no_clock_can_ask_for_it(kind: str) -> None:
    with pytest.raises(ValueError, match="no clock can ask for"):
        Happening.model_validate(kind)


def test_the_timeline_says_which_task_and_who() -> None:
    remembered = memory()
    moments: list[datetime] = []
    for one in said_of_tasks():
        remembered.take(one, NOON)
        moments.append(one.at)
    assert [line.text for line in remembered.timeline.entries] == [
        "Task taken (rhi, w1)",
        "Task handed over (rhi, w2)",
        "Task given back (rhi)",
        "Note on a task (rhi)",
        "Task done (refused-1)",
    ]
    assert [line.at for line in remembered.timeline.entries] == moments
