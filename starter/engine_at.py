"""Where the engine is, and how it is spoken to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from temporalio.service import TLSConfig


@dataclass(frozen=True)
class EngineAt:
    """The engine's host:port, and how TLS is spoken with it; without, in plain text."""

    address: str
    tls: TLSConfig | None = None

    def __str__(self) -> str:
        """The address alone: it stands in what people and logs are told."""
        return self.address


@dataclass(frozen=True)
class TlsFiles:
    """Files in PEM for speaking TLS with the engine, and the name its certificate bears if not that of its address."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    name: str = ""

    def read(self) -> TLSConfig:
        """What the files say. Raises ValueError, naming the setting and what would be right."""
        if (self.certificate is None) is not (self.key is None):
            raise ValueError("engine_tls_key: must be given together with engine_tls_certificate")
        return TLSConfig(
            server_root_ca_cert=_read("engine_tls_ca", self.ca, x509.load_pem_x509_certificates),
            client_cert=_read("engine_tls_certificate", self.certificate, x509.load_pem_x509_certificates),
            client_private_key=_read("engine_tls_key", self.key, lambda pem: load_pem_private_key(pem, None)),
            domain=self.name or None,
        )


def _read(setting: str, file: Path | None, parse: Callable[[bytes], object]) -> bytes | None:
    if file is None:
        return None
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{setting}: {file} cannot be read: {error.strerror}") from None
    try:
        parse(pem)
    except (ValueError, TypeError):
        raise ValueError(f"{setting}: {file} must hold PEM without a passphrase") from None
    return pem
