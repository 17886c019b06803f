"""Where the engine is, and how it is spoken to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
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
        certificate = _read("engine_tls_certificate", self.certificate, "a certificate", x509.load_pem_x509_certificate)
        key = _read("engine_tls_key", self.key, "a key without a passphrase", _usable_key)
        if certificate and key and not _fit(certificate, key):
            raise ValueError("engine_tls_key: must be the key of engine_tls_certificate")
        return TLSConfig(
            server_root_ca_cert=_read("engine_tls_ca", self.ca, "certificates", x509.load_pem_x509_certificates),
            client_cert=certificate,
            client_private_key=key,
            domain=self.name or None,
        )


def require_host_and_port(address: str) -> str:
    """An address such as engine.example:7233, or nothing. Raises ValueError."""
    host, _, port = address.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port) < _PORTS
    if address and not (is_port and _HOST.fullmatch(host)):
        raise ValueError("must be host:port, such as engine.example:7233")
    return address


def require_name_of_file(value: object) -> object:
    """A file's name; nothing where it is empty.

    Raises ValueError where it is what a file holds, without a word of it: it may be a key.
    """
    if isinstance(value, str) and ("-----" in value or "\n" in value.strip() or "\0" in value):
        raise ValueError("must be the name of a file, and not what it holds")
    return value or None


_PORTS: Final = 65536
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


def _read(setting: str, file: Path | None, what: str, parse: Callable[[bytes], object]) -> bytes | None:
    if file is None:
        return None
    try:
        pem = file.read_bytes()
    except OSError as error:
        raise ValueError(f"{setting}: {file} cannot be read: {error.strerror}") from None
    try:
        parse(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise ValueError(f"{setting}: {file} must hold {what} in PEM") from None
    return pem


def _usable_key(pem: bytes) -> PrivateKeyTypes:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise UnsupportedAlgorithm("TLS with the engine takes RSA, elliptic curves and Ed25519")
    return key


def _fit(certificate: bytes, key: bytes) -> bool:
    shown = x509.load_pem_x509_certificate(certificate).public_key()
    return shown == _usable_key(key).public_key()
