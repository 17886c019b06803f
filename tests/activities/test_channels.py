"""What each channel answers to each thing that can become of a letter, against servers that really do it."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest

from activities.channels.base import Answer, Busy, ChannelAdapter, Found, Letter, Refused, Taken, Unknown, UsedUp
from activities.channels.notify import NotifyAdapter, whereabouts_of
from activities.channels.smtp import SmtpAdapter, is_address
from activities.channels.web import checked_url, retry_after
from activities.channels.webhook import WebhookAdapter
from tests.standins.faults import (
    LOST,
    SILENT,
    STORED_BUT_LOST,
    STORED_BUT_SILENT,
    TRICKLES,
    Fault,
    refuses,
    slow,
)
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from tests.standins.webhooks import SECRET, WebhookStandIn

SHORT = 0.5
EMAIL = "duty.worker@council.example"
PHONE = "07700 900123"
SENDER = "homeward@council.example"
BODY = "Überfällig: “Interview”\n.\nFrom the second line on.\n" + "long " * 60
HOOK_PATH = "/hooks/invented-token"


def letter(to: str, reference: str = "notice-1:deputy/2") -> Letter:
    return Letter(reference, to, "A task is overdue; please look", BODY, {"notice": "n-1", "title": "Überfällig"})


@pytest.fixture
def notify() -> Generator[NotifyStandIn]:
    with NotifyStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def mail() -> Generator[SmtpStandIn]:
    with SmtpStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def hooks() -> Generator[WebhookStandIn]:
    with WebhookStandIn() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def nobody_is_named_in_the_logs(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Whatever a test does, at whatever level: no address is written down."""
    caplog.set_level(logging.DEBUG)
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    said = "\n".join(logging.Formatter().format(record) for record in records)
    for address in (EMAIL, PHONE, HOOK_PATH, BODY[:10]):
        assert address not in said


def by_notify(at: NotifyStandIn, kind: Literal["email", "sms"] = "email", **changes: Any) -> NotifyAdapter:
    given: dict[str, Any] = {"api_key": at.api_key, "base_url": at.url, "template_id": at.template_id, "kind": kind}
    given |= {"timeout": SHORT} | changes
    return NotifyAdapter(**given)


def by_mail(at: SmtpStandIn, **changes: Any) -> SmtpAdapter:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": at.port, "sender": SENDER, "tls": "none", "timeout": SHORT}
    return SmtpAdapter(**(given | changes))


def by_hook(secret: str = SECRET, timeout: float = SHORT) -> WebhookAdapter:
    return WebhookAdapter(secret, timeout)


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
    "an answer without an end": (TRICKLES, Unknown("no answer in time"), 1),
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
    answer = await by_notify(notify, kind).send(letter(to))
    assert answer == (Taken(notify.stored[0].id) if isinstance(meant, Taken) else meant)
    assert len(notify.stored) == stored
    assert len(notify.asked) == 1


@pytest.mark.parametrize(("kind", "to"), [("email", EMAIL), ("sms", PHONE)])
async def test_notify_takes_what_the_letter_says(notify: NotifyStandIn, kind: Literal["email", "sms"], to: str) -> None:
    answer = await by_notify(notify, kind).send(letter(to))
    [stored] = notify.stored
    assert answer == Taken(provider_id=stored.id, delivered=False)
    assert (stored.kind, stored.to, stored.reference) == (kind, to, "notice-1:deputy/2")
    assert stored.personalisation == {"subject": "A task is overdue; please look", "message": BODY}


async def test_notify_keeps_every_repeat_of_a_reference(notify: NotifyStandIn) -> None:
    answers = [await by_notify(notify).send(letter(EMAIL)) for _ in range(3)]
    assert answers == [Taken(stored.id) for stored in notify.stored]
    assert len({stored.id for stored in notify.stored}) == 3


async def test_notify_down_is_busy_and_up_again_takes(notify: NotifyStandIn) -> None:
    adapter = by_notify(notify)
    notify.down()
    assert await adapter.send(letter(EMAIL)) == Busy("cannot connect")
    assert await adapter.look_up("notice-1") == Busy("cannot connect")
    notify.up()
    assert isinstance(await adapter.send(letter(EMAIL)), Taken)


async def test_notify_refuses_another_services_key(notify: NotifyStandIn) -> None:
    other = NotifyStandIn()
    for key in (other.api_key, f"x-{notify.service_id}-{other.secret}", f"x-{other.service_id}-{notify.secret}"):
        assert await by_notify(notify, api_key=key).send(letter(EMAIL)) == Refused("AuthError 403")
    assert notify.stored == []


