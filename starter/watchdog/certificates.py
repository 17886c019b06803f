"""Until when a certificate is good: one that somebody is shown who connects, or one in a file."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Shown:
    """Where a certificate is shown: to whoever asks for it by a name, and shows one itself where that is wanted."""

    host: str
    port: int
    called: str = ""
    shows: tuple[Path, Path] | None = None

    def __str__(self) -> str:
        """The host and port."""
        return f"{self.host}:{self.port}"


async def good_until(shown_at: Shown) -> datetime:
    """Until when (UTC) the certificate is good that is shown at a TLS port.

    Whether it is trusted is not asked, so that one that has ended is seen too.
    Raises OSError when there is none to be had in time.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown_at.shows:
        # What is wrong with ours is told apart from this.
        with suppress(OSError):
            context.load_cert_chain(*shown_at.shows)
    host, port, called = shown_at.host, shown_at.port, shown_at.called or shown_at.host
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=called)
    except TimeoutError as error:
        raise OSError("it does not answer in time") from error
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return x509.load_der_x509_certificate(shown).not_valid_after_utc


def file_good_until(file: Path) -> datetime:
    """Until when (UTC) the first certificate of a file (PEM) is good. Raises OSError when there is none to be had."""
    try:
        return x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
    except (ValueError, x509.InvalidVersion) as error:
        raise OSError("there is no certificate in it") from error
