"""What each channel answers to each thing that can become of a letter, by servers that really do it."""

import socket
import ssl
from collections.abc import Generator
from datetime import timedelta
from typing import Literal

import pytest

from activities.channels.base import Answer, Busy, ChannelAdapter, Refused, Taken, Unknown, UsedUp
from activities.channels.smtp import SmtpAdapter
from tests.activities.letters import (
    EMAIL,
    HOOK_PATH,
    PHONE,
    SENDER,
    SHORT,
    by_hook,
    by_mail,
    by_notify,
    letter,
    time_for,
)
from tests.standins.faults import LOST, SILENT, STORED_BUT_LOST, STORED_BUT_SILENT, TRICKLES, Fault, refuses, slow
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from tests.standins.webhooks import WebhookStandIn

# GOV.UK Notify

NOTIFY: dict[str, tuple[Fault, Answer, int]] = {
    "400": (refuses(400, "BadRequestError"), Refused("BadRequestError 400"), 0),
    "400, invalid": (refuses(400, "ValidationError"), Refused("ValidationError 400"), 0),
    "403": (refuses(403, "AuthError"), Refused("AuthError 403"), 0),
    "404": (refuses(404, "NoResultFound"), Refused("NoResultFound 404"), 0),
    "413": (refuses(413, "PayloadTooLarge"), Refused("PayloadTooLarge 413"), 0),
    "an error that names somebody": (refuses(400, EMAIL), Refused("http 400"), 0),
    "418": (refuses(418), Refused("http 418"), 0),
    "a redirect": (Fault(302, headers={"Location": "/v2/notifications/sms"}), Refused("http 302"), 0),
    "408": (refuses(408), Unknown("http 408"), 0),
    "429, too fast": (refuses(429, "RateLimitError"), Busy("RateLimitError 429"), 0),
    "429, too fast, wait": (
        refuses(429, "RateLimitError", retry_after="7"),
        Busy("RateLimitError 429", timedelta(seconds=7)),
        0,
    ),
    "429 by somebody else": (refuses(429), Busy("http 429"), 0),
    "429, no more today": (refuses(429, "TooManyRequestsError"), UsedUp("TooManyRequestsError 429"), 0),
    "500": (refuses(500, "Exception"), Unknown("Exception 500"), 0),
    "500, but stored": (refuses(500, stored=True), Unknown("http 500"), 1),
    "502": (refuses(502), Unknown("http 502"), 0),
    "503": (refuses(503), Unknown("http 503"), 0),
    "504, but stored": (refuses(504, stored=True), Unknown("http 504"), 1),
    "stored but timed out": (STORED_BUT_SILENT, Unknown("no answer"), 1),
    "stored but slow": (slow(SHORT * 2), Unknown("no answer"), 1),
    "stored but lost": (STORED_BUT_LOST, Unknown("no answer"), 1),
    "lost": (LOST, Unknown("no answer"), 0),
    "silent": (SILENT, Unknown("no answer"), 0),
    "an answer without an end": (TRICKLES, Unknown("no answer"), 1),
    "slow, but in time": (slow(0.05), Taken(), 1),
    "no id in the answer": (refuses(201), Unknown("unreadable answer"), 0),
    "an empty answer": (refuses(204), Unknown("unreadable answer"), 0),
}


@pytest.mark.parametrize("kind", ["email", "sms"])
@pytest.mark.parametrize("case", NOTIFY)
async def test_what_notify_answers(notify: NotifyStandIn, kind: Literal["email", "sms"], case: str) -> None:
    fault, meant, stored = NOTIFY[case]
    to = EMAIL if kind == "email" else PHONE
    notify.sends.next(fault)
    answer = await by_notify(notify, kind, timeout=time_for(fault)).send(letter(to))
    assert answer == (Taken(notify.stored[0].id) if isinstance(meant, Taken) else meant)
    assert len(notify.stored) == stored
    assert len(notify.asked) == 1


