"""Certificates made for tests: one's own signing, or that of an authority made for tests; and ports that show them."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SOON_ENOUGH = timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A certificate and its key, in files of their own (PEM), and in one."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    certificate_file: Path
    key_file: Path
    both: Path


def made(folder: Path, called: str, until: datetime | None = None, by: Made | None = None) -> Made:
    """A certificate for a name, good until an instant (UTC; a day from now), by an authority or by itself."""
    until = until or datetime.now(UTC) + _SOON_ENOUGH
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    issuer = by.certificate.subject if by else name
    builder = x509.CertificateBuilder(issuer, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(min(until, datetime.now(UTC)) - timedelta(days=90)).not_valid_after(until)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(called)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
    certificate = builder.sign(by.key if by else key, hashes.SHA256())
    shown = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files = [folder / f"{called}.{part}.pem" for part in ("certificate", "key", "both")]
    for file, pem in zip(files, (shown, secret, secret + shown), strict=True):
        file.write_bytes(pem)
    return Made(certificate, key, *files)


@asynccontextmanager
async def self_signed(folder: Path, until: datetime) -> AsyncGenerator[int]:
    """Show a certificate that is good until an instant (UTC); the port at which it is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made(folder, "invented.example", until).both)
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context) as server:
        yield int(server.sockets[0].getsockname()[1])


@asynccontextmanager
async def by_tls_only(
    to: str, shows: Made, asks_of: Made, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> AsyncGenerator[int]:
    """A port that speaks HTTP/2 by TLS alone, for whoever shows a certificate of an authority, in front of another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shows.both)
    context.load_verify_locations(asks_of.certificate_file)
    context.verify_mode = ssl.CERT_REQUIRED
    context.set_alpn_protocols(["h2"])
    context.maximum_version = newest
    host, _, port = to.rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65536):
                writer.write(part)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    under_way: set[asyncio.Task[None] | None] = set()

    async def between(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        under_way.add(asyncio.current_task())
        back, forth = await asyncio.open_connection(host, int(port))
        await asyncio.gather(carry(reader, forth), carry(back, writer))

    async with await asyncio.start_server(between, "127.0.0.1", 0, ssl=context) as server:
        yield int(server.sockets[0].getsockname()[1])
    for one in under_way:
        if one:
            one.cancel()
