"""Operations in the console: what stands still by the rows, the engine away; deeds, each with why, in the audit."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from activities.health.findings import KINDS, Deed, StuckKind
from activities.store import Store, disagreements, inbox
from activities.store.audit import entries
from activities.store.inbox import InboxItem
from activities.store.subscriptions import Subscription, add_subscription, subscription_of
from starter.access import AccessRole
from starter.console.operations import DEEDS
from tests.api import town
from tests.api.callers import ELSEWHERE, HERE, Service
from workflows.agreement import Disagreement

FROM_OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
REFERENCE = "INVENTED-CHILD-77"


async def trouble(store: Store) -> dict[str, str]:
    """One of each kind that the rows tell; the ids, by kind."""
    episode = await town.episode(store, REFERENCE)
    now = datetime.now(UTC)
    said = {"id": str(uuid4()), "kind": "fact", "episode_id": episode, "body": {"kind": "found"}, "urgency": 1}
    hook = {"id": str(uuid4()), "name": "case-system", "url": "https://invented.example/hook", "kinds": ()}
    async with store.session() as session:
        for authority in (HERE, ELSEWHERE):
            about = {**said, "id": str(uuid4()) if authority == ELSEWHERE else said["id"], "authority": authority}
            await inbox.keep(session, InboxItem.model_validate({**about, "received_at": now - timedelta(hours=2)}))
            await disagreements.note_found(session, authority, Disagreement.EPISODE_LOST, episode, now)
        about_hook = {**hook, "authority": HERE, "secret": "s", "position": 0, "created_at": now}
        about_hook |= {"last_failure": "http 500", "failures": 3}
        await add_subscription(session, Subscription.model_validate(about_hook))
    return {"episode": episode, "said": str(said["id"]), "webhook": "case-system"}


async def asked(client: httpx.AsyncClient, deed: Deed, subject: str, why: str, key: str | None = None) -> Any:
    data = {"key": key or str(uuid4()), "subject": subject, "why": why}
    return await client.post(f"/operations/{deed.value}", data=data, headers=FROM_OUR_PAGE)


def test_every_kind_and_deed_has_its_words() -> None:
    assert set(KINDS) == set(StuckKind)
    assert set(DEEDS) == set(Deed) - {Deed.HAND_OVER}
    assert {deed for kind in KINDS.values() for deed in kind.deeds} == set(Deed)


async def test_what_stands_still_is_said_without_a_child_and_the_engine_s_silence_at_once(
    one_service: Service,
) -> None:
    there = await trouble(one_service.store)
    async with one_service.caller(AccessRole.OPERATOR) as client:
        began = time.monotonic()
        page = (await client.get("/operations")).text
        assert time.monotonic() - began < 3
    assert "The engine does not answer" in page
    for kind in (StuckKind.SAID_NOT_APPLIED, StuckKind.APART, StuckKind.WEBHOOK_FAILING, StuckKind.ENGINE_SILENT):
        assert f'id="{kind.value}"' in page
    assert page.index('id="engine_silent"') < page.index('id="said_not_applied"') < page.index('id="webhook_failing"')
    assert there["said"] in page
    assert page.count("Said under the id") == 1
    assert REFERENCE not in page
    # An operator manages no webhooks, and sees no episode.
    assert "pause_webhook" not in page
    assert f'href="/episodes/{there["episode"]}' not in page


async def test_when_nothing_stands_still_it_says_so(one_service: Service) -> None:
    async with one_service.caller(AccessRole.ADMINISTRATOR) as client:
        page = (await client.get("/operations")).text
    assert "Policies and calendar" in page
    assert "known to" in page


async def test_an_administrator_pauses_a_webhook_once_and_says_why(one_service: Service) -> None:
    await trouble(one_service.store)
    key, why = str(uuid4()), "The receiver is being worked on"
    async with one_service.caller(AccessRole.ADMINISTRATOR) as client:
        assert "pause_webhook" in (await client.get("/operations")).text
        assert "sent nothing" in (await client.get("/operations/pause_webhook?subject=case-system")).text
        taken = [await asked(client, Deed.PAUSE_WEBHOOK, "case-system", why, key) for _ in range(2)]
        assert {one.headers["location"] for one in taken} == {f"/operations?done={key}"}
        after = (await client.get(f"/operations?done={key}")).text
        other = await asked(client, Deed.RESUME_WEBHOOK, "case-system", why, key)
    assert "case-system is paused. Events wait for it." in after
    assert (other.status_code, "belongs to one request" in other.text) == (422, True)
    async with one_service.store.session() as session:
        hook = await subscription_of(session, HERE, "case-system")
        written = await entries(session, HERE)
    assert hook is not None
    assert hook.state == "paused"
    assert {one.why for one in written if one.way == "POST /operations/{deed}"} == {why}


async def test_why_must_be_said_and_what_was_written_stays(one_service: Service) -> None:
    there = await trouble(one_service.store)
    async with one_service.caller(AccessRole.OPERATOR) as client:
        silent = await asked(client, Deed.PUT_TO_ENGINE, there["said"], "")
        long = await asked(client, Deed.PUT_TO_ENGINE, there["said"], "x" * 501)
        away = await asked(client, Deed.PUT_TO_ENGINE, there["said"], "invented reason")
    assert (silent.status_code, "Say why" in silent.text) == (422, True)
    assert (long.status_code, "at most 500" in long.text, "x" * 501 in long.text) == (422, True, True)
    assert (away.status_code, "nothing was done" in away.text, "invented reason" in away.text) == (422, True, True)


@pytest.mark.parametrize(
    ("deed", "subject"),
    [
        (Deed.RETRY_NOW, "none"),
        (Deed.RESEND, "none"),
        (Deed.RECONCILE, "none"),
        (Deed.PUT_TO_ENGINE, "none"),
    ],
)
async def test_what_is_not_there_is_said_in_one_line(one_service: Service, deed: Deed, subject: str) -> None:
    async with one_service.caller(AccessRole.OPERATOR) as client:
        answer = await asked(client, deed, subject, "invented")
    assert (answer.status_code, "There is a problem" in answer.text) == (422, True)


async def test_who_may_not_cannot(one_service: Service) -> None:
    await trouble(one_service.store)
    async with one_service.caller(AccessRole.OPERATOR) as operator:
        assert (await operator.get("/operations/pause_webhook?subject=case-system")).status_code == 403
        assert (await asked(operator, Deed.PAUSE_WEBHOOK, "case-system", "invented")).status_code == 403
        assert (await operator.get("/operations/hand_over?subject=x")).status_code == 404
        assert (await operator.get("/operations/nothing?subject=x")).status_code == 422
    async with one_service.caller(AccessRole.MANAGER) as manager:
        assert (await manager.get("/operations")).status_code == 403
        assert (await asked(manager, Deed.RECONCILE, "everything", "invented")).status_code == 403


async def test_another_authority_s_trouble_is_none_of_ours(one_service: Service) -> None:
    there = await trouble(one_service.store)
    async with one_service.caller(AccessRole.OPERATOR, authority="third") as client:
        page = (await client.get("/operations")).text
        answer = await asked(client, Deed.PUT_TO_ENGINE, there["said"], "invented")
        webhook = await client.get("/v1/stuck")
    assert there["said"] not in page
    assert there["episode"] not in page
    assert answer.status_code == 422
    assert [one["kind"] for one in webhook.json()["stuck"]] == ["engine_silent"]


async def two_failing_webhooks(store: Store) -> list[str]:
    names = ["invented-one", "invented-two"]
    for name in names:
        about: dict[str, Any] = {"id": str(uuid4()), "authority": HERE, "name": name, "url": "https://x.example/"}
        about |= {"kinds": (), "secret": "s", "position": 0, "created_at": datetime.now(UTC)}
        about |= {"last_failure": "http 500", "failures": 3}
        async with store.session() as session:
            await add_subscription(session, Subscription.model_validate(about))
    return names


async def states_of(store: Store, names: list[str]) -> list[str | None]:
    async with store.session() as session:
        found = [await subscription_of(session, HERE, name) for name in names]
    return [one.state if one else None for one in found]


async def test_a_deed_is_done_for_all_of_a_kind_once_somebody_has_seen_which_and_said_why(one_service: Service) -> None:
    hooks = await two_failing_webhooks(one_service.store)
    where = "/operations/all/pause_webhook?kind=webhook_failing"
    async with one_service.caller(AccessRole.ADMINISTRATOR) as client:
        assert f'href="{where}"' in (await client.get("/operations")).text
        asks = (await client.get(where)).text
        assert all(name in asks for name in hooks)
        unsaid = await client.post(where, data={"key": str(uuid4()), "why": ""}, headers=FROM_OUR_PAGE)
        assert (unsaid.status_code, "say why" in unsaid.text.lower()) == (422, True)
        assert await states_of(one_service.store, hooks) == ["active", "active"]
        said = {"key": str(uuid4()), "why": "an invented reason"}
        done = await client.post(where, data=said, headers=FROM_OUR_PAGE)
        assert done.status_code == 303
        assert "2 done." in (await client.get(done.headers["location"])).text
        again = await client.get(where)
    assert await states_of(one_service.store, hooks) == ["paused", "paused"]
    assert (again.status_code, again.headers["location"]) == (303, "/operations")
    async with one_service.store.session() as session:
        written = [one for one in await entries(session, HERE) if one.why == "an invented reason"]
    assert set(hooks) <= {subject for one in written for subject in one.subjects}


async def test_a_deed_for_all_that_does_not_help_that_kind_leads_back_to_the_list(one_service: Service) -> None:
    async with one_service.caller(AccessRole.OPERATOR) as client:
        wrong = await client.get("/operations/all/resend?kind=apart")
        others = await client.get("/operations/all/pause_webhook?kind=webhook_failing")
    assert (wrong.status_code, others.status_code) == (303, 403)
