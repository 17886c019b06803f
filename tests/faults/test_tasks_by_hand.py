"""A task from its list to its end, with real processes and the command line alone."""

import pytest

from tests.faults.machine import Machine, wait_until
from tests.faults.test_crashes import CHILD, ago

FILES = {
    "people": "person,name,email,mobile,channels,hours,deputies\nw1,Invented One,,,,,\nw2,Invented Two,,,,,\n",
    "holders": "role,person,scope,for,from,until\nsocial_worker,w1,authority,,,\n",
}


@pytest.mark.long
def test_a_task_is_found_taken_handed_over_and_completed(machine: Machine) -> None:
    machine.start_engine()
    machine.start_worker()
    for kind, text in FILES.items():
        file = machine.folder / f"{kind}.csv"
        file.write_text(text, encoding="utf-8")
        assert machine.homeward("directory", "import", kind, str(file)).returncode == 0
    episode = machine.report(child=CHILD, reported=ago(hours=1))
    task = f"{episode}/iro_notice"
    wait_until(lambda: task in mine(machine, "w1"), "the task is on the list of whoever holds the role")
    assert task not in mine(machine, "w2")
    assert said(machine, "take", task, "--by", "w2") == (0, "Task taken by w2: Tell the independent reviewing officer")
    wait_until(lambda: task in mine(machine, "w2"), "it is on the list of whoever has taken it")
    assert task not in mine(machine, "w1")
    assert said(machine, "take", task, "--by", "w1") == (
        2,
        "homeward: task: already taken by w2; hand it over instead",
    )
    assert said(machine, "hand-over", task, "--to", "w1", "--by", "w2")[0] == 0
    wait_until(lambda: task in mine(machine, "w1"), "it is on the list of whoever was given it")
    done = "Tell the independent reviewing officer"
    assert said(machine, "done", task, "--by", "w1") == (0, f"Done: {done}")
    wait_until(lambda: task not in mine(machine, "w1"), "it is on no list")
    assert said(machine, "done", task, "--by", "w1") == (0, f"Done already: {done}")
    told = [f for f in machine.answer("show", episode)["facts"] if f["kind"] == "told"]
    assert [(f["details"], f["recorded_by"]) for f in told] == [({"role": "iro"}, "w1")]


def mine(machine: Machine, person: str) -> set[str]:
    return {task["key"] for task in machine.answer("tasks", "--person", person)}


def said(machine: Machine, *words: str) -> tuple[int, str]:
    """The exit status, and the one line that was said."""
    done = machine.homeward("task", *words)
    return done.returncode, (done.stdout or done.stderr).strip()
