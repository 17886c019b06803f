"""Recording by forms: words for everything, a form for each kind, mistakes at their fields, all kept as written."""

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

from activities.store import inbox
from activities.store.accounts import Account, add_account
from starter.access import AccessRole, permission_to_record
from starter.console.episode.detail_words import ASKED_BY_FORMS, choice_in_words, label_of
from starter.console.episode.kinds import COMES_OF_IT, GROUPS, OWN_PAGES, title_of
from starter.console.episode.record_form import Offered, fields_of, form_of, happened_at
from starter.console.episode.said import details_in_words
from starter.console.fields import Field, Written
from starter.console.forms import Mistakes
from tests.api.callers import ELSEWHERE, HERE, Service
from tests.api.town import NOW, holds, people, told
from tests.console.absences import absence, said
from workflows.fact_kinds import FACTS, FactKind
from workflows.facts import fact_from_outside

EVERYONE = tuple(AccessRole)
KINDS = [kind for kind in FactKind if kind not in OWN_PAGES]
WHEN = {"at_day": "2026-06-10", "at_time": "12:50"}
"""Ten minutes to one in London, ten minutes before NOW."""


def key() -> dict[str, str]:
    return {"key": str(uuid4())}


def test_every_detail_and_every_choice_has_words() -> None:
    for kind, meaning in FACTS.items():
        for name, detail in meaning.details.items():
            label = label_of(kind, name)
            assert label.label[0].isupper(), (kind, name)
            assert "_" not in label.label + label.hint
            for value in detail.choices:
                words = choice_in_words(name, value)
                assert words[0].isupper(), (kind, name, value)
                assert "_" not in words


def test_every_kind_is_in_one_group_and_has_a_title() -> None:
    there = [kind for group in GROUPS for kind in group.kinds]
    assert sorted(there) == sorted(KINDS)
    assert len({title_of(kind) for kind in KINDS}) == len(KINDS)
    assert set(COMES_OF_IT) <= set(KINDS)


def test_what_must_be_said_comes_first() -> None:
    for kind in KINDS:
        asked = [one.asked for one in fields_of(kind, Offered())]
        assert asked == sorted(asked, reverse=True), kind


def filled(one: Field) -> dict[str, Any]:
    """What somebody could write into a field."""
    if one.options:
        return {one.name: one.options[0][0]}
    if one.shape == "moment":
        return {f"{one.name}_day": "2026-06-12", f"{one.name}_time": "9am"}
    return {one.name: "14/05/2011" if one.shape == "day" else "Invented words"}


async def everything_there(service: Service) -> str:
    """An episode of which anything can be recorded, by somebody of the directory."""
    agreed = said("action_agreed", 1, do="Invented action", owner="social_worker")
    episode = await absence(service.store, said("reported", 5), agreed)
    await people(service.store, "p-1", "p-2")
    await holds(service.store, "p-1", "senior_leader")
    await told(service.store, episode, "p-1", "leadership_alert")
    return episode


def filled_in(kind: FactKind, words: str) -> dict[str, Any]:
    """Every field of a kind's form, filled in by what the form offers."""
    sent: dict[str, Any] = {**WHEN, **key(), "note": "Invented note"}
    for one in fields_of(kind, Offered()):
        if one.name in ("interview", "episode") or (kind, one.name) == (FactKind.ACKNOWLEDGED, "by"):
            continue
        assert one.label in words, (kind, one.name)
        offered = re.findall(rf'name="{one.name}" type="radio" value="([^"]*)"', words)
        if not offered and f'name="{one.name}">' in words:
            offered = re.findall(
                r'<option value="([^"]+)"', words.split(f'name="{one.name}">')[1].split("</select>", maxsplit=1)[0]
            )
        own = {"policy": "homeward", "version": "2026.4"}
        sent |= {one.name: own.get(one.name, offered[-1])} if offered else filled(one)
    return sent


async def test_each_kind_has_a_form_that_records_it(service_then: Service) -> None:
    episode = await everything_there(service_then)
    async with service_then.caller(*EVERYONE, person="p-1") as client:
        for kind in KINDS:
            form = await client.get(f"/episodes/{episode}/record/{kind}")
            assert form.status_code == 200, kind
            words = unescape(form.text)
            assert title_of(kind) in words
            answer = await client.post(f"/episodes/{episode}/record/{kind}", data=filled_in(kind, words))
            assert answer.status_code == 303, (kind, unescape(answer.text))
        after = (await client.get(f"/episodes/{episode}")).text
    assert "Kept, not yet applied: NO CLOCK RUNS" in after
    assert "NO CLOCK RUNS" in after
    async with service_then.store.snapshot() as session:
        kept = {item.body["kind"]: item.body for item in await inbox.facts_waiting(session, episode)}
    assert set(kept) == set(KINDS)
    for kind, meaning in FACTS.items():
        if kind in kept:
            assert kept[kind]["note"] == "Invented note"
            there = {name for name, one in meaning.details.items() if one.choices or one.required}
            assert kept[kind]["details"].keys() >= there, kind
    assert kept["described"]["details"]["born"] == "2011-05-14"
    assert kept["meeting_called"]["details"]["for"] == "2026-06-12T08:00:00Z"
    assert kept["meeting_held"]["details"]["covered"] == "a"
    assert kept["acknowledged"]["details"]["by"] == "p-1"