LOOK_UPS: dict[str, tuple[Fault, Busy]] = {
    "500": (refuses(500), Busy("http 500")),
    "503": (refuses(503), Busy("http 503")),
    "403 says nothing about the letter": (refuses(403, "AuthError"), Busy("AuthError 403")),
    "404 says nothing about the letter": (refuses(404, "NoResultFound"), Busy("NoResultFound 404")),
    "429": (refuses(429, "RateLimitError", retry_after="3"), Busy("RateLimitError 429", timedelta(seconds=3))),
    "429, no more today": (refuses(429, "TooManyRequestsError"), Busy("TooManyRequestsError 429")),
    "no list": (refuses(200), Busy("unreadable answer")),
    "empty": (refuses(204), Busy("unreadable answer")),
    "silent": (SILENT, Busy("no answer")),
    "lost": (LOST, Busy("no answer")),
    "an answer without an end": (TRICKLES, Busy("no answer")),
}


@pytest.mark.parametrize("case", LOOK_UPS)
async def test_who_cannot_look_up_never_says_there_is_nothing(notify: NotifyStandIn, case: str) -> None:
    fault, meant = LOOK_UPS[case]
    notify.look_ups.next(fault)
    assert await by_notify(notify, timeout=time_for(fault)).look_up("notice-1") == meant


# E-mail

Step = Literal["senders", "recipients", "letters"]
MAIL: dict[str, tuple[Step, Fault, Answer, int]] = {
    "550 to MAIL": ("senders", refuses(550), Refused("smtp 550"), 0),
    "451 to MAIL": ("senders", refuses(451), Busy("smtp 451"), 0),
    "silent at MAIL": ("senders", SILENT, Busy("no answer"), 0),
    "550 to RCPT": ("recipients", refuses(550), Refused("smtp 550"), 0),
    "553 to RCPT": ("recipients", refuses(553), Refused("smtp 553"), 0),
    "451 to RCPT": ("recipients", refuses(451), Busy("smtp 451"), 0),
    "421 to RCPT": ("recipients", refuses(421), Busy("smtp 421"), 0),
    "silent at RCPT": ("recipients", SILENT, Busy("no answer"), 0),
    "lost at RCPT": ("recipients", LOST, Busy("no answer"), 0),
    "554 to DATA": ("letters", refuses(554), Refused("smtp 554"), 0),
    "452 to DATA": ("letters", refuses(452), Busy("smtp 452"), 0),
    "no code there is": ("letters", refuses(999), Unknown("no answer"), 0),
    "accepted then lost": ("letters", STORED_BUT_LOST, Unknown("no answer"), 1),
    "accepted and silent": ("letters", STORED_BUT_SILENT, Unknown("no answer"), 1),
    "accepted and slow": ("letters", slow(SHORT * 2), Unknown("no answer"), 1),
    "lost": ("letters", LOST, Unknown("no answer"), 0),
    "slow, but in time": ("letters", slow(0.05), Taken(), 1),
    "slow at RCPT, but in time": ("recipients", slow(0.05), Taken(), 1),
}


@pytest.mark.parametrize("case", MAIL)
async def test_what_a_mail_server_answers(mail: SmtpStandIn, case: str) -> None:
    step, fault, meant, stored = MAIL[case]
    {"senders": mail.senders, "recipients": mail.recipients, "letters": mail.letters}[step].next(fault)
    assert await by_mail(mail, timeout=time_for(fault)).send(letter(EMAIL)) == meant
    assert len(mail.received) == stored


# Webhooks