async def test_notify_refuses_a_stale_token(notify: NotifyStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = int(datetime.now(UTC).timestamp()) - 31
    monkeypatch.setattr("notifications_python_client.authentication.epoch_seconds", lambda: long_ago)
    assert await by_notify(notify).send(letter(EMAIL)) == Refused("AuthError 403")


async def test_notify_refuses_what_is_no_address(notify: NotifyStandIn) -> None:
    assert await by_notify(notify).send(letter(PHONE)) == Refused("ValidationError 400")


STATUSES = {
    "delivered": "delivered",
    "permanent-failure": "undeliverable",
    "temporary-failure": "undeliverable",
    "technical-failure": "undeliverable",
    "validation-failed": "undeliverable",
    "virus-scan-failed": "undeliverable",
    "created": "on_its_way",
    "sending": "on_its_way",
    "pending": "on_its_way",
    "sent": "on_its_way",
    "accepted": "on_its_way",
    "received": "on_its_way",
    "a status of the future": "on_its_way",
}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_message_that_timed_out_is_found(notify: NotifyStandIn, status: str) -> None:
    adapter = by_notify(notify)
    assert adapter.can_look_up
    notify.sends.next(STORED_BUT_LOST)
    assert await adapter.look_up("notice-1") is None
    assert isinstance(await adapter.send(letter(EMAIL, "notice-1")), Unknown)
    [stored] = notify.stored
    stored.status = status
    assert await adapter.look_up("notice-1") == Found(stored.id, whereabouts_of(status))
    assert whereabouts_of(status) == STATUSES[status]
    assert await adapter.look_up("notice-2") is None


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        (("delivered", "sending", "permanent-failure"), 0),
        (("permanent-failure", "delivered", "sending"), 1),
        (("sending", "temporary-failure"), 0),
        (("temporary-failure", "created"), 1),
    ],
)
async def test_of_several_messages_the_best_counts(notify: NotifyStandIn, statuses: tuple[str, ...], best: int) -> None:
    adapter = by_notify(notify)
    for status in statuses:
        await adapter.send(letter(EMAIL, "notice-1"))
        notify.stored[-1].status = status
    found = await adapter.look_up("notice-1")
    assert found == Found(notify.stored[best].id, whereabouts_of(statuses[best]))


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
    "an answer without an end": (TRICKLES, Busy("no answer in time")),
}


@pytest.mark.parametrize("case", LOOK_UPS)
async def test_who_cannot_look_up_never_says_there_is_nothing(notify: NotifyStandIn, case: str) -> None:
    fault, meant = LOOK_UPS[case]
    notify.look_ups.next(fault)
    assert await by_notify(notify).look_up("notice-1") == meant


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({"api_key": "not-a-key"}, "key as Notify shows it"),
        ({"base_url": "http://notify.example"}, "https URL"),
    ],
)
def test_notify_needs_a_key_and_a_safe_url(change: dict[str, Any], right: str) -> None:
    with pytest.raises(ValueError, match=f"must be .*{right}") as raised:
        by_notify(NotifyStandIn(), **({"base_url": "https://notify.example"} | change))
    assert not any(value in str(raised.value) for value in change.values())


def test_the_stand_in_sends_receipts_as_notify_does(notify: NotifyStandIn) -> None:
    with WebhookStandIn() as callback:
        message = _stored_one(notify)
        notify.callback_url, notify.callback_token = f"{callback.url}/receipts", "invented"
        answered = notify.receipt(message, "permanent-failure", times=2)
        # This receiver asks for a signature, which Notify does not give.
        assert answered == [400, 400]
        sent = callback.asked[0]
    assert sent.headers["authorization"] == "Bearer invented"
    assert httpx.Response(200, content=sent.body).json().keys() == {
        *("id", "reference", "to", "status", "created_at", "completed_at", "sent_at"),
        *("notification_type", "template_id", "template_version"),
    }
    assert message.status == "permanent-failure"


def _stored_one(notify: NotifyStandIn) -> Any:
    from notifications_python_client.notifications import NotificationsAPIClient

    client: Any = NotificationsAPIClient(notify.api_key, base_url=notify.url)
    with client.request_session:
        fields = {"subject": "s", "message": "m"}
        taken = client.send_email_notification(EMAIL, notify.template_id, personalisation=fields, reference="r")
        assert client.get_notification_by_id(taken["id"])["status"] == "created"
    return notify.stored[0]


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
    assert await by_mail(mail).send(letter(EMAIL)) == meant
    assert len(mail.received) == stored


