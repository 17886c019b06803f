"""The audit in the console: the latest first, as it was asked for, in words, with no child; whether it is whole."""

import re
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from sqlalchemy import text

from activities.store import Store, audit
from activities.store.audit import AuditEntry, AuditOutcome, entries
from activities.store.broken_glass import BrokenGlass, keep_broken
from starter.access import AccessRole, Permission
from starter.console import audit as pages
from starter.console.audit_words import DEED_WORDS, OUTCOME_WORDS, deed_in_words, outcome_in_words
from tests.api import town
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.api.town import NOW

REFERENCE = "INVENTED-CHILD-77"


def entry(minutes: float, **more: Any) -> AuditEntry:
    about: dict[str, Any] = {"authority": HERE, "at": NOW - timedelta(minutes=minutes), "who": "id-1"}
    about |= {"name": "Invented One", "kind": "person", "permission": "read_episodes", "way": "GET /now"}
    return AuditEntry.model_validate({**about, "outcome": "allowed", "request": "r", **more})


async def filled(store: Store) -> str:
    """Entries of three days, the last of them of one's own authority; the id of an episode that two are about."""
    episode = await town.episode(store, REFERENCE)
    async with store.session() as session:
        for one in (
            entry(3 * 1440, name="Invented Two", who="id-2", way="homeward show", kind="command"),
            entry(2 * 1440, permission="record", way="POST /v1/episodes/{episode_id}/facts", subjects=(episode,)),
            entry(
                60, permission="read_child_records", way="GET /v1/children/{reference}/records", outcome="not_found"
            ).model_copy(update={"subjects": (REFERENCE,)}),
            entry(30, outcome="refused", permission="rule", why="Invented reason", subjects=(episode, "an-id")),
            entry(10, authority=ELSEWHERE, name="Somebody elsewhere"),
        ):
            await audit.append(session, one)
    return episode


async def numbers(client: httpx.AsyncClient, query: str = "") -> list[int]:
    answer = await client.get(f"/audit{query}")
    assert answer.status_code == 200, answer.text
    return [int(one) for one in re.findall(r"<dt>Entry</dt><dd>(\d+)</dd>", answer.text)]


def test_everything_that_can_be_asked_for_has_its_words() -> None:
    assert set(DEED_WORDS) == set(Permission)
    assert set(OUTCOME_WORDS) == set(get_args(AuditOutcome))
    assert deed_in_words("of_an_older_version") == "of_an_older_version"
    assert outcome_in_words("of_another_version") == "Of another version"


ASKED: list[tuple[str, list[int]]] = [
    ("", [4, 3, 2, 1]),
    ("?who=invented+TWO", [1]),
    ("?who=id-1", [4, 3, 2]),
    ("?did=rule", [4]),
    ("?outcome=not_found", [3]),
    ("?first=2026-06-08", [4, 3, 2]),
    ("?last=08/06/2026", [2, 1]),
    ("?first=2026-06-08&last=2026-06-08", [2]),
    ("?episode={episode}", [4, 2]),
    ("?episode={other_spelling}", [4, 2]),
    ("?episode={episode}&did=record", [2]),
    ("?who=100%25", []),
]


@pytest.mark.parametrize(("query", "found"), ASKED)
async def test_the_latest_come_first_as_they_were_asked_for(
    service_then: Service, query: str, found: list[int]
) -> None:
    episode = await filled(service_then.store)
    async with service_then.caller(AccessRole.AUDITOR) as client:
        spelt = query.format(episode=episode, other_spelling=episode.replace("-", "").upper())
        assert await numbers(client, spelt) == found


async def test_an_entry_is_in_words_and_names_no_child(service_then: Service) -> None:
    episode = await filled(service_then.store)
    async with service_then.caller(AccessRole.AUDITOR) as client:
        page = (await client.get("/audit")).text
        narrowed = (await client.get(f"/audit?episode={episode}&who=One")).text
    said = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))
    assert REFERENCE not in page
    assert "Somebody elsewhere" not in page
    assert "Decide about what is owed, or about a record Why: Invented reason" in said
    assert "Nothing was there" in said
    assert "At the command line" in said
    assert "Through the API" in said
    assert "In the browser" in said
    assert "and 1 other thing" in said
    assert page.count(f'href="/audit?episode={episode}"') == 2
    # A link narrows further what was asked for already.
    assert f'href="/audit?who=Invented+One&amp;episode={episode}"' in narrowed


