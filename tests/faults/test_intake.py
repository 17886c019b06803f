"""A file is taken in by a real process that is killed in the middle, twice: nothing is lost and nothing doubled."""

import json
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from starter.intake.mapping_files import DEFAULT
from tests.faults.machine import HOMEWARD, Machine, wait_until
from tests.starter.exports_at_length import long_export

LINES = 1000


def asked(machine: Machine, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{machine.folder / 'homeward.sqlite'}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def lines_in(machine: Machine) -> int:
    try:
        return int(asked(machine, "SELECT count(*) FROM intake_line")[0][0])
    except sqlite3.OperationalError:
        return 0


def killed_once_in(machine: Machine, file: Path, lines: int) -> int:
    """Take the file in and kill -9 the process when so many lines are in; how many are in then."""
    taking = subprocess.Popen(
        [HOMEWARD, "intake", str(file)],
        env=machine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    give_up = time.monotonic() + 90
    while lines_in(machine) < lines:
        assert taking.poll() is None, "it was through before it could be killed"
        assert time.monotonic() < give_up
        time.sleep(0.002)
    taking.kill()
    taking.wait()
    return lines_in(machine)


def outcome(machine: Machine) -> list[tuple[Any, ...]]:
    """Each line with its verdict and what is kept of it, without random ids and the time of recording."""
    rows = asked(
        machine,
        "SELECT l.line, l.verdict, l.why, l.added, i.id, i.digest, i.kind, i.urgency, i.body, c.reference "
        "FROM intake_line l LEFT JOIN inbox i ON i.episode_id = l.episode_id "
        "LEFT JOIN child c ON c.id = json_extract(i.body, '$.child_id') ORDER BY l.line",
    )
    return [(*row[:8], _body(row[8]), row[9]) for row in rows]


def _body(written: str | None) -> Any:
    body: dict[str, Any] = json.loads(written) if written else {}
    facts = [{**fact, "recorded_at": None} for fact in body.pop("facts", [])]
    return {**body, "child_id": None, "facts": facts}


@pytest.mark.long
def test_a_run_killed_twice_ends_as_one_that_was_left_alone(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(long_export(LINES), encoding="utf-8")
    machine.start_engine()
    first = killed_once_in(machine, file, 200)
    assert 200 <= first < LINES
    (run,) = machine.answer("intake", "runs")
    assert (run["done"], run["lines"], run["finished_at"]) == (first, LINES, None)
    second = killed_once_in(machine, file, first + 300)
    assert first < second < LINES
    done = machine.homeward("intake", str(file), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["run"]["id"], said["run"]["done"], said["run"]["kept"]) == (run["id"], LINES, 0)

    alone = Machine(tmp_path / "alone")
    alone.folder.mkdir()
    assert alone.homeward("intake", str(file)).returncode == 3, "no engine there: every row is kept"
    assert len(outcome(machine)) == LINES
    assert outcome(machine) == outcome(alone)

    episodes = {row[0] for row in asked(machine, "SELECT episode_id FROM intake_line WHERE episode_id IS NOT NULL")}
    reports = asked(machine, "SELECT episode_id, state FROM inbox")
    assert len(reports) == len(episodes) == said["run"]["added"]
    assert {state for _, state in reports} == {"applied"}

    again = machine.homeward("intake", str(file))
    assert again.returncode == 0
    assert "taken in before" in again.stdout
    assert "nothing is added" in again.stdout
    assert asked(machine, "SELECT episode_id, state FROM inbox") == reports


def test_ctrl_c_says_how_to_go_on(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text(long_export(LINES), encoding="utf-8")
    taking = subprocess.Popen(
        [HOMEWARD, "intake", str(file)], env=machine.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_until(lambda: lines_in(machine) >= 100, "some lines are in")
    taking.send_signal(2)
    _, complaint = taking.communicate(timeout=60)
    assert taking.returncode == 130
    assert b"the same command goes on from here" in complaint
    assert b"Traceback" not in complaint
    assert lines_in(machine) % 100 == 0
    assert machine.homeward("intake", str(file)).returncode == 3
    assert lines_in(machine) == LINES


@pytest.mark.long
def test_after_intake_the_clocks_of_an_open_episode_run_from_the_right_moments_and_say_what_is_not_known(
    machine: Machine, tmp_path: Path
) -> None:
    machine.start_engine()
    machine.start_worker()
    mapping = machine.homeward("intake", "mapping", DEFAULT)
    assert mapping.stdout.startswith("# An export")
    file = tmp_path / "export.csv"
    header = (
        "PersonID,DOB,Legal Status,Placement,OOA,Episode Type,Missing From,Start Date,Start Time,Reported To Police,"
        "Police Ref,End Date,End Time,RHI Offered,RHI Offered Date,RHI Accepted,RHI Date,Reason No RHI,"
        "Allocated Worker,Team"
    )
    rows = (
        "INV1,01/02/2012,C2,U4,N,M,Placement,02/11/2026,18:30,Y,INV-1,,,,,,,,A. Invented,Team 1",
        "INV2,01/02/2012,C2,U4,N,M,Placement,02/11/2026,,Y,INV-2,,,,,,,,A. Invented,Team 1",
        "INV3,01/02/2012,C2,U4,N,M,Placement,02/11/2026,18:30,Y,INV-3,04/11/2026,,,,,,,A. Invented,Team 1",
    )
    file.write_text("\n".join((header, *rows)), encoding="utf-8")
    taken = machine.answer("intake", str(file))
    episodes = [row["episode_id"] for row in taken["rows"]]
    wait_until(lambda: len(machine.answer("list")["episodes"]) == 3, "they have begun")
    clocks = [{clock["id"]: clock for clock in machine.answer("show", one)["clocks"]} for one in episodes]
    by_minute, by_day, back = clocks
    assert by_minute["iro_notice"]["due"] == "2026-11-03T18:30:00Z"
    assert "day only" not in by_minute["iro_notice"]["because"]
    assert by_day["iro_notice"]["due"] == "2026-11-03T00:00:00Z"
    for clock in ("iro_notice", "leadership_alert", "strategy_meeting"):
        assert "known to the day only" in by_day[clock]["because"], clock
    assert back["rhi"]["due"] == "2026-11-07T00:00:00Z"
    assert "known to the day only" in back["rhi"]["because"]
    assert "known to the day only" not in back["iro_notice"]["because"]
