"""Messages on the real engine: what is gathered, which way it goes, and what every fault of a provider leads to.

For each fault: what was sent, by which way, how many times, and how the message
stands in the end. Nothing is lost; nothing goes out twice by one way where the
provider can be asked.
"""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.engine.conftest import Providers, Theatre, on_both
from tests.engine.correspondence import Correspondent, lines, somebody, until
from tests.standins.faults import SILENT, STORED_BUT_LOST, STORED_BUT_SILENT, Fault, refuses, slow
from workflows.names import postbox_id
from workflows.vocabulary import Channel, Haste

pytestmark = pytest.mark.asyncio(loop_scope="session")
HOUR = timedelta(hours=1)


def by_notify(providers: Providers, to: Correspondent) -> list[str]:
    """What Notify has stored for a person, as kinds."""
    return [one.kind for one in providers.notify.stored if one.to in (to.email, to.mobile)]


def by_mail(providers: Providers, to: Correspondent) -> int:
    return sum(to.email in one.recipients for one in providers.smtp.received)


@on_both
async def test_a_storm_is_one_message_with_a_line_for_each_child(theatre: Theatre) -> None:
    manager = await somebody(theatre)
    await manager.told_at_a_time(50)
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    mine = [one for one in theatre.providers.notify.stored if one.to == manager.email]
    assert [len(lines(one.personalisation["message"])) for one in mine] == [50]
    assert mine[0].personalisation["subject"] == "Homeward: 50 things for you to answer"
    assert len(await manager.messages()) == 1


@dataclass(frozen=True)
class Case:
    """A fault of Notify, and what a person with an e-mail address gets in the end.

    `receipt` is what Notify says once it has the message; `sends` how often it was asked to send.
    """

    faults: tuple[Fault, ...]
    receipt: str | None
    stored: int
    mailed: int
    sends: int
    failure: str | None = None
    ways: dict[str, bool] = field(default_factory=lambda: {"notify_email": True})


