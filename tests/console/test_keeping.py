"""What is kept for a child, changed in the console: words for everything, a form for each kind, versions, who may."""

import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store.child_records import child_of, versions
from activities.store.tables import AuditTable
from starter.access import MAY, AccessRole, Permission
from starter.child_records import FORMS, Intervention, read_form, record_version
from starter.console.episode import keeping
from starter.console.episode.record_words import INTERVENTION_WORDS, RECORD_TITLES, lines_of_record, words_of_record
from starter.console.fields import Field, Written
from starter.console.forms import Mistakes
from starter.console.model_form import ModelForm
from tests.api.callers import HERE, Service
from tests.api.town import NOW, holds, people
from tests.console.absences import absence

DUTY = (AccessRole.DUTY,)
MAY_KEEP = [role for role in AccessRole if Permission.KEEP_CHILD_RECORDS in MAY[role]]
READS_ONLY = [role for role in AccessRole if Permission.READ_CHILD_RECORDS in MAY[role] and role not in MAY_KEEP]


def key() -> dict[str, str]:
    return {"key": str(uuid4())}


def form_for(kind: str) -> ModelForm:
    return ModelForm(FORMS[kind], words_of_record(kind))


def form_sent_again(html: str) -> dict[str, str]:
    """What a browser would send of the form of a child's name, as it stands in a page."""
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', html))
    found = re.search(r'name="identity"[^>]*?value="([^"]*)"|name="identity"[^>]*>([^<]*)<', html)
    assert found
    return {**hidden, "identity": unescape(found[1] or found[2])}


def fields_for(kind: str) -> list[Field]:
    return [one for group in form_for(kind).groups for one in group.fields]


async def kept(store: Store, kind: str, child: str = "INV-1") -> list[dict[str, Any]]:
    async with store.snapshot() as session:
        child_id = await child_of(session, HERE, child)
        return [one.body for one in await versions(session, child_id, kind)] if child_id else []


async def keep(store: Store, kind: str, body: dict[str, Any], by: str = "Invented") -> None:
    async with store.session() as session:
        await record_version(session, HERE, "INV-1", read_form(kind, body), by=by, now=NOW)


@pytest.mark.parametrize("kind", FORMS)
def test_every_field_and_every_choice_of_a_kind_has_words(kind: str) -> None:
    assert RECORD_TITLES[kind]
    for group in form_for(kind).groups:
        for words in (group.legend, *(one.label for one in group.fields)):
            assert words == words[:1].upper() + words[1:]
        for one in group.fields:
            assert one.label
            assert "_" not in one.label + one.hint + "".join(words for _, words in one.options)
    assert set(INTERVENTION_WORDS) == set(Intervention)


def test_a_kind_without_words_has_no_form() -> None:
    with pytest.raises(KeyError):
        assert ModelForm(FORMS["placement"], words_of_record("photographs")).groups


def filled(one: Field) -> dict[str, str]:
    if one.options:
        return {one.name: one.options[0][0]}
    return {one.name: "14/05/2026" if one.shape == "day" else f"Invented {one.name}"}


@pytest.mark.parametrize("kind", FORMS)
async def test_a_form_keeps_all_that_is_written_and_shows_it_again(kind: str, service_then: Service) -> None:
    episode = await absence(service_then.store)
    path = f"/episodes/{episode}/plan/{kind}"
    sent = {name: said for one in fields_for(kind) for name, said in filled(one).items()}
    async with service_then.caller(*DUTY) as client:
        blank = unescape((await client.get(path)).text)
        answer = await client.post(path, data={**sent, **key(), "version-0": "yes"})
        assert answer.status_code == 303, unescape(answer.text)
        plan = unescape((await client.get(answer.headers["location"])).text)
        again = unescape((await client.get(path)).text)
    [body] = await kept(service_then.store, kind)
    assert body.keys() == FORMS[kind].model_fields.keys()
    assert all(one.label in blank for one in fields_for(kind))
    assert f"{RECORD_TITLES[kind]}: version 1 is kept" in plan
    assert all(label in plan and said in plan for label, said in lines_of_record(kind, body))
    for one in fields_for(kind):
        if one.options:
            assert re.search(rf'name="{re.escape(one.name)}"[^>]*value="{one.options[0][0]}" checked', again), one.name
        else:
            assert (sent[one.name] if one.shape != "day" else 'value="2026-05-14"') in again, one.name
    assert f"Change: {RECORD_TITLES[kind]}" in again


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_says_again_what_it_is_filled_with(kind: str) -> None:
    form, wrong = form_for(kind), Mistakes()
    written = Written()
    for one in fields_for(kind):
        if one.shape == "boxes":
            written.many[one.name] = tuple(value for value, _ in one.options)
        else:
            written.said |= filled(one)
    said = form.said(written, wrong)
    assert not wrong, wrong
    assert form.said(form.filled(said), wrong) == said
    assert read_form(kind, said)