async def test_pages_go_on_with_what_is_older_and_what_was_asked_for(
    service_then: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "A_PAGE", 2)
    await filled(service_then.store)
    async with service_then.caller(AccessRole.AUDITOR) as client:
        first = (await client.get("/audit?who=Invented&last=2026-06-10&first=2026-06-01")).text
        assert "To the newest" not in first
        found = re.search(r'href="([^"]*cursor=[^"]*)"', first)
        assert found is not None
        older = found[1].removeprefix("/audit").replace("&amp;", "&")
        assert await numbers(client, older) == [2, 1]
        assert "To the newest" in (await client.get(f"/audit{older}")).text
        assert (await client.get("/audit?cursor=nothing")).status_code == 422


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("?first=31/02/2026", "Enter a day, such as 28/11/2026"),
        ("?first=2026-06-09&last=2026-06-08", "The last day must not be before the first"),
        ("?did=anything", "Choose what was asked for out of the list"),
        ("?outcome=anything", "Choose what came of it out of the list"),
        (f"?episode={REFERENCE}", "Enter an episode&#39;s id, such as"),
    ],
)
async def test_what_cannot_be_asked_for_is_said_at_its_field(service_then: Service, query: str, line: str) -> None:
    await filled(service_then.store)
    async with service_then.caller(AccessRole.AUDITOR) as client:
        answer = await client.get(f"/audit{query}")
    assert (answer.status_code, line in answer.text, "<table" in answer.text) == (422, True, False)


async def test_looking_is_written_down_too_with_what_it_was_about(service_then: Service) -> None:
    episode = await filled(service_then.store)
    async with service_then.caller(AccessRole.AUDITOR) as client:
        await client.get(f"/audit?episode={episode}")
    async with service_then.store.session() as session:
        [*_, last] = await entries(session, HERE)
    assert (last.permission, last.way, last.subjects) == ("read_audit", "GET /audit", (episode,))


async def test_whether_the_chain_is_whole_is_said_and_what_to_write_down(service_then: Service) -> None:
    await filled(service_then.store)
    async with service_then.store.session() as session:
        second = (await entries(session, HERE))[1]
    known = f"{second.number}:{second.digest}"
    async with service_then.caller(AccessRole.AUDITOR) as client:
        whole = (await client.get("/audit/chain")).text
        async with service_then.store.session() as session:
            number, digest = await audit.head(session, HERE)
        assert "All 4 entries were read" in whole
        assert f"4:{(await _fourth(service_then.store))}" in whole
        assert f"Entries 2 to {number} were read" in (await client.get(f"/audit/chain?known={known}")).text
        wrong = await client.get("/audit/chain?known=7")
        assert (wrong.status_code, "Enter a number, a colon and a fingerprint" in wrong.text) == (422, True)
        for written, says in ((f"2:{digest}", "BROKEN at entry 2"), (f"900:{digest}", "entries up to 900 were there")):
            assert says in (await client.get(f"/audit/chain?known={written}")).text


async def _fourth(store: Store) -> str:
    async with store.session() as session:
        return (await entries(session, HERE))[3].digest


async def test_what_was_changed_shows_and_only_what_came_since_is_read(service_then: Service) -> None:
    await filled(service_then.store)
    store = service_then.store
    async with store.session() as session:
        there = await entries(session, HERE)
        await session.execute(text("DROP TRIGGER audit_no_update"))
        await session.execute(text("UPDATE audit SET why = 'mended' WHERE authority = 'invented' AND number = 2"))
    async with service_then.caller(AccessRole.AUDITOR) as client:
        assert "BROKEN at entry 2" in (await client.get("/audit/chain")).text
        since = (await client.get(f"/audit/chain?known=3:{there[2].digest}")).text
    assert "nothing was changed or taken out since" in since


async def test_a_chain_too_long_to_read_at_once_says_how_it_is_read(
    service_then: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "READ_AT_ONCE", 3)
    await filled(service_then.store)
    async with service_then.store.session() as session:
        third = (await entries(session, HERE))[2]
    async with service_then.caller(AccessRole.AUDITOR) as client:
        assert "homeward audit verify" in (await client.get("/audit/chain")).text
        since = (await client.get(f"/audit/chain?known=3:{third.digest}")).text
    assert "Entries 3 to" in since


async def test_who_opened_restricted_records_is_for_auditor_and_administrator(
    service_then: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("starter.console.glass.A_PAGE", 2)
    episode = await town.episode(service_then.store, REFERENCE, need_to_know=True)
    async with service_then.store.session() as session:
        for number, authority in enumerate((HERE, HERE, HERE, ELSEWHERE)):
            at = NOW - timedelta(hours=6 if number < 2 else 20)
            about = {"id": f"glass-{number}", "authority": authority, "episode_id": episode, "child_id": None}
            about |= {"who": "id-1", "name": f"Invented {number}", "why": f"Invented reason {number}"}
            broken = BrokenGlass.model_validate({**about, "at": at, "until": at + timedelta(hours=8)})
            await keep_broken(session, broken)
    for role, follows in ((AccessRole.AUDITOR, True), (AccessRole.ADMINISTRATOR, False)):
        async with service_then.caller(role) as client:
            first = (await client.get("/opened-records")).text
            found = re.search(r'href="(/opened-records\?cursor=[^"]*)"', first)
            assert found is not None
            second = (await client.get(found[1])).text
        assert re.findall(r"Invented reason \d", first + second) == [f"Invented reason {one}" for one in (0, 1, 2)]
        assert REFERENCE not in first
        assert first.count("Still open") == 2
        assert (f'href="/audit?episode={episode}"' in first) == follows
