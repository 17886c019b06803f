"""An interview provider's referrals in the console: its own and the least of them, the most pressing first; answers."""

import re
from html import unescape
from uuid import uuid4

import pytest

from activities.store import Store, inbox
from starter.access import AccessRole
from starter.console.fields import Field
from starter.console.referral_words import (
    ANSWER_TITLES,
    LIKELY,
    STATE_WORDS,
    WHEN_WORDS,
    form_of_answer,
)
from starter.referrals import ANSWERS, BECOMES, referral_id
from tests.api.callers import Service
from tests.api.town import holds, people
from tests.console.absences import absence, said
from workflows.facts import Fact
from workflows.instants import to_rfc3339

OURS, OTHERS = "Invented Interviews", "Another Provider"
PROVIDER = (AccessRole.INTERVIEW_PROVIDER,)
WHEN = {"at_day": "2026-06-10", "at_time": "12:50"}
"""Ten minutes to one in London, ten minutes before NOW."""
SECRETS = ("SECRET-1", "SECRET PARK", "SECRET NAME", "SECRET WORDS")


def key() -> dict[str, str]:
    return {"key": str(uuid4())}


async def referred(store: Store, *facts: Fact, back: float | None = 20, to: str = OURS, child: str = "SECRET-1") -> str:
    """An absence that was handed over to a provider ten hours ago; the path of its referral."""
    there = [said("last_seen", 40, place="SECRET PARK"), said("reported", 39), *facts]
    there += [said("returned", back)] if back is not None else []
    episode = await absence(store, *there, said("referred", 10, to=to, by="SECRET NAME"), child=child)
    return f"/referrals/{referral_id(episode, to)}"


def fields_for(answer: str) -> list[Field]:
    return [one for group in form_of_answer(answer).groups for one in group.fields]


def filled(answer: str, *, all_of_it: bool = True) -> dict[str, str]:
    sent = dict(WHEN)
    for one in fields_for(answer):
        if one.asked or all_of_it:
            sent[one.name] = one.options[0][0] if one.options else f"Invented {one.name}"
    return sent


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_answer_and_each_of_its_fields_has_words(answer: str) -> None:
    assert set(ANSWERS) == set(BECOMES) == set(ANSWER_TITLES) == set(WHEN_WORDS)
    assert set(LIKELY) == set(STATE_WORDS)
    for one in fields_for(answer):
        assert one.label[0].isupper()
        assert "_" not in one.label + one.hint + "".join(words for _, words in one.options)
        assert "in the note" not in "".join(words for _, words in one.options)


async def test_the_most_pressing_is_first_and_what_is_settled_is_apart(service_then: Service) -> None:
    store = service_then.store
    held = await referred(store, said("rhi_completed", 5, interviewer="independent"), back=80, child="c1")
    calm, away = await referred(store, back=20, child="c2"), await referred(store, back=None, child="c3")
    late = await referred(store, said("rhi_offered", 8), back=90, child="c4")
    no = await referred(store, said("rhi_declined", 5, reason="SECRET WORDS"), back=30, child="c5")
    done = await referred(store, said("rhi_completed", 5), said("rhi_written_up", 4), back=60, child="c6")
    theirs = await referred(store, to=OTHERS, child="c7")
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        assert (await client.get("/")).headers["location"] == "/referrals"
        open_ones = unescape((await client.get("/referrals")).text)
        settled = unescape((await client.get("/referrals?show=settled")).text)
    listed = re.findall(r'href="(/referrals/[^"]+)"', open_ones)
    assert listed == [late, calm, away, held]
    assert sorted(re.findall(r'href="(/referrals/[^"]+)"', settled)) == sorted([no, done])
    assert theirs not in open_ones + settled
    assert "overdue by 18 hours" in open_ones
    assert ">it was due " in open_ones
    for words in ("Offered, and not answered", "Not offered yet", "Nothing is owed yet", "Held, and to be written up"):
        assert words in open_ones
    for words in ("Declined.", "Held, and written up."):
        assert words in settled
    assert not any(secret in open_ones + settled for secret in SECRETS)


