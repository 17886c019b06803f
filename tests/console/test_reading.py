"""Reading an episode: whose it is, what of it may be seen, what is written down of it, what its pages say."""

import re
from html import unescape
from io import BytesIO
from typing import get_args
from uuid import uuid4

from pypdf import PdfReader
from sqlalchemy import select

from activities.store import inbox
from activities.store.tables import AuditTable, EpisodeTable
from starter.access import MAY, AccessRole, Permission
from starter.child_records import FORMS, read_form, record_version
from starter.console.asking import ConsoleRoute
from starter.console.episode.record_words import RECORD_TITLES
from starter.console.episode.showing import _OF
from starter.console.episode.subjects import INTERVIEW
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.api.test_access import everything
from tests.api.town import NOW, holds, people
from tests.console.absences import absence, said
from workflows.contracts import TimelineEntry

CASEWORK = (AccessRole.MANAGER,)
GLASS = "/episodes/{episode_id}/break-glass"


def of_an_episode(service: Service) -> list[ConsoleRoute]:
    """The pages of one episode."""
    mine = [one for one in everything(service.app) if isinstance(one, ConsoleRoute) and "{episode_id}" in one.path]
    assert len(mine) > 12
    return mine


def filled(path: str, episode_id: str, fact_id: str = "") -> str:
    """An address of a page, with everything in it that the path leaves open."""
    known = {
        "episode_id": episode_id,
        "kind": "located",
        "record_kind": "photographs",
        "fact_id": fact_id or str(uuid4()),
        "clock": "iro_notice",
        "deed": "take",
    }
    return re.sub(r"{(\w+)[^}]*}", lambda name: known.get(name[1], "invented"), path)


async def test_another_authoritys_episode_answers_like_an_id_of_nothing(service_then: Service) -> None:
    there = said("reported", 5)
    theirs = await absence(service_then.store, there, authority=ELSEWHERE)
    async with service_then.caller(*AccessRole) as client:
        for route in of_an_episode(service_then):
            for method in sorted(route.methods or ()):
                answers = [
                    await client.request(method, filled(route.path, one, there.id), data={"key": str(uuid4())})
                    for one in (theirs, str(uuid4()))
                ]
                assert [one.status_code for one in answers] == [404, 404], (method, route.path)
                assert answers[0].text == answers[1].text, (method, route.path)


async def test_of_a_restricted_child_nothing_is_shown_but_the_way_to_look(service_then: Service) -> None:
    there = said("reported", 5)
    close = await absence(service_then.store, there, child="SECRET", need_to_know=True)
    await people(service_then.store, "p-close")
    await holds(service_then.store, "p-close", "social_worker", "SECRET")
    async with service_then.caller(*CASEWORK) as client:
        for route in of_an_episode(service_then):
            if "GET" in (route.methods or ()):
                answer = await client.get(filled(route.path, close, there.id))
                expected = 200 if route.path == GLASS else 403
                assert answer.status_code == expected, route.path
                assert "SECRET" not in answer.text
                assert expected == 200 or f"/episodes/{close}/break-glass" in answer.text
    async with service_then.caller(*CASEWORK, person="p-close") as client:
        assert "SECRET" in (await client.get(f"/episodes/{close}")).text


async def test_the_glass_is_broken_for_a_reason_and_then_the_record_is_seen(service_then: Service) -> None:
    close = await absence(service_then.store, child="SECRET", need_to_know=True)
    path = f"/episodes/{close}/break-glass"
    async with service_then.caller(*CASEWORK) as client:
        asked = unescape((await client.get(path)).text)
        short = await client.post(path, data={"key": str(uuid4()), "reason": "because"})
        same = {"key": str(uuid4()), "reason": "She was seen in Invented Road"}
        done = [await client.post(path, data=same) for _ in range(2)]
        seen = await client.get(done[0].headers["location"])
        again = await client.get(path)
    assert "8 hours" in asked
    assert (short.status_code, "Must say in 3 words or more" in short.text) == (422, True)
    assert [one.status_code for one in done] == [303, 303]
    assert ("SECRET" in seen.text, "You may see this record until" in seen.text) == (True, True)
    assert "You may see this record" in again.text


