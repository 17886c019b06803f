"""Bad input: one line on the standard error that names the field, exit 2, nothing kept, never a traceback."""

import json
import resource
import signal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.policies import KEPT
from starter.cli.main import run
from tests.faults.machine import Machine

Scenario = dict[str, Any]


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")


def good() -> Scenario:
    return {
        "child": {
            "born": "2011-05-14",
            "allocated": True,
            "looked_after": True,
            "out_of_area": False,
            "setting": "foster",
        },
        "as_of": "2026-06-10T12:00:00Z",
        "facts": [
            {"kind": "last_seen", "at": "2026-06-09T18:00:00Z"},
            {"kind": "reported", "at": "2026-06-09T20:15:00+01:00"},
        ],
    }


def fact(**changes: object) -> Callable[[Scenario], object]:
    return lambda s: s["facts"].append({"kind": "located", "at": "2026-06-10T01:00:00Z"} | changes)


def child(**changes: object) -> Callable[[Scenario], object]:
    return lambda s: s["child"].update(changes)


def top(**changes: object) -> Callable[[Scenario], object]:
    return lambda s: s.update(changes)


BROKEN: dict[str, tuple[Callable[[Scenario], object], str]] = {
    "a misspelt field": (top(as_off="x"), "as_off"),
    "a misspelt field of the child": (child(loked_after=True), "child.loked_after"),
    "a misspelt field of a fact": (fact(plaice="x"), "facts[2].plaice"),
    "an unknown kind": (fact(kind="fond"), "facts[2].kind"),
    "a time without an offset": (fact(at="2026-06-10T01:00:00"), "facts[2].at"),
    "zero": (fact(at=0), "facts[2].at"),
    "a number": (fact(at=1781053200), "facts[2].at"),
    "a number in a string": (fact(at="1781053200"), "facts[2].at"),
    "a date only": (fact(at="2026-06-10"), "facts[2].at"),
    "nothing": (fact(at=None), "facts[2].at"),
    "no such day": (fact(at="2026-02-30T01:00:00Z"), "facts[2].at"),
    "as_of without an offset": (top(as_of="2026-06-10T12:00:00"), "as_of"),
    "as_of zero": (top(as_of=0), "as_of"),
    "an unknown policy": (top(policy="homewards"), "policy"),
    "a setting that is none": (child(setting="castle"), "child.setting"),
    "yes instead of true": (child(looked_after="yes"), "child.looked_after"),
    "one instead of true": (child(looked_after=1), "child.looked_after"),
    "born with a time": (child(born="2011-05-14T00:00:00Z"), "child.born"),
    "a fact before birth": (child(born="2026-06-10"), "facts[0].at"),
    "found before last seen": (fact(at="2026-06-09T17:59:59Z"), "].at: found"),
    "an unknown role": (fact(kind="told", role="boss"), "facts[2].role"),
    "no role": (fact(kind="told"), "facts[2].role"),
    "the character NUL": (fact(note="a\0b"), "facts[2].note: must be without the character NUL"),
    "half a character": (fact(note="a\ud800b"), "facts[2].note: must be of whole characters; it holds half of one"),
    "a fact that is no object": (lambda s: s["facts"].append("found"), "facts[2]"),
    "facts that are no list": (top(facts={}), "facts"),
    "an id twice": (lambda s: s["facts"].extend([dict(s["facts"][0], id="a"), dict(s["facts"][0], id="a")]), ".id"),
    "a correction of nothing": (fact(kind="withdrawn", fact="none"), "facts[2].fact"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_scenario_is_refused_in_one_line(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    breaking, field = BROKEN[case]
    scenario = good()
    breaking(scenario)
    file = tmp_path / "scenario.json"
    file.write_text(json.dumps(scenario), encoding="utf-8")
    assert run(["plan", str(file), "--json"]) == 2
    assert_one_line(capsys, field)


def assert_one_line(capsys: pytest.CaptureFixture[str], field: str) -> None:
    said = capsys.readouterr()
    assert said.err.count("\n") == 1, said.err
    assert field in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "scenario"),
        ('{"as_of": 1, "as_of": 2}', "as_of"),
        ("\ufeff5", "scenario"),
        ("9" * 5000, "too long"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(
    text: str, field: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(text, encoding="utf-8")
    assert run(["plan", str(file)]) == 2
    assert_one_line(capsys, field)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", str(tmp_path / "none.json")]) == 2
    assert_one_line(capsys, "none.json")


REPORTS: dict[str, tuple[object, str]] = {
    "a misspelt field": ({"reportd": "2026-06-09T20:15:00Z"}, "reportd"),
    "a misspelt answer": ({"answers": {"helth": "x"}}, "answers.helth"),
    "a time without an offset": ({"reported": "2026-06-09T20:15:00"}, "reported"),
    "zero": ({"reported": 0}, "reported"),
    "a time in the future": ({"reported": "2096-06-09T20:15:00Z"}, "reported"),
    "before birth": ({"child": {"born": "2026-06-10"}, "reported": "2026-06-09T20:15:00Z"}, "reported"),
    "returned before last seen": (
        {"last_seen": "2026-06-09T20:15:00Z", "returned": "2026-06-09T20:14:59Z"},
        "returned",
    ),
    "an unknown policy": ({"policy": "none"}, "policy"),
    "the character NUL": ({"answers": {"clothing": "a\0b"}}, "answers.clothing: must be without the character NUL"),
    "half a character": ({"answers": {"health": "\udcff"}}, "answers.health: must be of whole characters"),
    "the character NUL in a name": ({"a\0b": 1}, "must be without the character NUL"),
    "a bad id": ({"report_id": "7"}, "report_id"),
    "no object": ([], "dict"),
}


@pytest.mark.parametrize("case", REPORTS)
def test_a_report_is_refused_in_one_line_and_not_kept(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said, field = REPORTS[case]
    file = tmp_path / "report.json"
    file.write_text(json.dumps(said), encoding="utf-8")
    assert run(["report", str(file)]) == 2
    assert_one_line(capsys, field)
    with sqlite3.connect(tmp_path / "data" / "homeward.sqlite") as database:
        assert database.execute("select count(*) from inbox").fetchone() == (0,)
    database.close()


def test_an_empty_report_is_taken_and_everything_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    file.write_text("{}", encoding="utf-8")
    assert run(["report", str(file), "--json"]) == 3
    said = capsys.readouterr()
    assert len(json.loads(said.out)["asked_for"]) == 5 + 14
    assert "NO CLOCK IS RUNNING YET" in said.err


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (["record", "ffffffff", "found"], "episode"),
        (["record", "x", "found"], "episode"),
        (["show", "ffffffff"], "episode"),
        (["tasks", "--role", "boss"], "--role"),
        (["policy", "show", "none"], "policy"),
        (["rehearse"], "scenario"),
        (["plann"], "plann"),
        (["list", "--alll"], "--alll"),
    ],
)
def test_a_command_is_refused_in_one_line(words: list[str], field: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert_one_line(capsys, field)


def pack_with(change: Callable[[dict[str, Any]], object]) -> str:
    pack = yaml.safe_load((KEPT / "homeward-2026.1.yaml").read_text(encoding="utf-8"))
    change(pack)
    return yaml.safe_dump(pack)


PACKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a wrong duration": (
        pack_with(lambda p: p["clocks"]["rhi"].update(due={"elapsed_hours": "72h"})),
        ("pack.yaml", "clock rhi", "due.elapsed_hours"),
    ),
    "an unknown fact": (
        pack_with(lambda p: p["clocks"]["rhi"].update(met_by=["rhi_complete"])),
        ("pack.yaml", "clock rhi", "met_by[0].fact"),
    ),
    "a clock nobody can satisfy": (
        pack_with(lambda p: p["clocks"]["rhi"].update(met_by=[])),
        ("pack.yaml", "clock rhi", "met_by"),
    ),
    "a ladder to an unknown role": (
        pack_with(lambda p: p["clocks"]["rhi"]["ladder"][0].update(role="mayor")),
        ("pack.yaml", "clock rhi", "ladder[0].role"),
    ),
    "a missing citation": (
        pack_with(lambda p: p["clocks"]["rhi"].pop("source")),
        ("pack.yaml", "clock rhi", "source"),
    ),
    "a citation of nothing": (
        pack_with(lambda p: p["clocks"]["rhi"].update(source=[{"document": "s9", "section": "x"}])),
        ("pack.yaml", "clock rhi", "source"),
    ),
    "a key twice": ("policy: a\npolicy: b\n", ("pack.yaml", "line 2", "policy")),
    "not YAML": ("a: [", ("pack.yaml",)),
    "not a mapping": ("- 1", ("pack.yaml",)),
}


@pytest.mark.parametrize("case", PACKS)
def test_a_corrupt_pack_is_refused_naming_file_clock_and_field(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, parts = PACKS[case]
    file = tmp_path / "pack.yaml"
    file.write_text(text, encoding="utf-8")
    assert run(["policy", "check", str(file)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    for part in parts:
        assert part in said


def test_settings_are_refused_when_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HOMEWARD_ENGINE_PORT", "seventy")
    assert run(["doctor"]) == 2
    assert_one_line(capsys, "HOMEWARD_ENGINE_PORT")


def test_a_folder_that_cannot_be_written_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", "/proc/homeward")
    assert run(["list"]) == 2
    assert_one_line(capsys, "HOMEWARD_DATA_DIR")


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.homeward("list").returncode == 0
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"answers": {"health": "x" * 4000}}), encoding="utf-8")

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = machine.homeward("report", str(file), preexec_fn=no_room)
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("\n") == 1
    assert "database" in done.stderr


def test_a_second_worker_with_other_policy_files_is_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    pack = pack_with(lambda p: p.update(policy="leeds"))
    (own / "leeds.yaml").write_text(pack, encoding="utf-8")
    environment = {"HOMEWARD_POLICY_DIR": str(own), "HOMEWARD_ENGINE_ADDRESS": "127.0.0.1:9"}
    first = machine.start_with("worker", environment)
    try:
        machine.wait_for_line("worker", "waiting:")
    finally:
        first.terminate()
        assert first.wait(30) == 0
    changed = yaml.safe_load(pack)
    changed["clocks"]["rhi"]["due"] = {"elapsed_hours": 96}
    (own / "leeds.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    second = machine.homeward("worker", environment=environment)
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "policy leeds 2026.1" in second.stderr
