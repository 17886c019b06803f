"""A mail server on a free port of 127.0.0.1, that can go down and come up again."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace, TracebackType
from typing import Any, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from tests.standins.faults import Fault, Faults
from tests.standins.http_server import LONGEST_SILENCE_SECONDS

# aiosmtpd writes down every recipient; in one process with what is tested, that would hide who did.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Mail:
    """A letter as it was taken."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage


class SmtpStandIn:
    """The mail server. Faults wait for each step of a letter: `logins`, `senders`, `recipients`, `letters`.

    `on_store` is called when a letter is kept and not yet answered. `goodbyes`
    counts who left as a client should.
    """

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Mail] = []
        self.goodbyes = 0
        self.logins = Faults()
        self.senders = Faults()
        self.recipients = Faults()
        self.letters = Faults()
        self.on_store: Callable[[Mail], None] | None = None
        self._controller: _Controller | None = None

    def up(self) -> None:
        """Listen: on a free port the first time, on the same one ever after."""
        self._controller = _Controller(self, self.port)
        self._controller.start()
        self.port = self._controller.port

    def down(self) -> None:
        """Stop listening, and drop who is connected."""
        if self._controller:
            self._controller.drop_all()
            self._controller.stop()
            self._controller = None

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        mail = Mail(str(envelope.mail_from), tuple(map(str, envelope.rcpt_tos)), message)
        self.received.append(mail)
        if self.on_store:
            self.on_store(mail)

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.down()

    def hooks(self) -> object:
        """What aiosmtpd calls, by its names for it."""
        return SimpleNamespace(
            handle_MAIL=self._sender,
            handle_RCPT=self._recipient,
            handle_DATA=self._letter,
            handle_QUIT=self._goodbye,
        )

    def login(self, *_: object) -> AuthResult:
        """Every name and password is right, unless a fault says otherwise."""
        fault = self.logins.take()
        if fault and fault.code:
            return AuthResult(success=False, handled=False, message=f"{fault.code} said by the stand-in")
        return AuthResult(success=True)

    async def _sender(self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        refusal = await _suffer(self.senders.take(), server, address)
        if refusal is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return refusal or "250 OK"

    async def _recipient(self, server: SMTP, _: Session, envelope: Envelope, address: str, __: list[str]) -> str:
        refusal = await _suffer(self.recipients.take(), server, address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def _letter(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        fault = self.letters.take()
        if fault is None or fault.keeps:
            self._keep(envelope)
        return await _suffer(fault, server, str(envelope.rcpt_tos[0])) or "250 OK"

    async def _goodbye(self, *_: object) -> str:
        self.goodbyes += 1
        return "221 Bye"


async def _suffer(fault: Fault | None, server: SMTP, address: str) -> str | None:
    """Let a fault happen; the reply it gives, if it gives one. A real server quotes the address, so this one does."""
    if fault is None:
        return None
    await asyncio.sleep(LONGEST_SILENCE_SECONDS if fault.ending == "silence" else fault.wait_seconds)
    if fault.ending == "hang_up" and isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
        # aborting cancels this very task, at its next breath
        await asyncio.sleep(LONGEST_SILENCE_SECONDS)
    return f"{fault.code} <{address}> said by the stand-in" if fault.code else None


class _Controller(Controller):
    """aiosmtpd's, taught to find a free port and to let go of its connections."""

    def __init__(self, stand_in: SmtpStandIn, port: int) -> None:
        self._sessions: list[SMTP] = []
        cast("Any", super()).__init__(
            stand_in.hooks(),
            hostname="127.0.0.1",
            port=port,
            server_hostname="stand-in.example",
            authenticator=stand_in.login,
            auth_require_tls=False,
        )

    def factory(self) -> SMTP:
        one = SMTP(self.handler, **self.SMTP_kwargs)
        self._sessions.append(one)
        return one

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = int(self.server.sockets[0].getsockname()[1])
        super()._trigger_server()

    def drop_all(self) -> None:
        asyncio.run_coroutine_threadsafe(self._drop_all(), self.loop).result(timeout=5)

    async def _drop_all(self) -> None:
        for one in self._sessions:
            if isinstance(one.transport, asyncio.Transport):
                one.transport.abort()
        await asyncio.sleep(0.01)