MISTAKES: dict[str, tuple[FactKind, dict[str, str], str, str]] = {
    "nothing is said": (FactKind.TOLD, {}, "role", "Choose an answer: Who was told?"),
    "no words where words must be": (FactKind.REFERRAL_MADE, {}, "to", "Give an answer: To whom was it referred?"),
    "no day": (FactKind.LOCATED, {"at_day": ""}, "at", "Enter a day, such as 28/11/2026"),
    "no time": (FactKind.LOCATED, {"at_time": "noon"}, "at", "Enter a time, such as 21:30"),
    "a time to come": (FactKind.LOCATED, {"at_time": "23:00"}, "at", "This time lies in the future"),
    "an hour that never was": (
        FactKind.LOCATED,
        {"at_day": "2026-03-29", "at_time": "01:30"},
        "at",
        "There was no such time that night",
    ),
    "a choice that is not there": (FactKind.TOLD, {"role": "king"}, "role", "Choose one of the answers"),
    "a day of birth that is none": (FactKind.DESCRIBED, {"born": "31/02/2011"}, "born", "Enter a day"),
    "half a moment": (
        FactKind.CLOCK_EXTENDED,
        {"clock": "rhi", "reason": "Invented", "until_day": "2026-06-12"},
        "until",
        "Enter a time",
    ),
    "too many words": (FactKind.LOCATED, {"place": "x" * 4001}, "place", "Must have at most 4000 characters"),
    "a note too long": (FactKind.LOCATED, {"note": "x" * 4001}, "note", "The note must have at most 4000"),
}


async def test_a_mistake_is_shown_at_its_field_and_all_is_kept_as_written(service_then: Service) -> None:
    episode = await absence(service_then.store, said("reported", 5), said("returned", 1))
    async with service_then.caller(AccessRole.MANAGER) as client:
        for mistake, (kind, written, field, sentence) in MISTAKES.items():
            sent = {**WHEN, "by": "<b>Invented</b> & carer", **written, **key()}
            answer = await client.post(f"/episodes/{episode}/record/{kind}", data=sent)
            assert answer.status_code == 422, mistake
            words = unescape(answer.text)
            assert f'href="#{field}"' in words, mistake
            assert sentence in words, mistake
            assert "<title>Error: " in words
            if "by" in FACTS[kind].details:
                assert "&lt;b&gt;Invented&lt;/b&gt; &amp; carer" in answer.text, mistake
            for name in ("at_day", "at_time", "born", "until_day"):
                assert name not in sent or f'value="{sent[name]}"' in words, mistake
    async with service_then.store.snapshot() as session:
        assert await inbox.facts_waiting(session, episode) == []


async def test_pressed_twice_counts_once_and_a_used_form_says_so(service_then: Service) -> None:
    episode = await absence(service_then.store)
    path, same = f"/episodes/{episode}/record/located", {**WHEN, **key(), "place": "Invented Road"}
    async with service_then.caller(AccessRole.DUTY) as client:
        answers = [await client.post(path, data=same) for _ in range(2)]
        other = await client.post(path, data={**same, "place": "Another"})
        async with service_then.store.snapshot() as session:
            assert len(await inbox.facts_waiting(session, episode)) == 1
        (mended,) = re.findall(r'name="key" value="([^"]*)"', other.text)
        again = await client.post(path, data={**same, "place": "Another", "key": mended})
    assert [one.headers.get("location") for one in answers] == [f"/episodes/{episode}?done={same['key']}"] * 2
    assert (other.status_code, "This form was sent before" in other.text) == (409, True)
    assert 'value="Another"' in other.text
    assert again.headers["location"] == f"/episodes/{episode}?done={mended}"