HOOKS: dict[str, tuple[Fault | None, Answer, int]] = {
    "200": (refuses(200, stored=True), Taken(delivered=True), 1),
    "204": (None, Taken(delivered=True), 1),
    "302": (Fault(302, headers={"Location": "/elsewhere"}), Refused("http 302"), 0),
    "400": (refuses(400), Refused("http 400"), 0),
    "401": (refuses(401), Refused("http 401"), 0),
    "404": (refuses(404), Refused("http 404"), 0),
    "408": (refuses(408, stored=True), Unknown("http 408"), 1),
    "409": (refuses(409), Unknown("http 409"), 0),
    "410": (refuses(410), Refused("http 410"), 0),
    "425": (refuses(425), Unknown("http 425"), 0),
    "429": (refuses(429), Busy("http 429"), 0),
    "429, wait": (refuses(429, retry_after="9"), Busy("http 429", timedelta(seconds=9)), 0),
    "429, nonsense": (refuses(429, retry_after="soon"), Busy("http 429"), 0),
    "500": (refuses(500), Unknown("http 500"), 0),
    "503, but acted on": (refuses(503, stored=True), Unknown("http 503"), 1),
    "acted on but silent": (STORED_BUT_SILENT, Unknown("no answer"), 1),
    "acted on but slow": (slow(SHORT * 2), Unknown("no answer"), 1),
    "acted on but lost": (STORED_BUT_LOST, Unknown("no answer"), 1),
    "lost": (LOST, Unknown("no answer"), 0),
    "silent": (SILENT, Unknown("no answer"), 0),
    "an answer without an end": (TRICKLES, Unknown("no answer"), 1),
    "slow, but in time": (slow(0.05), Taken(delivered=True), 1),
}


@pytest.mark.parametrize("case", HOOKS)
async def test_what_a_receiver_answers(hooks: WebhookStandIn, case: str) -> None:
    fault, meant, stored = HOOKS[case]
    hooks.posts.next(fault)
    assert await by_hook(timeout=time_for(fault)).send(letter(hooks.url + HOOK_PATH)) == meant
    assert len(hooks.received) == stored
    assert len(hooks.asked) == 1


# All of them


async def test_what_is_stored_can_be_seen_before_the_answer_is_out(
    notify: NotifyStandIn, mail: SmtpStandIn, hooks: WebhookStandIn
) -> None:
    seen: list[str] = []
    notify.on_store = lambda stored: seen.append(stored.id)
    mail.on_store = lambda one: seen.append(str(one.message["Message-ID"]))
    hooks.on_store = lambda one: seen.append(one.webhook_id)
    ways: list[tuple[ChannelAdapter, str]] = [
        (by_notify(notify), EMAIL),
        (by_mail(mail), EMAIL),
        (by_hook(), hooks.url),
    ]
    for at in (notify.sends, mail.letters, hooks.posts):
        at.always = STORED_BUT_LOST
    for adapter, to in ways:
        assert isinstance(await adapter.send(letter(to)), Unknown)
    assert seen == [notify.stored[0].id, "<notice-1%3Adeputy%2F2@council.example>", "notice-1:deputy/2"]


async def test_a_name_that_leads_nowhere_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    url = "https://nowhere.council.example"
    ways: list[tuple[ChannelAdapter, str]] = [
        (by_notify(NotifyStandIn(), base_url=url), EMAIL),
        (SmtpAdapter("nowhere.council.example", 25, SENDER, tls="none", timeout=SHORT), EMAIL),
        (by_hook(), url),
    ]
    for adapter, to in ways:
        assert await adapter.send(letter(to)) == Busy("cannot connect")


@pytest.fixture
def nobody_lets_in() -> Generator[int]:
    """A port where connecting neither succeeds nor fails: its queue is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = int(full.getsockname()[1])
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        yield port
        for one in waiting:
            one.close()


async def test_who_never_got_in_sent_nothing(nobody_lets_in: int) -> None:
    url = f"http://127.0.0.1:{nobody_lets_in}"
    # Long enough that the pause to connect is over first on a busy machine too.
    timeout = SHORT * 6
    notify = by_notify(NotifyStandIn(), base_url=url, timeout=timeout)
    mail = SmtpAdapter("127.0.0.1", nobody_lets_in, SENDER, tls="none", timeout=SHORT)
    assert await notify.send(letter(EMAIL)) == Busy("cannot connect")
    assert await by_hook(timeout=timeout).send(letter(url)) == Busy("cannot connect")
    assert await mail.send(letter(EMAIL)) == Busy("no answer")


def test_certificates_are_checked() -> None:
    trusted = by_hook()._trusted
    assert trusted.verify_mode == ssl.CERT_REQUIRED
    assert trusted.check_hostname
