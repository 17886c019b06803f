"""In real time, with real processes: what is killed, and what must be there afterwards."""

import json
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.machine import HOMEWARD, Machine, wait_until
from tests.faults.tcp_proxy import TcpProxy
from workflows.instants import to_rfc3339

CHILD = {"born": "2011-05-14", "allocated": True, "looked_after": True, "out_of_area": False, "setting": "foster"}


def ago(**how_long: float) -> str:
    return to_rfc3339((datetime.now(UTC) - timedelta(**how_long)).replace(microsecond=0))


def test_overdue_rungs_fire_once_after_server_and_worker_were_killed(machine: Machine) -> None:
    """The alert falls due while nothing runs; started again, it is sent, and sent once."""
    machine.start_engine()
    machine.start_worker()
    machine.wait_for_line("worker", "worker ready")
    nearly_a_day = timedelta(hours=24) - timedelta(seconds=30)
    due = time.monotonic() + 31
    episode = machine.report(child=CHILD, reported=ago(seconds=nearly_a_day.total_seconds()))
    wait_until(lambda: machine.notices(episode, "leadership_alert") == ["warn"], "the warning is sent")
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["warn"], "the other warning is sent")
    machine.kill("worker", "engine")
    wait_until(lambda: time.monotonic() > due, "the alert falls due")
    assert machine.notices(episode, "leadership_alert") == ["warn"]
    machine.start_engine()
    machine.start_worker()
    wait_until(lambda: machine.notices(episode, "leadership_alert") == ["warn", "alert"], "the alert is sent")
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["warn", "escalate"], "the other is sent")
    time.sleep(2)
    assert machine.notices(episode, "leadership_alert") == ["warn", "alert"]
    assert machine.notices(episode, "iro_notice") == ["warn", "escalate"]


@pytest.mark.long
def test_a_worker_killed_between_fact_and_notice_sends_each_notice_once(machine: Machine) -> None:
    machine.start_engine()
    machine.start_worker()
    episode = machine.report(child=CHILD, reported=ago(hours=1))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the first notice is sent")
    for _ in range(3):
        machine.kill("worker")
        record = subprocess.Popen(
            [HOMEWARD, "record", episode, "returned", "--at", ago(minutes=1)],
            env=machine.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        machine.start_worker()
        time.sleep(1.5)
        record.wait(30)
    wait_until(lambda: machine.notices(episode, "rhi") == ["ask"], "the interview is asked for")
    wait_until(lambda: machine.notices(episode, "rhi_offer") == ["ask"], "its offer is asked for")
    keys = [n["key"] for n in machine.answer("show", episode)["notices"]]
    assert len(keys) == len(set(keys))
    assert machine.notices(episode, "rhi_offer") == ["ask"]


def test_a_report_is_kept_while_the_engine_is_down_and_applied_once_when_it_is_back(machine: Machine) -> None:
    file = machine.folder / "report.json"
    said = {"child": {"reference": "INVENTED-1"}, "reported": ago(hours=1)}
    file.write_text(json.dumps(said), encoding="utf-8")
    first = machine.homeward("report", str(file))
    again = machine.homeward("report", str(file))
    assert (first.returncode, again.returncode) == (3, 3)
    assert "NO CLOCK IS RUNNING" in first.stderr
    assert first.stderr.count("\n") == 1
    assert "Traceback" not in first.stdout + first.stderr
    machine.start_engine()
    machine.start_worker()
    wait_until(lambda: len(machine.answer("list")["episodes"]) == 1, "the episode has begun")
    wait_until(lambda: machine.answer("list")["kept_not_applied"] == 0, "nothing waits")
    assert machine.homeward("report", str(file)).returncode == 0
    assert len(machine.answer("list")["episodes"]) == 1


@pytest.mark.long
def test_a_fact_is_kept_while_no_worker_runs_and_is_there_after_the_engine_was_killed(machine: Machine) -> None:
    """An Update without a worker is lost with its server; the inbox is not."""
    machine.start_engine()
    machine.start_worker()
    episode = machine.report(child=CHILD, reported=ago(hours=1))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the episode lives")
    machine.kill("worker")
    done = machine.homeward("record", episode, "returned")
    assert done.returncode == 3, done.stdout
    assert "kept, not yet applied" in done.stderr
    machine.kill("engine")
    machine.start_engine()
    machine.start_worker()
    wait_until(lambda: machine.answer("show", episode)["episode"]["status"] == "returned", "the return is known")
    assert [f["kind"] for f in machine.answer("show", episode)["facts"]].count("returned") == 1


@pytest.mark.long
def test_a_kept_fact_that_turns_out_impossible_becomes_an_operators_task(machine: Machine) -> None:
    machine.start_engine()
    machine.start_worker()
    episode = machine.report(child=CHILD, last_seen=ago(hours=2), reported=ago(hours=1))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the episode lives")
    machine.kill("worker")
    assert machine.homeward("record", episode, "found", "--at", ago(hours=3)).returncode == 3
    machine.start_worker()
    wait_until(lambda: [t for t in machine.answer("tasks") if t["role"] == "operator"] != [], "the operator has a task")
    shown = machine.answer("show", episode)
    assert shown["episode"]["status"] == "missing"
    assert [line["kind"] for line in shown["timeline"]].count("refused") == 1


def test_run_stops_cleanly_on_ctrl_c_and_goes_on_where_it_was(machine: Machine) -> None:
    run = machine.start("run", [str(HOMEWARD), "run"])
    log = machine.folder / "run.log"
    wait_until(lambda: "Homeward is running" in log.read_text(encoding="utf-8"), "it runs")
    episode = machine.report(child=CHILD, reported=ago(hours=1))
    wait_until(lambda: machine.notices(episode, "iro_notice") == ["ask"], "the episode lives")
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 0
    assert not machine.engine_listens()
    assert "Traceback" not in log.read_text(encoding="utf-8")
    run = machine.start("run", [str(HOMEWARD), "run"])
    wait_until(lambda: machine.homeward("doctor").returncode == 0, "all is well again")
    assert machine.homeward("record", episode, "returned").returncode == 0
    assert machine.notices(episode, "iro_notice") == ["ask"]
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 0


def test_run_refuses_a_second_run_on_the_same_folder_and_a_port_in_use(machine: Machine) -> None:
    run = machine.start("run", [str(HOMEWARD), "run"])
    wait_until(machine.engine_listens, "the engine listens")
    second = machine.homeward("run")
    assert second.returncode == 2
    assert "in use by another 'homeward run'" in second.stderr
    elsewhere = machine.folder / "elsewhere"
    third = machine.homeward("run", environment={"HOMEWARD_DATA_DIR": str(elsewhere)})
    assert third.returncode == 2
    assert "HOMEWARD_ENGINE_PORT" in third.stderr
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [8, pytest.param(40, marks=pytest.mark.long)])
def test_of_many_commands_none_crashes_its_interpreter(machine: Machine, count: int) -> None:
    machine.start_engine()
    machine.start_worker()
    machine.start_service()
    wait_until(lambda: machine.homeward("doctor").returncode == 0, "all is well")
    with ThreadPoolExecutor(4) as people:
        begun = [people.submit(machine.homeward, "doctor") for _ in range(count)]
        statuses = [one.result().returncode for one in begun]
    assert statuses == [0] * count


