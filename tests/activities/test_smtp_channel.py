"""E-mail: what a letter looks like, and what never becomes one."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from activities.channels.base import Answer, Busy, Letter, Refused, Taken
from activities.channels.smtp import GOODBYE_SECONDS, SmtpAdapter, is_address
from tests.activities.letters import BODY, EMAIL, PATIENT, SENDER, SHORT, by_mail, letter
from tests.standins.faults import SILENT, STORED_BUT_LOST, Fault, refuses
from tests.standins.smtp import SmtpStandIn


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


@pytest.mark.parametrize("to", [EMAIL, "o'neil+duty@sub.council.example"])
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
        adapter = SmtpAdapter("127.0.0.1", port, SENDER, tls="none", timeout=PATIENT)
        assert await adapter.send(letter(EMAIL)) == meant


@pytest.mark.parametrize("fault", [None, refuses(550)])
async def test_who_has_an_answer_says_goodbye(mail: SmtpStandIn, fault: Fault | None) -> None:
    mail.recipients.next(fault)
    await by_mail(mail).send(letter(EMAIL))
    assert mail.goodbyes == 1


async def test_who_waited_in_vain_does_not_wait_for_a_goodbye(mail: SmtpStandIn) -> None:
    mail.recipients.next(SILENT)
    began = time.monotonic()
    await by_mail(mail, timeout=SHORT).send(letter(EMAIL))
    assert time.monotonic() - began < SHORT + GOODBYE_SECONDS


async def test_a_mail_server_cannot_be_asked(mail: SmtpStandIn) -> None:
    adapter = by_mail(mail)
    assert not adapter.can_look_up
    assert await adapter.look_up("notice-1") is None


def test_a_sender_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="must be one plain e-mail address"):
        SmtpAdapter("127.0.0.1", 25, "Homeward\r\nBcc: x@y.example")
