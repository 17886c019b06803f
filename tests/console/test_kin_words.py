"""How another absence of a child is named to people: by when it began, with a way to it, and never by an id."""

import re
from datetime import timedelta
from typing import Any

import pytest

from activities.store.child_records import EpisodeOfChild
from activities.store.inbox import open_episodes_of
from activities.store.tables import EpisodeTable
from starter.access import AccessRole
from starter.console.kin_words import Piece, pieces_of, said_of_others
from tests.api.callers import HERE, Service
from tests.api.kin import kin
from tests.api.town import NOW, task
from tests.console.absences import absence, said
from workflows.names import UNRETURNED_DUTY

OTHER, UNDATED, UNKNOWN = (f"5b1f0c1e-0000-4000-8000-00000000000{number}" for number in range(3))
ABOUT: dict[str, Any] = {"status": "missing", "returned_at": None, "closed_at": None}
OTHERS = {
    OTHER: EpisodeOfChild(id=OTHER, missing_since=NOW - timedelta(days=2), **ABOUT),
    UNDATED: EpisodeOfChild(id=UNDATED, missing_since=None, **ABOUT),
}
NAMED = "the absence from Mon 8 Jun 2026 13:00 BST"


@pytest.mark.parametrize(
    ("said_by_the_engine", "says"),
    [
        (f"Another episode of this child: {OTHER} (missing)", f"Another record of this child: {NAMED} (missing)"),
        (
            f"Another episode of this child: {OTHER} (closed_at_18, its interview still owed)",
            f"Another record of this child: {NAMED} (closed at 18, its interview still owed)",
        ),
        (
            f"Episode {OTHER} of the same child has no return recorded: record it",
            f"No return is recorded for {NAMED} of the same child: record it",
        ),
        (
            f"Somebody is late: Episode {OTHER} of the same child has no return recorded: record it",
            f"Somebody is late: No return is recorded for {NAMED} of the same child: record it",
        ),
        (
            f"Episode {OTHER} could not be told that the child is missing again",
            f"It could not be noted on {NAMED} that the child is missing again",
        ),
        (f"merged from {OTHER}", f"merged from {NAMED}"),
        (f"See {UNDATED} and {UNKNOWN}", "See an absence of an unknown day and another absence"),
        ("Tell the IRO", "Tell the IRO"),
    ],
)
def test_a_sentence_names_another_absence_by_when_it_began(said_by_the_engine: str, says: str) -> None:
    assert said_of_others(said_by_the_engine, OTHERS) == says


def test_where_another_absence_is_named_there_is_a_way_to_it() -> None:
    found = pieces_of(f"See {OTHER}, and {UNKNOWN}.", OTHERS)
    assert found == (
        Piece("See "),
        Piece(NAMED, OTHER),
        Piece(", and "),
        Piece("another absence"),
        Piece("."),
    )


async def test_no_page_shows_the_id_of_another_absence(service_then: Service) -> None:
    there = await kin(service_then.store)
    path = f"/episodes/{there.shown}"
    pages = ("", "/clocks", "/timeline", f"/tasks/{UNRETURNED_DUTY}{there.third}")
    lists = ("/now", "/handover", "/tasks?whose=all")
    async with service_then.caller(AccessRole.DUTY) as duty:
        texts = {one: (await duty.get(one)).text for one in (*(path + page for page in pages), *lists)}
    for one, text in texts.items():
        shown = re.sub(r"<[^>]*>", " ", text)
        assert there.third not in shown, one
        assert one == "/handover" or "the absence from" in shown, one
    assert f'<a class="govuk-link" href="/episodes/{there.third}">the absence from' in texts[f"{path}/timeline"]
    assert f'href="/episodes/{there.third}">The absence from' in texts[path + pages[3]]


@pytest.mark.parametrize("ending", ["merged", "recorded_in_error"])
async def test_a_record_that_goes_on_nowhere_looks_like_no_missing_child_and_its_task_is_found(
    service_then: Service, ending: str
) -> None:
    store = service_then.store
    target = await absence(store, child="INV-2")
    details = {"into": target} if ending == "merged" else {}
    ended = await absence(store, said("reported", 5), said(ending, 1, reason="invented", **details), child="INV-2")
    async with store.session() as session:
        row = await session.get_one(EpisodeTable, ended)
        row.status = ending
        assert row.child_id
        assert await open_episodes_of(session, HERE, row.child_id) == [target], "none that it could be the same as"
    await task(store, ended, "unheld-roles", clock=None, role="duty_manager", do="Name somebody invented", due=None)
    async with service_then.caller(AccessRole.DUTY) as duty:
        board, handover, tasks, page, whole = [
            (await duty.get(one)).text
            for one in ("/now", "/handover", "/tasks?whose=all", f"/episodes/{ended}", f"/v1/episodes/{ended}")
        ]
    assert (target in board, ended in board) == (True, False)
    assert f'<a class="govuk-link" href="/episodes/{ended}/tasks/unheld-roles">Name somebody invented</a>' in handover
    assert "Left to do in records that were merged, or recorded in error (1)" in handover
    assert f"child-{ended}" not in handover
    assert "Name somebody invented" in tasks
    assert " to now" not in page
    assert "Missing: Wed 10 Jun 2026 08:00 BST to Wed 10 Jun 2026 12:00 BST" in page
    assert '"until":"2026-06-10T11:00:00Z"' in whole