def test_a_command_whose_engine_is_cut_off_meanwhile_answers_in_json_alone(machine: Machine) -> None:
    """The engine's client tries again, and would say so where only the answer may stand."""
    machine.start_engine()
    with TcpProxy(int(machine.environment["HOMEWARD_ENGINE_PORT"])) as proxy:
        machine.environment["HOMEWARD_ENGINE_ADDRESS"] = f"127.0.0.1:{proxy.port}"
        episode = machine.report(child=CHILD, reported=ago(hours=1))
        saying = subprocess.Popen(
            [HOMEWARD, "record", episode, "searched", "--json"],
            env=machine.environment | {"HOMEWARD_ENGINE_PATIENCE_SECONDS": "8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_until(lambda: machine.answer("list")["kept_not_applied"] == 1, "what was said is kept")
        proxy.set("cut")
        answer, complaint = saying.communicate(timeout=60)
    assert saying.returncode == 3
    assert json.loads(answer)["state"] == "kept"
    assert complaint.count(b"\n") == 1


EXPORT = """\
PersonID,DOB,Legal Status,Placement,OOA,Episode Type,Missing From,Start Date,Start Time,Reported To Police,Police Ref,\
End Date,End Time,RHI Offered,RHI Offered Date,RHI Accepted,RHI Date,Reason No RHI,Allocated Worker,Team
INV1,01/02/2011,C2,U4,N,M,Placement,02/03/2026,18:30,Y,INV-1,03/03/2026,09:15,,,,,,A. Invented,Team 1
INV2,01/02/2012,,,N,M,Home,2026-03-04,0700,Y,INV-2,04-Mar-26,09:15,Y,04/03/2026,Y,05/03/2026,,B. Nobody,Team 1
INV3,01/02/2012,,,N,M,Home,31/02/2026,00:00,Y,INV-3,04/03/2026,09:15,,,,,,B. Nobody,Team 1
"""


@pytest.mark.long
def test_an_export_is_taken_in_once_and_its_overdue_clocks_are_told_about_once(machine: Machine) -> None:
    machine.start_engine()
    machine.start_worker()
    file = machine.folder / "export.csv"
    file.write_text(EXPORT, encoding="utf-8")
    first = machine.answer("intake", str(file))
    assert [row["verdict"] for row in first["rows"]] == ["taken_with_note", "taken_with_note", "refused"]
    assert (first["run"]["added"], first["run"]["kept"]) == (2, 0)
    again = machine.answer("intake", str(file))["run"]
    assert (again["id"], again["added"]) == (first["run"]["id"], 2)
    found = {e["child_reference"]: e for e in machine.answer("list")["episodes"]}
    assert set(found) == {"INV1", "INV2"}
    shown = machine.answer("show", found["INV1"]["episode_id"])
    due = {clock["id"]: clock["due"] for clock in shown["clocks"]}
    assert due["rhi"] == "2026-03-06T09:15:00Z"
    assert due["iro_notice"] == "2026-03-03T18:30:00Z"
    told = [notice["clock"] for notice in shown["notices"]]
    assert len(told) == len(set(told))
    assert {"iro_notice", "parent_notice", "rhi", "rhi_offer"} <= set(told)