async def test_a_mail_server_takes_what_the_letter_says(mail: SmtpStandIn) -> None:
    answer = await by_mail(mail).send(letter(EMAIL))
    assert answer == Taken(provider_id=None, delivered=False)
    [one] = mail.received
    assert (one.sender, one.recipients) == (SENDER, (EMAIL,))
    assert (one.message["From"], one.message["To"]) == (SENDER, EMAIL)
    assert one.message["Subject"] == "A task is overdue; please look"
    assert one.message["Auto-Submitted"] == "auto-generated"
    assert abs(one.message["Date"].datetime - datetime.now(UTC)) < timedelta(minutes=1)
    assert one.message.get_content_type() == "text/plain"
    assert one.message.get_content().replace("\r\n", "\n") == BODY + "\n"


async def test_the_message_id_is_the_same_on_retry_and_another_for_another_letter(mail: SmtpStandIn) -> None:
    mail.letters.next(STORED_BUT_LOST)
    for reference in ("a:1", "a:1", "a:2", "..a 1.", "x" * 200):
        await by_mail(mail).send(letter(EMAIL, reference))
    ids = [one.message["Message-ID"] for one in mail.received]
    assert ids[0] == ids[1] == "<a%3A1@council.example>"
    assert ids[2:] == [
        "<a%3A2@council.example>",
        "<%2E%2Ea%201%2E@council.example>",
        f"<{'x' * 200}@council.example>",
    ]


@pytest.mark.parametrize(
    "to",
    [
        f"{EMAIL}\r\nBcc: somebody@else.example",
        f"{EMAIL}\nSubject: other",
        f"{EMAIL}\n",
        f"{EMAIL}, somebody@else.example",
        f"Duty worker <{EMAIL}>",
        f"{EMAIL}> NOTIFY=SUCCESS",
        "nobody",
        "@council.example",
        "",
        f"{'x' * 65}@council.example",
        f"x@{'council.' * 32}example",
    ],
)
async def test_what_is_not_one_address_never_reaches_a_mail_server(mail: SmtpStandIn, to: str) -> None:
    assert await by_mail(mail).send(letter(to)) == Refused("address")
    assert mail.received == []


@pytest.mark.parametrize("to", [EMAIL, "o'neil+duty@sub.council.example", "x@localhost"])
def test_plain_addresses_are_addresses(to: str) -> None:
    assert is_address(to)


async def test_a_subject_cannot_add_a_header(mail: SmtpStandIn) -> None:
    await by_mail(mail).send(Letter("r", EMAIL, "A task\r\nBcc: somebody@else.example", "Body"))
    [one] = mail.received
    assert one.message["Bcc"] is None
    assert one.recipients == (EMAIL,)
    assert one.message["Subject"] == "A task Bcc: somebody@else.example"


async def test_a_mail_server_down_is_busy_and_up_again_takes(mail: SmtpStandIn) -> None:
    mail.down()
    assert await by_mail(mail).send(letter(EMAIL)) == Busy("cannot connect")
    mail.up()
    assert await by_mail(mail).send(letter(EMAIL)) == Taken()


@pytest.mark.parametrize(
    ("fault", "meant"),
    [
        (None, Taken()),
        (refuses(535), Refused("smtp 535")),
        (refuses(534), Refused("smtp 534")),
        (refuses(454), Busy("smtp 454")),
    ],
)
async def test_logging_in_to_a_mail_server(mail: SmtpStandIn, fault: Fault | None, meant: Answer) -> None:
    mail.logins.always = fault
    assert await by_mail(mail, username="homeward", password="invented").send(letter(EMAIL)) == meant


async def test_a_letter_never_goes_in_the_clear_when_starttls_is_asked_for(mail: SmtpStandIn) -> None:
    assert await by_mail(mail, tls="starttls").send(letter(EMAIL)) == Refused("not offered by the server")
    assert mail.received == []


async def test_a_server_that_does_not_speak_tls_cannot_be_connected_to(mail: SmtpStandIn) -> None:
    assert await by_mail(mail, tls="tls").send(letter(EMAIL)) == Busy("cannot connect")
    assert mail.received == []