async def test_a_record_into_which_another_was_merged_is_called_an_error_by_two(service_then: Service) -> None:
    store = service_then.store
    await people(store, "boss", "second")
    moved = said("last_seen", 6).model_copy(update={"source": f"merged from {uuid4()}"})
    episode, path = await absence(store, moved, said("reported", 5)), "record/recorded_in_error"
    item: dict[str, Any] = {"id": moved.id, "authority": HERE, "kind": "fact", "episode_id": episode, "urgency": 1}
    item |= {"body": moved.model_dump(mode="json"), "received_at": NOW, "state": "applied"}
    async with store.session() as session:
        await inbox.keep(session, inbox.InboxItem.model_validate(item))
    wrong = {**WHEN, "reason": "Invented words"}
    async with service_then.caller(AccessRole.MANAGER, person="boss") as client:
        form = await client.get(f"/episodes/{episode}/{path}")
        alone = await client.post(f"/episodes/{episode}/{path}", data={**wrong, **key()})
        both = await client.post(f"/episodes/{episode}/{path}", data={**wrong, **key(), "authorised_by": "second"})
        other = await client.get(f"/episodes/{await absence(store)}/{path}")
    assert "Another record was merged into this one, so that nobody would look for the child by either" in form.text
    assert '<option value="second">Invented second</option>' in form.text or 'value="second"' in form.text
    assert "Another record was merged" not in other.text
    assert (alone.status_code, "Invented words" in alone.text, both.status_code) == (422, True, 303)


async def test_a_link_chooses_answers_and_writes_no_words(service_then: Service) -> None:
    episode = await absence(service_then.store)
    async with service_then.caller(AccessRole.MANAGER) as client:
        form = (await client.get(f"/episodes/{episode}/record/told?role=iro&channel=SECRET&role2=x")).text
        wrong = (await client.get(f"/episodes/{episode}/record/told?role=SECRET")).text
    assert 'value="iro" selected' in form
    assert "SECRET" not in form + wrong


async def test_what_somebody_may_not_record_is_neither_offered_nor_shown(service_then: Service) -> None:
    episode = await absence(service_then.store)
    ruled = [kind for kind in KINDS if permission_to_record(kind) == "rule"]
    assert ruled
    async with service_then.caller(AccessRole.PRACTITIONER) as client:
        offered = (await client.get(f"/episodes/{episode}/record")).text
        for kind in ruled:
            assert f"/record/{kind}" not in offered
            assert (await client.get(f"/episodes/{episode}/record/{kind}")).status_code == 403
            assert (await client.post(f"/episodes/{episode}/record/{kind}", data=key())).status_code == 403
    async with service_then.caller(AccessRole.MANAGER) as client:
        offered = (await client.get(f"/episodes/{episode}/record")).text
    assert all(f"/record/{kind}" in offered for kind in ruled)


async def test_the_list_is_searched_without_a_script(service_then: Service) -> None:
    episode = await absence(service_then.store)
    async with service_then.caller(AccessRole.MANAGER) as client:
        found = (await client.get(f"/episodes/{episode}/record?words=INTERVIEW offered")).text
        none = (await client.get(f"/episodes/{episode}/record?words=xyz")).text
    assert ("/record/rhi_offered" in found, "/record/located" in found) == (True, False)
    assert "Nothing of that name" in none


async def test_whoever_only_reports_records_of_its_own_and_reads_nothing_more(service_then: Service) -> None:
    async with service_then.caller(AccessRole.REPORTER) as client:
        report = {"child": {"reference": "INV-9"}, "reported": "2026-06-10T11:00:00Z"}
        made = await client.post("/v1/episodes", json=report, headers={"Idempotency-Key": str(uuid4())})
        own = f"/episodes/{made.json()['episode_id']}"
        listed = await client.get(f"{own}/record")
        answer = await client.post(f"{own}/record/returned", data={**WHEN, **key()})
        after = await client.get(answer.headers["location"])
        others = await client.get(f"/episodes/{await absence(service_then.store)}/record")
        assert (await client.get(own)).status_code == 403
    assert (listed.status_code, f'href="{own}/timeline"' in listed.text) == (200, False)
    assert (answer.status_code, after.status_code, others.status_code) == (303, 200, 404)
    assert "KEPT, NOT YET APPLIED" in after.text


SECOND_HOUR = "2026-10-25T01:30:45Z"
"""Half past one in London for the second time, and some seconds."""


def test_a_correction_leaves_a_time_that_nobody_changed_as_it_was() -> None:
    before = fact_from_outside({"kind": "returned", "at": SECOND_HOUR}, id=str(uuid4()))
    written = form_of(before)
    assert (written.day, written.time) == ("2026-10-25", "01:30")
    assert happened_at(written, before, Mistakes()) == before.at
    earlier = happened_at(Written("2026-10-25", "01:29"), before, Mistakes())
    assert earlier is not None
    assert before.at - earlier == timedelta(hours=1, minutes=1, seconds=45)