async def test_a_long_list_goes_on(service_then: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("starter.console.referrals._PAGE", 2)
    paths = [await referred(service_then.store, back=20 + n, child=f"c{n}") for n in range(5)]
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        seen, following = list[str](), "/referrals"
        while following:
            words = unescape((await client.get(following)).text)
            seen += re.findall(r'href="(/referrals/[0-9a-f-]+)"', words)
            following = next(iter(re.findall(r'href="([^"]+)">More referrals', words)), "")
    assert seen == list(reversed(paths))


async def test_a_referral_says_by_when_why_and_whom_to_ask_and_nothing_of_the_child(service_then: Service) -> None:
    path = await referred(service_then.store)
    await people(service_then.store, "p-1")
    await holds(service_then.store, "p-1", "social_worker", "SECRET-1")
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        words = unescape((await client.get(path)).text)
    for line in (
        "Not offered yet",
        "2 days 4 hours left",
        "72 hours after",
        "Invented p-1",
        "tel:+447700900000",
        "mailto:p-1@invented.example",
        "Nobody has said",
    ):
        assert line in words, line
    assert all(f'href="{path}/answers/{answer}"' in words for answer in ANSWERS)
    assert not any(secret in words for secret in SECRETS)


async def test_another_providers_referral_is_like_none(service_then: Service) -> None:
    theirs = await referred(service_then.store, to=OTHERS)
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        for path in (theirs, f"/referrals/{uuid4()}"):
            sent = {**filled("accepted"), **key()}
            answers = [await client.get(path), await client.get(f"{path}/answers/done")]
            answers.append(await client.post(f"{path}/answers/accepted", data=sent))
            assert [one.status_code for one in answers] == [404, 404, 404]
        assert (await client.get(f"{theirs}/answers/cancelled")).status_code == 422


async def test_without_a_provider_on_the_account_the_page_says_why_nothing_is_there(service_then: Service) -> None:
    path = await referred(service_then.store)
    async with service_then.caller(*PROVIDER) as client:
        words = unescape((await client.get("/referrals")).text)
        account = unescape((await client.get("/account")).text)
        assert (await client.get(path)).status_code == 404
    assert "does not say for which interview provider you work" in words
    assert "/referrals/" not in words
    assert "no referral can be shown to you" in account
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        assert OURS in (await client.get("/account")).text


@pytest.mark.parametrize("answer", ANSWERS)
async def test_each_answer_has_a_form_that_says_it_once(answer: str, service_then: Service) -> None:
    path = await referred(service_then.store)
    sent = {**filled(answer), **key()}
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        blank = unescape((await client.get(f"{path}/answers/{answer}")).text)
        answers = [await client.post(f"{path}/answers/{answer}", data=sent) for _ in range(2)]
        other = await client.post(f"{path}/answers/{answer}", data={**sent, "by": "Another"})
        after = unescape((await client.get(answers[0].headers["location"])).text)
        shown = (await client.get(f"/v1{path}")).json()
    assert all(one.label in blank for one in fields_for(answer))
    assert WHEN_WORDS[answer] in blank
    assert [one.headers.get("location") for one in answers] == [f"{path}?done={answer}&kept=true"] * 2
    assert (other.status_code, "This form was already sent" in other.text) == (409, True)
    assert ("KEPT, NOT YET APPLIED" in after, ANSWER_TITLES[answer] in after) == (True, True)
    async with service_then.store.snapshot() as session:
        [item] = await inbox.facts_waiting(session, shown["episode_id"])
    fact = Fact.model_validate(item.body)
    assert (fact.kind, fact.recorded_by, to_rfc3339(fact.at)) == (BECOMES[answer], OURS, "2026-06-10T11:50:00Z")
    assert fact.details == {name: value for name, value in sent.items() if name not in {*WHEN, "key"}}


MISTAKES: dict[str, tuple[str, dict[str, str], str, str]] = {
    "nothing is said": ("declined", {"reason": ""}, "reason", "Give an answer: Why was it declined?"),
    "no choice": ("done", {"interviewer": ""}, "interviewer", "Choose an answer: Who is the interviewer"),
    "a choice that is not there": ("delayed", {"reason": "x"}, "reason", "Choose one of the answers"),
    "a time to come": ("accepted", {"at_time": "23:00"}, "at", "This time lies in the future"),
    "no day": ("accepted", {"at_day": ""}, "at", "Enter a day"),
    "too many words": ("declined", {"reason": "x" * 1001}, "reason", "Must have at most 1000 characters"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_is_shown_at_its_field_and_all_is_kept_as_written(mistake: str, service_then: Service) -> None:
    answer, written, field, sentence = MISTAKES[mistake]
    path = await referred(service_then.store)
    sent = {**filled(answer), "by": "<b>Invented</b>", **written, **key()}
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        refused = await client.post(f"{path}/answers/{answer}", data=sent)
        episode = (await client.get(f"/v1{path}")).json()["episode_id"]
    words = unescape(refused.text)
    assert (refused.status_code, f'href="#{field}"' in words, sentence in words) == (422, True, True)
    assert "<title>Error: " in words
    assert 'value="&lt;b&gt;Invented&lt;/b&gt;"' in refused.text
    for name in ("at_day", "at_time"):
        assert f'value="{sent[name]}"' in words
    async with service_then.store.snapshot() as session:
        assert await inbox.facts_waiting(session, episode) == []


async def test_the_authority_knows_what_a_provider_quotes(service_then: Service) -> None:
    path = await referred(service_then.store)
    async with service_then.caller(*PROVIDER, provider=OURS) as client:
        episode = (await client.get(f"/v1{path}")).json()["episode_id"]
        assert episode[:8] in (await client.get(path)).text
    async with service_then.caller(AccessRole.DUTY) as client:
        assert f">{episode[:8]}</strong>" in (await client.get(f"/episodes/{episode}/interview")).text