MISTAKES: dict[str, tuple[str, dict[str, str], str, str]] = {
    "no day": ("placement", {"setting": "foster", "out_of_area": "no"}, "placed_on", "Give an answer: When was"),
    "no choice": ("placement", {"placed_on": "2026-06-01", "out_of_area": "no"}, "setting", "Choose an answer: Where"),
    "a day that is none": ("photographs", {"face_on": "31/02/2026"}, "face_on", "Enter a day"),
    "a choice that is not there": ("photographs", {"with_carer": "maybe"}, "with_carer", "Choose one of the answers"),
    "too many words": ("philomena", {"health": "x" * 4001}, "health", "Must have at most 4000 characters"),
    "half a person": (
        "safety_plan",
        {"trusted_trio.1.name": "Invented Aunt", "trusted_trio.1.contact": "Invented number"},
        "trusted_trio.1.relation",
        "Give an answer: Who are they to the child?",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_shown_at_its_field_and_all_is_kept_as_written(mistake: str, service_then: Service) -> None:
    kind, written, field, sentence = MISTAKES[mistake]
    episode = await absence(service_then.store)
    free = "host_force" if kind == "placement" else "mobile_number" if kind == "philomena" else None
    sent = {**written, **key(), "version-0": "yes", **({free: "<b>Invented</b>"} if free else {})}
    async with service_then.caller(*DUTY) as client:
        answer = await client.post(f"/episodes/{episode}/plan/{kind}", data=sent)
    words = unescape(answer.text)
    assert (answer.status_code, f'href="#{field}"' in words, sentence in words) == (422, True, True)
    assert "<title>Error: " in words
    assert sent["key"] in words
    if free:
        assert 'value="&lt;b&gt;Invented&lt;/b&gt;"' in answer.text
    for name, said in written.items():
        one = next(one for one in fields_for(kind) if one.name == name)
        if not one.options:
            assert said in words, name
        elif said in dict(one.options):
            assert re.search(rf'name="{name}"[^>]*value="{said}" checked', words), name
    assert await kept(service_then.store, kind) == []


async def test_pressed_twice_counts_once_and_a_used_form_says_so(service_then: Service) -> None:
    episode = await absence(service_then.store)
    path, same = f"/episodes/{episode}/plan/philomena", {**key(), "version-0": "yes", "identity": "Invented name"}
    unlike = {"key": same["key"], "identity": "Another name"}
    async with service_then.caller(*DUTY) as client:
        answers = [await client.post(path, data=same) for _ in range(2)]
        other = await client.post(path, data={**unlike, "version-1": "yes"})
        assert await kept(service_then.store, "philomena") == [{"identity": "Invented name"}]
        again = form_sent_again(other.text)
        mended = await client.post(path, data=again)
    assert [one.headers.get("location") for one in answers] == [f"/episodes/{episode}/plan?done={same['key']}"] * 2
    assert (other.status_code, "This form was sent before" in other.text) == (409, True)
    assert "Another name" in other.text
    assert (again["key"] != same["key"], "version-1" in again) == (True, True)
    assert mended.status_code == 303
    assert [one["identity"] for one in await kept(service_then.store, "philomena")] == ["Invented name", "Another name"]


async def test_nobody_writes_over_what_they_have_not_seen(service_then: Service) -> None:
    episode = await absence(service_then.store)
    await keep(service_then.store, "philomena", {"identity": "Invented name"})
    path, mine = f"/episodes/{episode}/plan/philomena", {**key(), "version-1": "yes", "identity": "My own words"}
    await keep(service_then.store, "philomena", {"identity": "Invented name", "health": "Somebody else's words"})
    async with service_then.caller(*DUTY) as client:
        refused = await client.post(path, data=mine)
        fresh = {"key": mine["key"], "identity": "My own words", "health": "Somebody else's words"}
        words = unescape(refused.text)
        mended = await client.post(path, data={**fresh, "version-2": "yes"})
        unsent = await client.post(path, data={**key(), "identity": "Of no version"})
    assert (refused.status_code, mended.status_code, unsent.status_code) == (409, 303, 422)
    assert "Somebody has recorded a newer version" in words
    assert ("Somebody else's words" in words, 'name="version-2"' in words) == (True, True)
    assert ("My own words" in words, mine["key"] in words) == (True, True)
    bodies = await kept(service_then.store, "philomena")
    assert [one["identity"] for one in bodies] == ["Invented name", "Invented name", "My own words"]


async def test_of_two_who_write_the_first_version_at_once_the_second_sees_what_the_first_wrote(
    service_then: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    episode = await absence(service_then.store)
    reads, theirs = keeping.latest_records, {"health": "Somebody else's words"}

    async def read_before_it_is_kept(*asked: Any) -> Any:
        found = await reads(*asked)
        if not await kept(service_then.store, "philomena"):
            await keep(service_then.store, "philomena", theirs)
        return found

    monkeypatch.setattr(keeping, "latest_records", read_before_it_is_kept)
    mine = {**key(), "version-0": "yes", "identity": "My own words"}
    async with service_then.caller(*DUTY) as client:
        answer = await client.post(f"/episodes/{episode}/plan/philomena", data=mine)
    words = unescape(answer.text)
    assert answer.status_code == 409
    assert all(said in words for said in ("My own words", "Somebody else's words", 'name="version-1"'))


async def test_a_form_says_by_a_fields_name_of_which_version_it_was_made(service_then: Service) -> None:
    """A browser that goes back fills a form whose first two fields are called as those of the form it left."""
    episode = await absence(service_then.store)
    path, found = f"/episodes/{episode}/plan/philomena", list[list[str]]()
    async with service_then.caller(*DUTY) as client:
        for _ in range(2):
            form = (await client.get(path)).text.split('class="hw-form"')[1]
            found.append(re.findall(r'name="([^"]+)"', form)[:2])
            await keep(service_then.store, "philomena", {"identity": "Invented name"})
        for said in ({"version-1": "yes", "version-2": "yes"}, {"version-": "yes"}, {"version-x": "yes"}):
            answer = await client.post(path, data={**key(), **said, "identity": "Lost"})
            assert (answer.status_code, "from its own page" in answer.text) == (422, True)
    assert found == [["key", "version-0"], ["key", "version-1"]]


async def test_what_is_cleared_is_not_said_any_more_and_the_versions_tell(service_then: Service) -> None:
    episode = await absence(service_then.store)
    await people(service_then.store, "p-1")
    people_trusted = [{"name": f"Invented {n}", "relation": "friend", "contact": "none"} for n in "AB"]
    await keep(service_then.store, "safety_plan", {"police_enquiries": "Ring first", "trusted_trio": people_trusted})
    path, sent = f"/episodes/{episode}/plan/safety_plan", {"version-1": "yes", "police_enquiries": "Go there"}
    sent |= {f"trusted_trio.1.{name}": said for name, said in people_trusted[1].items()}
    async with service_then.caller(*DUTY, person="p-1") as client:
        assert (await client.post(path, data={**sent, **key()})).status_code == 303
        plan = (await client.get(f"/episodes/{episode}/plan")).text
        told = " ".join(unescape((await client.get(f"{path}/versions")).text).split())
    assert (await kept(service_then.store, "safety_plan"))[-1] == {
        "police_enquiries": "Go there",
        "interventions": [],
        "trusted_trio": people_trusted[1:],
    }
    assert f'href="{path}/versions"' in plan
    second, first = told.index("Version 2, which counts now"), told.index("Version 1<")
    assert second < told.index("by Invented p-1") < told.index("Go there") < first < told.index("Ring first")
    assert told.count("Changed</strong>") == 2
    assert "Part 6" not in told


@pytest.mark.parametrize("role", [*MAY_KEEP, *READS_ONLY])
async def test_who_may_is_led_there_and_who_may_not_is_refused(role: AccessRole, service_then: Service) -> None:
    episode = await absence(service_then.store)
    await keep(service_then.store, "photographs", {"with_carer": True})
    may = role in MAY_KEEP
    async with service_then.caller(role) as client:
        plan = (await client.get(f"/episodes/{episode}/plan")).text
        for kind in FORMS:
            path = f"/episodes/{episode}/plan/{kind}"
            assert (f'href="{path}"' in plan) == may
            sent = {**key(), "version-1" if kind == "photographs" else "version-0": "yes", "face_on": "2026-06-01"}
            opened, posted = await client.get(path), await client.post(path, data=sent)
            assert (opened.status_code, posted.status_code == 403) == ((200, False) if may else (403, True))
            assert (await client.get(f"{path}/versions")).status_code == 200
    assert len(await kept(service_then.store, "photographs")) == (2 if may else 1)


async def test_it_is_written_down_as_by_the_api(service_then: Service) -> None:
    episode = await absence(service_then.store)
    async with service_then.caller(*DUTY) as client:
        sent = {**key(), "version-0": "yes", "with_carer": "yes"}
        await client.post(f"/episodes/{episode}/plan/photographs", data=sent)
        header = {"Idempotency-Key": str(uuid4())}
        await client.post("/v1/children/INV-1/records/photographs", json={"with_carer": True}, headers=header)
    async with service_then.store.snapshot() as session:
        rows = (await session.scalars(select(AuditTable).where(AuditTable.permission == "keep_child_records"))).all()
        child = await child_of(session, HERE, "INV-1")
    by_request = {one.request: one.subjects for one in rows if child in one.subjects}
    assert by_request.keys() == {sent["key"], header["Idempotency-Key"]}
    assert await kept(service_then.store, "photographs") == [{"with_carer": True}] * 2


async def test_a_child_without_a_reference_has_no_records_and_the_page_says_so(service_then: Service) -> None:
    episode = await absence(service_then.store, child=None)
    async with service_then.caller(*DUTY) as client:
        plan = (await client.get(f"/episodes/{episode}/plan")).text
        path = f"/episodes/{episode}/plan/photographs"
        answers = [await client.get(path), await client.post(path, data=key()), await client.get(f"{path}/versions")]
    assert ("no reference of the case system" in plan, f'href="{path}"' in plan) == (True, False)
    assert [one.status_code for one in answers] == [404, 404, 404]


async def test_a_restricted_childs_records_are_for_those_who_are_close(service_then: Service) -> None:
    await absence(service_then.store, need_to_know=True)
    later = await absence(service_then.store)
    await people(service_then.store, "p-close")
    await holds(service_then.store, "p-close", "social_worker", "INV-1")
    path, sent = f"/episodes/{later}/plan/photographs", {"version-0": "yes", "with_carer": "yes"}
    for person, status in (("p-far", 403), ("p-close", 303)):
        async with service_then.caller(*DUTY, person=person) as client:
            assert (await client.post(path, data={**sent, **key()})).status_code == status
            offered = "/police-pack" in (await client.get(f"/episodes/{later}")).text
            assert offered is (status == 303), "what is refused is not offered"
    assert len(await kept(service_then.store, "photographs")) == 1


async def test_the_police_pack_leads_to_what_it_is_made_of_on_a_screen(service_then: Service) -> None:
    report = {"child": {"reference": "INV-9"}, "reported": "2026-06-10T11:00:00Z"}
    async with service_then.caller(*DUTY) as client:
        made = await client.post("/v1/episodes", json=report, headers={"Idempotency-Key": str(uuid4())})
        path = f"/episodes/{made.json()['episode_id']}"
        shown = (await client.get(f"{path}/police-pack")).text
        api = (await client.get(f"/v1{path}/police-pack", headers={"Accept": "text/html"})).text
        links = re.findall(r'<p class="screen">.*?</p>', shown)
        for kind in ("philomena", "photographs"):
            assert f'<a href="{path}/plan/{kind}">{RECORD_TITLES[kind]}</a>' in links[0]
            assert (await client.get(f"{path}/plan/{kind}")).status_code == 200
    assert "/plan/" not in api
