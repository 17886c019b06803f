"""The police pack: fourteen items from what is known, gaps in sight, as data, page and PDF."""

import io
from datetime import timedelta

import pytest
from pypdf import PdfReader

from activities.store.child_records import ChildRecord
from starter.child_records import RecordShown, show_latest
from starter.later_answers import note_of
from starter.police_pack import PolicePack, as_html, as_pdf, pack_of
from starter.reports import PoliceQuestions
from tests.workflows.builders import CHILD, fact, pack
from workflows.facts import Child, Fact, Known
from workflows.instants import london_day, parse_instant

NOW = parse_instant("2026-06-10T09:00:00Z")
REPORTED = fact("reported 2026-06-09T20:00:00Z", force="Invented Constabulary", police_ref="INV/1")


def kept(**kinds: dict[str, object]) -> dict[str, RecordShown | None]:
    records = [
        ChildRecord(child_id="c", kind=kind, version=1, recorded_at=NOW, recorded_by="x", body=body)
        for kind, body in kinds.items()
    ]
    return show_latest(records, pack(), london_day(NOW))


def made(
    *facts: Fact,
    answers: dict[str, str] | None = None,
    child: Child = CHILD,
    records: dict[str, RecordShown | None] | None = None,
    earlier: tuple[Known, ...] = (),
) -> PolicePack:
    return pack_of(
        episode_id="e0000000",
        child_reference="INV-1",
        answers=PoliceQuestions.model_validate(answers or {}),
        reported_by="Carer Invented",
        child=child,
        known=Known((REPORTED, *facts), NOW),
        kept=records or {},
        earlier=earlier,
    )


def item(of: PolicePack, number: int) -> str:
    return "; ".join(of.items[number - 1].known)


def test_all_fourteen_are_there_and_every_gap_asks() -> None:
    empty = made(child=Child())
    assert [i.number for i in empty.items] == list(range(1, 15))
    assert empty.gaps == 14
    assert all(i.ask and i.ask.startswith("NOT KNOWN: ask for ") for i in empty.items)
    full = made(answers=dict.fromkeys(PoliceQuestions.model_fields, "said"))
    assert full.gaps == 0


LOCATED_BEFORE = (fact("last_seen 2026-01-01T00:00:00Z"), fact("located 2026-01-02T00:00:00Z", place="The old pier"))


@pytest.mark.parametrize(
    ("facts", "number", "says"),
    [
        ((), 1, "Born 2011-05-14"),
        ((fact("observed 2026-06-09T18:00:00Z", moment="leaving", clothing="red coat"),), 2, "red coat"),
        ((fact("last_seen 2026-06-09T18:00:00Z", place="bus stop", by="a friend"),), 4, "bus stop, a friend"),
        (
            (fact("contact_attempted 2026-06-09T19:00:00Z", to="child", answered="no"),),
            10,
            "Tried Tue 9 Jun 2026",
        ),
        ((fact("searched 2026-06-09T19:00:00Z", place="the park"),), 14, "the park"),
        (
            (fact("described 2026-06-09T19:00:00Z", note=note_of("health", "asthma: an inhaler")),),
            7,
            "asthma: an inhaler",
        ),
    ],
)
def test_what_the_facts_say_fills_the_items(facts: tuple[Fact, ...], number: int, says: str) -> None:
    assert says in item(made(*facts), number)


def test_kept_information_and_earlier_episodes_help_out() -> None:
    records = kept(philomena={"mobile_number": "01632 960000", "likely_places": "The library"})
    earlier = (Known(LOCATED_BEFORE, NOW),)
    pack_made = made(answers={"likely_places": "The pool"}, records=records, earlier=earlier)
    assert "01632 960000 (kept record of Wed 10 Jun 2026" in item(pack_made, 9)
    assert item(pack_made, 12).startswith("The pool; The library (kept record of")
    assert "Found before at: The old pier" in item(pack_made, 12)
    assert "Missing before: 1 earlier" in item(pack_made, 5)


@pytest.mark.parametrize(
    ("photographs", "says"),
    [
        (None, "No photographs are recorded"),
        ({"face_on": "2026-06-01"}, "Missing or stale: a full-length photograph"),
        ({"face_on": "2025-06-10", "full_length_on": "2025-06-09"}, "the full length photograph is stale"),
        (
            {"face_on": "2026-06-01", "full_length_on": "2026-06-05", "appearance_changed_on": "2026-06-03"},
            "the face photograph is older than the change of Wed 3 Jun 2026",
        ),
        ({"face_on": "2026-06-01", "full_length_on": "2026-06-01", "with_carer": False}, "the carer has no copies"),
    ],
)
def test_photographs_missing_or_stale_are_told(photographs: dict[str, object] | None, says: str) -> None:
    records = kept(photographs=photographs) if photographs is not None else {}
    assert any(says in line for line in made(records=records).photographs)


def test_photographs_a_day_younger_than_stale_are_fresh() -> None:
    day = (london_day(NOW) - timedelta(days=365)).isoformat()
    records = kept(photographs={"face_on": day, "full_length_on": day, "with_carer": True, "on_record": True})
    assert not [line for line in made(records=records).photographs if "stale" in line.lower()]


HOSTILE = "<script>alert('Zoë Łukasz Nguyễn')</script>\n& more"


def test_the_page_escapes_what_people_wrote() -> None:
    page = as_html(made(answers={"description": HOSTILE}))
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;Zoë Łukasz Nguyễn&#39;)&lt;/script&gt;" in page
    assert "http" not in page
    assert page.count('class="gap"') >= 11


def _text(pdf: bytes) -> tuple[int, str]:
    reader = PdfReader(io.BytesIO(pdf))
    return len(reader.pages), "\n".join(page.extract_text() for page in reader.pages)


def test_the_pdf_says_the_same_on_one_sheet() -> None:
    one = made(answers={"description": HOSTILE})
    sheets, text = _text(as_pdf(one))
    assert sheets == 1
    assert "Zoë Łukasz Nguyễn" in text
    for each in one.items:
        assert f"{each.number}. " in text
    assert text.count("NOT KNOWN") == one.gaps + (not one.risk)


def test_fourteen_long_answers_run_on_and_nothing_is_cut() -> None:
    long = " ".join(f"word{n}" for n in range(400))
    answers = {name: f"{long} end-of-{name}" for name in PoliceQuestions.model_fields}
    sheets, text = _text(as_pdf(made(answers=answers)))
    assert sheets > 1
    for name in answers:
        assert f"end-of-{name}" in text.replace("\n", "")


def test_a_risk_grade_stays_whose_it_is() -> None:
    police = fact("risk_assessed 2026-06-09T21:00:00Z a", view="police", scheme="College 2023", grade="low", reason="x")
    ours = fact("risk_assessed 2026-06-09T21:30:00Z b", view="authority", grade="high")
    assert made(police, ours).risk == (
        "low (police, College 2023), Tue 9 Jun 2026 22:00 BST: x",
        "high (authority), Tue 9 Jun 2026 22:30 BST",
    )