BOTH = {"notify_email": False, "smtp": True}
CASES = {
    "nothing goes wrong": Case((), "delivered", 1, 0, 1),
    "500 twice, nothing stored": Case((refuses(500), refuses(500)), "delivered", 1, 0, 3),
    "503, though it was stored": Case((refuses(503, stored=True),), "delivered", 1, 0, 1),
    "stored, and the answer never comes": Case((STORED_BUT_SILENT,), "delivered", 1, 0, 1),
    "stored, and the connection breaks": Case((STORED_BUT_LOST,), "delivered", 1, 0, 1),
    "neither stored nor answered": Case((SILENT,), "delivered", 1, 0, 2),
    "slow, within its time": Case((slow(0.4),), "delivered", 1, 0, 1),
    "too many a minute": Case((refuses(429, "RateLimitError"),) * 3, "delivered", 1, 0, 4),
    "too many a day": Case(
        (refuses(429, "TooManyRequestsError"),), None, 0, 1, 1, "TooManyRequestsError 429", ways=BOTH
    ),
    "refused as it stands": Case((refuses(400, "BadRequestError"),), None, 0, 1, 1, "BadRequestError 400", ways=BOTH),
    "the key is not allowed": Case((refuses(403, "AuthError"),), None, 0, 1, 1, "AuthError 403", ways=BOTH),
    "taken, and it cannot be delivered": Case((), "undeliverable", 1, 1, 1, "undeliverable", ways=BOTH),
    "taken, and no receipt comes": Case((), None, 1, 1, 1, "silent", ways=BOTH),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_fault_loses_nothing_and_doubles_nothing(theatre: Theatre, providers: Providers, name: str) -> None:
    case = CASES[name]
    manager = await somebody(theatre)
    asked_before = len([one for one in providers.notify.asked if one.method == "POST"])
    providers.notify.sends.next(*case.faults)
    await manager.told()
    handle = await manager.message()
    if case.receipt:

        async def taken() -> bool:
            await manager.skip(timedelta(seconds=20))
            tried = (await manager.dispatches()).get("notify_email")
            return tried is not None and tried.taken_at is not None

        await until(taken)
        await handle.signal("receipt", args=["notify_email", case.receipt])
    await manager.lives("reached")
    tried = await manager.dispatches()
    assert {way: one.taken_at is not None and one.given_up_at is None for way, one in tried.items()} == case.ways
    assert (len(by_notify(providers, manager)), by_mail(providers, manager)) == (case.stored, case.mailed)
    assert len([one for one in providers.notify.asked if one.method == "POST"]) - asked_before == case.sends
    assert tried["notify_email"].failure == case.failure
    assert not any(one.in_doubt for one in tried.values())


async def test_a_text_message_goes_before_an_e_mail_for_whoever_wants_it_so(
    theatre: Theatre, providers: Providers
) -> None:
    manager = await somebody(theatre, channels="sms;email")
    await manager.told()
    await (await manager.message()).signal("receipt", args=["notify_sms", "delivered"])
    await manager.reaches("reached")
    texts = [one for one in providers.notify.stored if one.to == manager.mobile]
    assert by_notify(providers, manager) == ["sms"]
    said = texts[0].personalisation["message"]
    assert said.startswith("Homeward: 1 thing for you to answer, by ")
    assert said.endswith(f"https://homeward.invented.example/m/{(await manager.messages())[0]}")
    assert len(said) <= 306, "two text messages' worth"


async def test_a_rung_may_ask_for_another_channel_first_or_for_none(theatre: Theatre, providers: Providers) -> None:
    manager, quiet = await somebody(theatre, channels="email;sms"), await somebody(theatre)
    await manager.told(channel=Channel.SMS)
    await quiet.told(channel=Channel.TRAY)
    await (await manager.message()).signal("receipt", args=["notify_sms", "delivered"])
    await manager.reaches("reached")
    assert by_notify(providers, manager) == ["sms"]
    assert await quiet.messages() == []


async def test_everything_down_for_an_hour_is_tried_again_until_it_is_up_and_goes_out_once(
    theatre: Theatre, providers: Providers
) -> None:
    manager = await somebody(theatre)
    providers.notify.down()
    providers.smtp.down()
    try:
        await manager.told()
        await manager.message()
        await manager.lives("unreached")
        for _ in range(12):
            await manager.skip(timedelta(minutes=5))
        assert (by_notify(providers, manager), by_mail(providers, manager)) == ([], 0)
    finally:
        providers.notify.up()
        providers.smtp.up()
    await manager.lives("reached", at_most=2 * HOUR)
    assert len(by_notify(providers, manager)) + by_mail(providers, manager) in (1, 2)
    assert by_mail(providers, manager) <= 1
    assert len(by_notify(providers, manager)) <= 1
    assert len(await manager.messages()) == 1


async def test_what_no_way_will_ever_take_is_given_up_and_said_to_be(theatre: Theatre, providers: Providers) -> None:
    manager = await somebody(theatre)
    providers.notify.sends.next(refuses(400, "BadRequestError"))
    providers.smtp.recipients.next(refuses(550))
    await manager.told()
    await manager.reaches("given_up")
    assert {way: one.failure for way, one in (await manager.dispatches()).items()} == {
        "notify_email": "BadRequestError 400",
        "smtp": "smtp 550",
    }


async def test_a_mail_server_may_get_a_letter_twice_and_both_are_the_same_letter(
    theatre: Theatre, providers: Providers
) -> None:
    """The stated promise: a mail server cannot be asked what it has. The letter's Message-ID lets a reader tell."""
    manager = await somebody(theatre)
    providers.notify.sends.next(refuses(400, "BadRequestError"))
    providers.smtp.letters.next(STORED_BUT_LOST)
    await manager.told()
    await manager.message()
    await manager.lives("reached")
    mine = [one for one in providers.smtp.received if manager.email in one.recipients]
    assert len(mine) == 2
    assert len({one.message["Message-ID"] for one in mine}) == 1


async def test_a_case_system_gets_signed_webhooks_and_tells_repeats_apart(
    theatre: Theatre, providers: Providers
) -> None:
    desk = await somebody(theatre, channels="webhook")
    providers.webhooks.posts.next(refuses(500, stored=True), STORED_BUT_LOST)
    await desk.told(2)
    await desk.message()
    await desk.lives("reached")
    [message] = await desk.messages()
    received = [one for one in providers.webhooks.received if one.webhook_id == f"{message}-webhook"]
    assert len(received) == 3
    distinct = providers.webhooks.distinct[f"{message}-webhook"]
    assert [one["asks"] for one in distinct["lines"]] == ["answer", "answer"]
    assert set(distinct) == {"type", "message", "link", "lines"}


async def test_what_can_wait_for_morning_waits_in_the_postbox_and_what_cannot_does_not(theatre: Theatre) -> None:
    manager = await somebody(theatre)
    await manager.told(3, Haste.IN_DIGEST)
    assert await manager.messages() == []
    await manager.told(1, Haste.AT_ONCE)
    await manager.message()
    await manager.told(2, Haste.AT_ONCE)
    await manager.message(2)
    [first, second] = await manager.messages()
    sent = {one.reference: lines(one.personalisation["message"]) for one in theatre.providers.notify.stored}
    await until(lambda: _has(theatre, second))
    sent = {one.reference: lines(one.personalisation["message"]) for one in theatre.providers.notify.stored}
    assert (len(sent[f"{first}-notify_email"]), len(sent[f"{second}-notify_email"])) == (1, 2)


async def _has(theatre: Theatre, message: str) -> bool:
    return any((one.reference or "").startswith(message) for one in theatre.providers.notify.stored)


async def test_a_postbox_is_gone_when_nothing_waits(theatre: Theatre) -> None:
    manager = await somebody(theatre)
    await manager.told()
    await manager.message()
    handle = theatre.environment.client.get_workflow_handle(postbox_id(manager.person))

    async def gone() -> bool:
        return (await handle.describe()).close_time is not None

    await until(gone)