async def test_a_correction_is_filled_in_and_takes_the_place_of_what_it_corrects(service_then: Service) -> None:
    there = said("last_seen", 6, place="Invented Park")
    episode = await absence(service_then.store, there, said("reported", 5))
    path = f"/episodes/{episode}/record/last_seen?replaces={there.id}"
    async with service_then.caller(AccessRole.MANAGER) as client:
        form = (await client.get(path)).text
        assert ('value="Invented Park"' in form, 'value="2026-06-10"' in form, 'value="07:00"' in form) == (True,) * 3
        sent = {"at_day": "2026-06-10", "at_time": "07:00", "place": "Invented Lane", "replaces": there.id, **key()}
        assert (await client.post(path, data=sent)).status_code == 303
        assert (await client.get(f"/episodes/{episode}/record/told?replaces={there.id}")).status_code == 404
        assert (await client.get(f"/episodes/{episode}/record/last_seen?replaces={uuid4()}")).status_code == 404
    async with service_then.store.snapshot() as session:
        [item] = await inbox.facts_waiting(session, episode)
    assert (item.body["replaces"], item.body["details"]["place"]) == (there.id, "Invented Lane")


async def test_a_referral_names_the_providers_who_read_it_here(service_then: Service) -> None:
    episode_id = await absence(service_then.store)
    path = f"/episodes/{episode_id}/record/referred"
    async with service_then.caller(AccessRole.MANAGER) as client:
        assert "No provider has an account here" in (await client.get(path)).text
        async with service_then.store.session() as session:
            for number, (authority, provider) in enumerate(((HERE, "Invented Trust"), (ELSEWHERE, "Another's"))):
                account = Account(
                    id=str(uuid4()),
                    authority=authority,
                    kind="person",
                    name=f"Invented {number}",
                    roles=("interview_provider",),
                    provider=provider,
                    made_at=NOW,
                )
                assert await add_account(session, account)
        text = (await client.get(path)).text
    assert '<option value="Invented Trust">' in text
    assert "these read it in Homeward: Invented Trust." in text
    assert "Another" not in text


async def test_who_authorised_a_ruling_is_chosen_among_the_other_people(service_then: Service) -> None:
    episode = await absence(service_then.store, said("reported", 30), said("returned", 20))
    await people(service_then.store, "p-1", "p-2", "p-3")
    path, sent = f"/episodes/{episode}/record/clock_voided", {**WHEN, "clock": "rhi", "reason": "Invented"}
    async with service_then.caller(AccessRole.MANAGER, person="p-1") as client:
        form = (await client.get(path)).text
        alone = await client.post(path, data={**sent, **key()})
        madeup = await client.post(path, data={**sent, **key(), "authorised_by": "Invented p-1"})
        ruled = await client.post(path, data={**sent, **key(), "authorised_by": "p-2"})
    offered = re.findall(r'name="authorised_by" type="radio" value="([^"]*)"', form)
    assert (offered, "Invented p-2" in form) == (["p-2", "p-3"], True)
    assert (alone.status_code, 'href="#authorised_by"' in alone.text) == (422, True)
    assert "This obligation needs a second person" in alone.text
    assert (madeup.status_code, "Choose one of the answers" in madeup.text, ruled.status_code) == (422, True, 303)


def test_who_authorised_something_is_shown_by_name() -> None:
    ruled = said("clock_voided", 1, clock="rhi", reason="Invented", authorised_by="p-2")
    assert ("Who authorised it", "Invented p-2") in details_in_words(ruled, {"p-2": "Invented p-2"})
    assert ("Who authorised it", "p-2") in details_in_words(ruled, {})


async def test_an_assessment_says_whose_it_is_and_what_it_came_to(service_then: Service) -> None:
    came = said("risk_assessed", 3, scheme="Invented")
    episode = await absence(service_then.store, said("reported", 5), came)
    path = f"/episodes/{episode}/record/risk_assessed"
    async with service_then.caller(*EVERYONE, person="p-1") as client:
        chosen = (await client.get(f"{path}?view=authority")).text
        empty = await client.post(path, data={**WHEN, **key()})
        full = await client.post(path, data={**WHEN, **key(), "view": "authority", "grade": "high"})
        mended = await client.post(path, data={**WHEN, **key(), "replaces": came.id, "reason": "Invented"})
    assert re.search(r'value="authority"[^>]* checked', chosen)
    words = unescape(empty.text)
    assert (empty.status_code, full.status_code) == (422, 303)
    for detail in ("view", "grade"):
        assert f"Choose an answer: {label_of(FactKind.RISK_ASSESSED, detail).label}" in words, detail
    assert mended.status_code == 303, "what came without a grade is corrected without one"


def test_what_forms_ask_for_is_among_the_details_and_none_that_must_be_there() -> None:
    for kind, asked in ASKED_BY_FORMS.items():
        for name in asked:
            assert not FACTS[kind].details[name].required, (kind, name)