async def test_every_page_is_written_down_with_whose_it_is(service_then: Service) -> None:
    there = said("reported", 5)
    mine = await absence(service_then.store, there)
    async with service_then.caller(*CASEWORK) as client:
        for route in of_an_episode(service_then):
            if "GET" in (route.methods or ()):
                await client.get(filled(route.path, mine, there.id))
    async with service_then.store.snapshot() as session:
        rows = (await session.scalars(select(AuditTable))).all()
        child = await inbox.child_id(session, HERE, "INV-1", NOW)
    written = {row.way: row.subjects for row in rows}
    for route in of_an_episode(service_then):
        if "GET" in (route.methods or ()) and route.path != GLASS:
            assert {mine, child} <= set(written[f"GET {route.path}"]), route.path


async def test_nothing_of_a_child_stands_in_titles_or_addresses(service_then: Service) -> None:
    mine = await absence(service_then.store, child="SECRET")
    async with service_then.caller(*CASEWORK) as client:
        for part in ("", "/clocks", "/timeline", "/told", "/interview", "/meetings", "/plan", "/record"):
            words = (await client.get(f"/episodes/{mine}{part}")).text
            assert "SECRET" in words
            assert "SECRET" not in " ".join(re.findall(r"<title>.*?</title>|(?:href|action)=\"[^\"]*\"", words))


async def test_the_first_page_says_how_it_stands_and_what_is_owed_first(service_then: Service) -> None:
    mine = await absence(service_then.store)
    async with service_then.caller(*CASEWORK) as client:
        words = unescape((await client.get(f"/episodes/{mine}")).text)
    assert words.index("Missing</h1>") < words.index("Gone for 6 hours") < words.index("Owed next")
    found, back = (words.index(f'{mine}/record/{kind}" role="button"') for kind in ("located", "returned"))
    assert words.index("Overdue by") < found < back < words.index("Record something else</a>")
    assert "Why this time" in words
    assert f"{mine}/record/told?role=iro" in words


async def test_a_timeline_is_narrowed_down_by_its_address(service_then: Service) -> None:
    mine = await absence(service_then.store)
    async with service_then.caller(*CASEWORK) as client:
        everything_shown = (await client.get(f"/episodes/{mine}/timeline")).text
        told = (await client.get(f"/episodes/{mine}/timeline?show=told")).text
        assert (await client.get(f"/episodes/{mine}/timeline?show=what")).status_code == 422
    assert ("<svg" in everything_shown, "<?xml" in everything_shown, "<svg" in told) == (True, False, False)
    assert set(get_args(TimelineEntry.model_fields["kind"].annotation)) <= set(_OF)


async def test_the_chronology_says_what_was_recorded_when_and_by_whom(service_then: Service) -> None:
    first = said("last_seen", 6, place="Invented Park")
    again = said("last_seen", 7, place="Invented Lane").model_copy(update={"replaces": first.id, "note": "By a friend"})
    mine = await absence(service_then.store, first, again, said("reported", 5))
    async with service_then.caller(*CASEWORK) as client:
        answer = await client.get(f"/episodes/{mine}/chronology.pdf")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/pdf", "no-store")
    pages = PdfReader(BytesIO(answer.content)).pages
    words = " ".join(" ".join(one.extract_text() for one in pages).split())
    for line in (
        "Chronology: child INV-1",
        "Invented Park",
        "NO LONGER IN FORCE: last seen",
        "Note: By a friend",
        "Recorded Wed 10 Jun 2026 07:00 BST; source",
        "Independent reviewing officer told: running",
        "24 hours later",
        "(March 2026), section 2",
        "What nothing has begun yet, and what it waits for",
        "Return home interview written up: waits for return home interview completed.",
        f"Made Wed 10 Jun 2026 13:00 BST. Page 1 of {len(pages)}",
    ):
        assert line in words, line


async def test_the_police_pack_is_for_those_who_may_make_it(service_then: Service) -> None:
    async with service_then.caller(AccessRole.DUTY) as client:
        report = {"child": {"reference": "INV-9"}, "reported": "2026-06-10T11:00:00Z"}
        made = await client.post("/v1/episodes", json=report, headers={"Idempotency-Key": str(uuid4())})
        path = f"/episodes/{made.json()['episode_id']}"
        waits = (await client.get(path)).text
        page, pdf = await client.get(f"{path}/police-pack"), await client.get(f"{path}/police-pack.pdf")
        for part in ("/clocks", "/timeline", "/told", "/interview", "/meetings", "/plan", "/record", "/chronology.pdf"):
            assert (await client.get(path + part)).status_code == 200, part
    assert "NO CLOCK RUNS for this child" in waits
    assert ("what the police ask" in page.text, pdf.content[:5]) == (True, b"%PDF-")
    assert pdf.headers["cache-control"] == "no-store"
    async with service_then.caller(AccessRole.IRO) as client:
        assert (await client.get(f"{path}/police-pack")).status_code == 403
        assert "police-pack" not in (await client.get(path)).text


