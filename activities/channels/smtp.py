"""E-mail through an authority's own server.

A server can take a letter and be lost before it says so: once the letter was
being handed over, silence is Unknown. Before that, nothing can have been taken.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as OVER_THE_WIRE
from email.utils import format_datetime
from typing import Final, Literal
from urllib.parse import quote

import aiosmtplib

from activities.channels.base import ATTEMPT_SECONDS, Answer, Busy, Letter, Refused, Taken, Unknown
from workflows.contacts import read_email

GOODBYE_SECONDS: Final = 1.0
"""How long the server may take over QUIT, when the letter's fate is known already."""


def is_address(text: str) -> bool:
    """Whether text is one plain e-mail address and nothing more: no name, no second address, no line break."""
    try:
        return bool(read_email(text))
    except ValueError:
        return False


@dataclass
class _Progress:
    """How far a letter has come."""

    handing_over: bool = False


class SmtpAdapter:
    """One e-mail server, and the address that Homeward writes from.

    `tls` is "none", "starttls" (which the server must offer) or "tls" from the
    first byte; `timeout` is in seconds. Raises ValueError for a sender that is
    not an address.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        username: str | None = None,
        password: str | None = None,
        tls: Literal["none", "starttls", "tls"] = "starttls",
        timeout: float = ATTEMPT_SECONDS,
    ) -> None:
        if not is_address(sender):
            raise ValueError("must be one plain e-mail address")
        self._host = host
        self._port = port
        self._sender = sender
        self._domain = sender.rpartition("@")[2]
        self._username = username
        self._password = password
        self._tls = tls
        self._timeout = timeout

    @property
    def can_look_up(self) -> bool:
        """A mail server cannot be asked for a letter."""
        return False

    async def send(self, letter: Letter) -> Answer:
        """Hand a letter over, once. Taken by the server is not yet delivered."""
        if not is_address(letter.to):
            return Refused("address")
        server = self._server()
        progress = _Progress()
        try:
            async with asyncio.timeout(self._timeout):
                await self._hand_over(server, letter, progress)
        except (aiosmtplib.SMTPException, OSError) as error:
            if isinstance(error, TimeoutError):
                server.close()
            return _failure(error, progress)
        finally:
            await _hang_up(server)
        return Taken()

    async def look_up(self, reference: str) -> None:
        """Nothing, ever: see can_look_up."""
        del reference

    def _server(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            # Otherwise this machine's own name is looked up, which can take long, and shown.
            local_hostname=self._domain,
            use_tls=self._tls == "tls",
            start_tls=self._tls == "starttls",
            # One limit holds for the whole letter, not one for each step.
            timeout=None,
        )

    async def _hand_over(self, server: aiosmtplib.SMTP, letter: Letter, progress: _Progress) -> None:
        await server.connect()
        if self._username is not None:
            await server.login(self._username, self._password or "")
        await server.mail(self._sender)
        await server.rcpt(letter.to)
        message = self._message(letter).as_bytes()
        progress.handing_over = True
        await server.data(message)

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=OVER_THE_WIRE)
        message["From"] = self._sender
        message["To"] = letter.to
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = f"<{_quoted(letter.reference)}@{self._domain}>"
        # Nobody's absence note should answer a machine (RFC 3834).
        message["Auto-Submitted"] = "auto-generated"
        # Quoted-printable passes servers that take seven bits only.
        message.set_content(letter.body, charset="utf-8", cte="quoted-printable")
        return message


def _quoted(reference: str) -> str:
    """A reference as a Message-ID may hold it: EmailMessage cuts an id off, silently, at what may not be there."""
    return quote(reference, safe="").replace(".", "%2E")


def _failure(error: aiosmtplib.SMTPException | OSError, progress: _Progress) -> Answer:
    # A server that will not even greet says nothing about the letter, whatever its code.
    code = error.code if isinstance(error, aiosmtplib.SMTPResponseException) else 0
    if 500 <= code < 600 and not isinstance(error, aiosmtplib.SMTPConnectError):
        return Refused(f"smtp {code}")
    if 400 <= code < 600:
        return Busy(f"smtp {code}")
    if progress.handing_over:
        return Unknown("no answer")
    if isinstance(error, OSError) or code:
        return Busy("cannot connect" if isinstance(error, aiosmtplib.SMTPConnectError) else "no answer")
    # What is left are things the settings ask for and the server does not have: STARTTLS, or a way to log in.
    return Refused("not offered by the server")


async def _hang_up(server: aiosmtplib.SMTP) -> None:
    if server.is_connected:
        with suppress(aiosmtplib.SMTPException, OSError):
            await server.quit(timeout=GOODBYE_SECONDS)
    server.close()
