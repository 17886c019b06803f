"""Each breakage made on purpose on the real stack: 'homeward stuck' names it, what it is about and what helps.

And no longer, once it is mended. Many stand side by side, so that none hides
another; those that leave nothing else standing come one after the other.
"""

import signal
from collections.abc import Generator
from typing import Final

import pytest

from activities.health.findings import KINDS, StuckKind
from tests.faults.breakages import Broken, Look, look, standing
from tests.faults.machine import Machine, wait_until
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn

SIDE_BY_SIDE: Final = (
    "code",
    "said",
    "step",
    "given_up",
    "activity",
    "paused",
    "role",
    "gone",
    "dead",
    "rows",
)
LOOKS_EVERY: Final = 1.0
CHILD_WORDS: Final = ("CHILD-OF", "2011-05-14", "invented-0")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Generator[Broken]:
    with NotifyStandIn() as notify, SmtpStandIn() as smtp:
        one = Broken(tmp_path_factory.mktemp("broken"), notify, smtp)
        try:
            one.break_all()
            yield one
        finally:
            one.end()


@pytest.fixture(scope="module")
def while_broken(broken: Broken) -> Look:
    """What is said once everything is named."""
    expected = {(one.kind, one.subject) for one in broken.breakages.values()}
    wait_until(lambda: expected <= standing(broken.machine), "each is named", pause_seconds=LOOKS_EVERY)
    return look(broken.machine)


@pytest.fixture(scope="module")
def when_mended(broken: Broken, while_broken: Look) -> Look:
    """What is said once everything is mended."""
    del while_broken
    broken.mend_all()
    all_moves(broken.machine)
    return look(broken.machine)


@pytest.mark.parametrize("what", SIDE_BY_SIDE)
def test_what_is_broken_is_named_with_its_subject_and_what_helps(broken: Broken, while_broken: Look, what: str) -> None:
    breakage, means = broken.breakages[what], KINDS[broken.breakages[what].kind]
    [named] = [one for one in while_broken.of(breakage.kind) if one["subject"] == breakage.subject]
    assert named["deeds"] == list(means.deeds)
    [words] = [some for some in while_broken.words.split("\n\n") if some.startswith(f"{means.title} (")]
    assert f"What helps: {means.helps}" in words
    [line] = [line for line in words.splitlines() if line.startswith(f"  {breakage.subject} ")]
    assert breakage.known in line
    assert while_broken.status == 1


def test_nothing_of_it_is_about_a_child(while_broken: Look) -> None:
    assert [word for word in CHILD_WORDS if word in while_broken.words or word in str(while_broken.data)] == []


def test_the_worst_come_first(while_broken: Look) -> None:
    order = [kind.value for kind in StuckKind]
    assert while_broken.kinds == sorted(while_broken.kinds, key=order.index)


@pytest.mark.parametrize("what", SIDE_BY_SIDE)
def test_what_is_mended_is_named_no_longer(broken: Broken, when_mended: Look, what: str) -> None:
    assert broken.breakages[what].subject not in when_mended.words
    assert (when_mended.status, when_mended.words) == (0, "Nothing stands still\n")


# One after the other -------------------------------------------------------------------------------------------------


def is_named(machine: Machine, kind: StuckKind, *others: StuckKind) -> Look:
    """Wait until a kind is named; it must be the worst, and of these others none may stand beside it."""
    wait_until(lambda: kind in {named for named, _ in standing(machine)}, f"{kind} is named", pause_seconds=LOOKS_EVERY)
    said = look(machine)
    assert said.kinds[0] == kind.value
    assert not {other.value for other in others} & set(said.kinds)
    assert f"What helps: {KINDS[kind].helps}" in said.words
    return said


def all_moves(machine: Machine) -> None:
    wait_until(lambda: not standing(machine), "all moves", pause_seconds=LOOKS_EVERY)


def test_an_engine_that_is_stopped(broken: Broken, when_mended: Look) -> None:
    del when_mended
    machine = broken.machine
    machine.kill("engine")
    said = is_named(machine, StuckKind.ENGINE_SILENT)
    assert said.data["engine_answers"] is False
    machine.start_engine()
    all_moves(machine)


def test_no_worker(broken: Broken, when_mended: Look) -> None:
    del when_mended
    machine = broken.machine
    machine.end("worker")
    is_named(machine, StuckKind.NOBODY_WORKS, StuckKind.ENGINE_SILENT, StuckKind.WORKER_HANGS)
    machine.start_worker()
    all_moves(machine)


def test_a_worker_that_hangs(broken: Broken, when_mended: Look) -> None:
    """And nobody calls that a silence of the engine, or a failure of what the worker should have done."""
    del when_mended
    machine = broken.machine
    episode = broken.episode()
    worker = machine.processes["worker"]
    worker.send_signal(signal.SIGSTOP)
    assert broken.service.record(episode)[0] == 202
    others = (StuckKind.ENGINE_SILENT, StuckKind.WORKFLOW_FAILING)
    said = is_named(machine, StuckKind.WORKER_HANGS, *others)
    assert "1 turn taken and not answered" in said.words
    assert broken.service.record(episode)[0] == 202
    over_http = broken.service.ask("GET", "/v1/stuck").json()
    assert over_http["engine_answers"] is True, "that an episode does not answer is no silence of the engine"
    assert over_http["stuck"][0]["kind"] == StuckKind.WORKER_HANGS.value
    worker.send_signal(signal.SIGCONT)
    all_moves(machine)