async def test_what_is_kept_for_a_child_is_shown_with_its_gaps(service_then: Service) -> None:
    mine = await absence(service_then.store, child="INV-1")
    async with service_then.store.session() as session:
        form = read_form("safety_plan", {"interview_strategy": "With an aunt", "interventions": ["stay_in_touch"]})
        await record_version(session, HERE, "INV-1", form, by="Invented", now=NOW)
    async with service_then.caller(*CASEWORK) as client:
        words = unescape((await client.get(f"/episodes/{mine}/plan")).text)
    assert set(RECORD_TITLES) == set(FORMS)
    for line in (
        "With an aunt",
        "Helping the child to stay in touch",
        "Part 1: the missing risk assessment",
        "Nothing is kept of",
    ):
        assert line in words, line


async def test_the_interview_page_shows_how_far_it_is(service_then: Service) -> None:
    facts = (said("reported", 9), said("returned", 4), said("rhi_offered", 2, channel="telephone"))
    mine = await absence(service_then.store, *facts, said("rhi_declined", 1, reason="Invented reason"))
    async with service_then.caller(*CASEWORK) as client:
        words = unescape((await client.get(f"/episodes/{mine}/interview")).text)
    assert all(f"/record/{kind}" in words for kind in INTERVIEW)
    for line in ("After a refusal", "Invented reason", "telephone", "What to do next", "The child's"):
        assert line in words, line


async def test_a_search_leaves_its_reference_in_no_address(service_then: Service) -> None:
    mine = await absence(service_then.store, child="INV-1")
    close = await absence(service_then.store, child="SECRET", need_to_know=True)
    theirs = await absence(service_then.store, child="INV-1", authority=ELSEWHERE)
    shut = await absence(service_then.store, child="INV-3", closed=True)

    async def sought(**fields: str) -> tuple[int, str]:
        answer = await client.post("/episodes", data={"key": str(uuid4()), **fields})
        return answer.status_code, answer.text

    async with service_then.caller(*CASEWORK) as client:
        listed = (await client.get("/episodes")).text
        closed = (await client.get("/episodes?closed=true")).text
        found = await sought(child="INV-1")
        assert (found[0], mine in found[1], theirs in found[1]) == (200, True, False)
        hidden = await sought(child="SECRET")
        assert (close in hidden[1], "Nothing of that reference" in hidden[1]) == (False, True)
        assert "Enter a reference" in (await sought())[1]
        assert (await sought(child="x" * 81))[0] == 422
        assert (await sought(police_reference="INV/77"))[0] == 200
    assert (mine in listed, close in listed, "SECRET" in listed, shut in listed) == (True, True, False, False)
    assert (mine in closed, shut in closed) == (False, True)
    assert "need-to-know" in listed


async def decided(service: Service, path: str, **fields: str) -> tuple[int, str]:
    async with service.caller(*CASEWORK) as client:
        assert (await client.get(path)).status_code == 200
        answer = await client.post(path, data={"key": str(uuid4()), "at": "2026-06-10T11:59:00Z", **fields})
    return answer.status_code, unescape(answer.text)


async def test_a_decision_needs_its_reason_and_is_kept(service_then: Service) -> None:
    there = said("last_seen", 6)
    mine = await absence(service_then.store, there, said("reported", 5))
    other = await absence(service_then.store, child="INV-1")
    shut = await absence(service_then.store, child="INV-3", closed=True)
    for path, more in (
        (f"/episodes/{mine}/withdraw/{there.id}", {}),
        (f"/episodes/{shut}/reopen", {}),
        (f"/episodes/{mine}/merge", {"into": other}),
    ):
        assert (await decided(service_then, path, **more))[0] == 422, path
        status, words = await decided(service_then, path, reason="Invented reason", **more)
        assert status == 303, (path, words)
    status, words = await decided(service_then, f"/episodes/{mine}/reopen", reason="Invented")
    assert (status, "This record is open already" in words) == (422, True)
    status, words = await decided(service_then, f"/episodes/{mine}/merge", reason="Invented", into=shut)
    assert (status, "Choose the absence that this one is the same as" in words) == (422, True)


