"""What is kept for a child: versions, gaps, bad input in one line, and the police pack from the command line."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from starter.child_records import FORMS, as_body, read_form
from starter.cli.main import run
from tests.workflows.builders import pack
from workflows.instants import london_day, parse_instant
from workflows.plain_errors import BadInputError

TODAY = london_day(parse_instant("2026-06-10T09:00:00Z"))


@pytest.fixture(autouse=True)
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HOMEWARD_ENGINE_ADDRESS", "127.0.0.1:9")
    monkeypatch.setenv("HOMEWARD_ENGINE_PATIENCE_SECONDS", "1")


def gaps(kind: str, **said: object) -> list[str]:
    return list(read_form(kind, said).gaps(pack(), TODAY))


PLACED = {"placed_on": "2026-06-01", "setting": "foster"}
WHOLE_PLACE = {
    **PLACED,
    "risk_considered": True,
    "interview_provider": "x",
    "child_told_what_happens": True,
    "philomena_handed_over_on": "2026-06-01",
}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (gaps("safety_plan"), 9),
        (gaps("safety_plan", risk_assessment="x", interventions=["listen"]), 7),
        (gaps("risk_assessment"), 16),
        (gaps("philomena", identity="x"), 7),
        (gaps("photographs"), 4),
        (gaps("placement", **WHOLE_PLACE, out_of_area=False), 0),
        (gaps("placement", **WHOLE_PLACE, out_of_area=True), 5),
        (gaps("placement", **PLACED, out_of_area=False), 4),
        (gaps("placement", **WHOLE_PLACE, out_of_area=True, host_authority="x", host_force="x"), 3),
    ],
)
def test_gaps_are_named_and_never_refused(found: list[str], expected: int) -> None:
    assert len(found) == expected, found


def test_a_plan_the_child_did_not_agree_to_or_past_its_review_says_so() -> None:
    past = (TODAY - timedelta(days=1)).isoformat()
    found = gaps("safety_plan", childs_part={"words": "x", "agreed": False}, review_on=past)
    assert "the child has not agreed to the plan" in found
    assert "the plan was to be reviewed on Tue 9 Jun 2026" in found


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("diary", {}, "kind"),
        ("photographs", [], "photographs"),
        ("photographs", {"face_on": "yesterday"}, "face_on"),
        ("photographs", {"face_on": 0}, "face_on"),
        ("photographs", {"face": "2026-01-01"}, "face"),
        ("safety_plan", {"interventions": ["shout"]}, "interventions[0]"),
        ("safety_plan", {"trusted_trio": [{"name": "x"}]}, "trusted_trio[0].relation"),
        ("safety_plan", {"trusted_trio": [{"name": "x", "relation": "x", "contact": "x"}] * 4}, "trusted_trio"),
        ("safety_plan", {"childs_part": {"agreed": "yes"}}, "childs_part.agreed"),
        ("placement", {"placed_on": "2026-06-01", "out_of_area": True}, "setting"),
        ("placement", {**PLACED, "out_of_area": "no"}, "out_of_area"),
    ],
)
def test_what_cannot_be_read_names_the_field(kind: str, said: object, field: str) -> None:
    with pytest.raises(BadInputError) as refused:
        read_form(kind, said)
    assert str(refused.value).startswith(f"{field}: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_reads_back_as_it_was(kind: str) -> None:
    form = read_form(kind, {**PLACED, "out_of_area": False} if kind == "placement" else {})
    assert read_form(kind, as_body(form)) == form


def write(folder: Path, said: object) -> str:
    file = folder / "form.json"
    file.write_text(json.dumps(said), encoding="utf-8")
    return str(file)


def test_each_record_is_a_new_version_and_none_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["child", "record", "INV-1", "philomena", write(tmp_path, {"health": "well"}), "--json"]) == 0
    assert run(["child", "record", "INV-1", "philomena", write(tmp_path, {"health": "asthma"}), "--json"]) == 0
    capsys.readouterr()
    assert run(["child", "history", "INV-1", "philomena", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert [(one["version"], one["body"]["health"]) for one in history] == [(1, "well"), (2, "asthma")]
    assert run(["child", "show", "INV-1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["philomena"]["record"]["body"]["health"] == "asthma"
    assert shown["photographs"] is None


def test_nothing_is_kept_of_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["child", "record", "INV-2", "photographs", write(tmp_path, {"face_on": 5})]) == 2
    assert run(["child", "show", "INV-2"]) == 2
    assert "reference: no child of that number" in capsys.readouterr().err


def test_the_police_pack_of_a_report_that_waits_for_the_engine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = {"child": {"reference": "INV-1"}, "answers": {"description": "a red coat"}}
    assert run(["report", write(tmp_path, report), "--json"]) == 3
    episode = json.loads(capsys.readouterr().out)["episode_id"]
    pdf, html = tmp_path / "pack.pdf", tmp_path / "pack.html"
    assert run(["police-pack", episode, "--pdf", str(pdf), "--html", str(html), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["items"][1]["known"] == ["a red coat"]
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert "a red coat" in html.read_text(encoding="utf-8")
    assert run(["police-pack", episode, "--pdf", str(tmp_path / "none" / "pack.pdf")]) == 2
    assert "cannot be written" in capsys.readouterr().err