@pytest.mark.parametrize(
    ("greeting", "meant"),
    [
        (b"554 no service here\r\n", Busy("smtp 554")),
        (b"421 too many of you\r\n", Busy("smtp 421")),
        (b"hello\r\n", Busy("no answer")),
        (b"", Busy("cannot connect")),
    ],
)
async def test_a_server_that_does_not_greet_says_nothing_about_the_letter(greeting: bytes, meant: Answer) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        adapter = SmtpAdapter("127.0.0.1", port, SENDER, tls="none", timeout=SHORT)
        assert await adapter.send(letter(EMAIL)) == meant


async def test_a_mail_server_cannot_be_asked(mail: SmtpStandIn) -> None:
    adapter = by_mail(mail)
    assert not adapter.can_look_up
    assert await adapter.look_up("notice-1") is None


def test_a_sender_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="must be one plain e-mail address"):
        SmtpAdapter("127.0.0.1", 25, "Homeward\r\nBcc: x@y.example")


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
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == meant
    assert len(hooks.received) == stored
    assert len(hooks.asked) == 1


async def test_a_receiver_gets_what_the_letter_says_signed(hooks: WebhookStandIn) -> None:
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Taken(delivered=True)
    [one] = hooks.received
    assert (one.webhook_id, one.body) == ("notice-1:deputy/2", {"notice": "n-1", "title": "Überfällig"})
    assert hooks.asked[0].headers["content-type"] == "application/json"
    assert hooks.asked[0].path == HOOK_PATH


async def test_a_receiver_tells_repeats_apart(hooks: WebhookStandIn) -> None:
    hooks.posts.next(STORED_BUT_LOST)
    for reference in ("a", "a", "b"):
        await by_hook().send(letter(hooks.url, reference))
    assert len(hooks.received) == 3
    assert list(hooks.distinct) == ["a", "b"]


async def test_a_receiver_refuses_another_secret_and_an_old_timestamp(hooks: WebhookStandIn) -> None:
    assert await by_hook("whsec_b3RoZXI=").send(letter(hooks.url)) == Refused("http 400")
    hooks.clock_ahead = timedelta(minutes=6)
    assert await by_hook().send(letter(hooks.url)) == Refused("http 400")
    assert hooks.received == []


async def test_a_receiver_down_is_busy_and_up_again_takes(hooks: WebhookStandIn) -> None:
    hooks.down()
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Busy("cannot connect")
    hooks.up()
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Taken(delivered=True)


async def test_a_receiver_that_does_not_speak_tls_got_nothing(hooks: WebhookStandIn) -> None:
    url = hooks.url.replace("http://", "https://")
    assert await by_hook().send(letter(url)) == Busy("cannot connect")
    assert hooks.received == []


async def test_a_receiver_cannot_be_asked() -> None:
    adapter = by_hook()
    assert not adapter.can_look_up
    assert await adapter.look_up("notice-1") is None


UNSAFE = [
    "http://council.example/hooks",
    "ftp://council.example/hooks",
    "https://",
    "https://name:password@council.example/",
    "https://council.example:99999/",
    "https://council.example:0/",
    "https://council example/",
    "https://council.example/\n",
    "council.example",
    "",
]


@pytest.mark.parametrize("url", UNSAFE)
async def test_letters_go_to_safe_urls_only(url: str) -> None:
    with pytest.raises(ValueError, match="must be an https URL"):
        checked_url(url)
    assert await by_hook().send(letter(url)) == Refused("address")


@pytest.mark.parametrize(
    "url", ["https://council.example/x", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost"]
)
def test_https_and_this_machine_itself_are_safe(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize("secret", ["", "whsec_", "aW52ZW50ZWQ=", "whsec_***", "whsec_aW52ZW50Z", "whsec_ä"])
def test_a_secret_must_be_one_of_standard_webhooks(secret: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_ followed by base64"):
        by_hook(secret)


NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("86400", timedelta(days=1)),
        ("Wed, 10 Jun 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 12:01:30 -0000", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 13:01:30 +0100", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 11:00:00 GMT", timedelta(0)),
        ("Wed, 10 Jun 2099 11:00:00 GMT", None),
        ("86401", None),
        ("9" * 400, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOON) == wait


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


def test_certificates_are_checked() -> None:
    trusted = by_hook()._trusted
    assert trusted.verify_mode == ssl.CERT_REQUIRED
    assert trusted.check_hostname