async def test_only_records_that_go_on_are_offered_to_merge_into_each_as_it_stands(service_then: Service) -> None:
    store = service_then.store
    mine, goes_on, ended = [await absence(store) for _ in range(3)]
    shut = await absence(store, closed=True)
    async with store.session() as session:
        (await session.get_one(EpisodeTable, goes_on)).status = "returned"
        (await session.get_one(EpisodeTable, ended)).status = "recorded_in_error"
    async with service_then.caller(*CASEWORK) as client:
        words = (await client.get(f"/episodes/{mine}/merge")).text
    assert [f'value="{one}"' in words for one in (goes_on, ended, shut, mine)] == [True, False, False, False]
    assert re.search(r"The absence from [^<]*\. Returned", words)
    status, _ = await decided(service_then, f"/episodes/{mine}/merge", reason="Invented", into=ended)
    assert status == 422


async def test_records_that_contradict_each_other_are_not_merged_and_it_is_said_how(service_then: Service) -> None:
    mine = await absence(service_then.store, said("last_seen", 2))
    other = await absence(service_then.store, said("located", 4), child="INV-1")
    status, words = await decided(service_then, f"/episodes/{mine}/merge", reason="Invented", into=other)
    assert status == 422
    assert "The records contradict each other, correct one first: found on Wed 10 Jun 2026 09:00 BST cannot" in words


async def test_whoever_may_not_decide_something_may_not_take_the_decision_back(service_then: Service) -> None:
    ruled = said("clock_voided", 1, clock="school_notice", reason="Invented")
    mine = await absence(service_then.store, said("reported", 5), ruled)
    async with service_then.caller(AccessRole.PRACTITIONER) as client:
        path = f"/episodes/{mine}/withdraw/{ruled.id}"
        assert (await client.get(path)).status_code == 403
        assert (await client.post(path, data={"key": str(uuid4()), "reason": "x"})).status_code == 403
        for part in ("reopen", "merge", "clocks/iro_notice/ruling"):
            assert (await client.get(f"/episodes/{mine}/{part}")).status_code == 403
        assert "/ruling" not in (await client.get(f"/episodes/{mine}/clocks")).text


async def test_every_role_that_reads_sees_every_page(service_then: Service) -> None:
    mine = await absence(service_then.store)
    for role in (role for role in AccessRole if Permission.READ_EPISODES in MAY[role]):
        async with service_then.caller(role) as client:
            for part in ("", "/clocks", "/timeline", "/told", "/interview", "/meetings", "/plan", "/record"):
                assert (await client.get(f"/episodes/{mine}{part}")).status_code == 200, (role, part)


async def test_the_board_and_the_record_say_the_same_of_what_is_owed_and_who_holds_it(service_then: Service) -> None:
    store = service_then.store
    await people(store, "sw")
    await holds(store, "sw", "social_worker", "INV-1")
    graded = (
        said("risk_assessed", 3, view="police", scheme="NPCC", grade="high"),
        said("risk_assessed", 2, view="police", scheme="Invented", grade="low"),
    )
    missing = await absence(store, said("reported", 5), *graded)
    back = await absence(store, said("reported", 30), said("returned", 4), child="INV-2")
    async with service_then.caller(*CASEWORK) as client:
        board = (await client.get("/now")).text
        for episode_id in (missing, back):
            front = (await client.get(f"/episodes/{episode_id}")).text
            (row,) = re.findall(
                rf'<li class="hw-row [^>]*id="row-{episode_id}">.*?</li>\n(?=<li class|</ol>)', board, re.S
            )
            (titled,) = re.findall(r"Next owed</h4>\s*<strong>(.*?)</strong>", row)
            (held,) = re.findall(r"Who holds it</h4>(.*?)</div>", row, re.DOTALL)
            (risk,) = re.findall(r"Risk</h4>(.*?)</div>", row, re.DOTALL)
            assert f">{titled}</h3>" in front
            assert words(held) in words(front)
            assert words(risk) in words(front)


def words(html: str) -> str:
    """The words of a piece of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", unescape(html))).strip()
