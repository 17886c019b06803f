"""Whether a signed token is what it says: its signature, who issued it, for whom, and when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from starter.identity.claims import Claims

LEEWAY_SECONDS: Final = 60
"""By so much the provider's clock and ours may differ."""

_KEYS_OF: Final[dict[str, type[Key]]] = {
    "RS256": RSAKey,
    "PS256": RSAKey,
    "ES256": ECKey,
    "EdDSA": OKPKey,
    "Ed25519": OKPKey,
}
"""The ways of signing that are taken, each with its kind of key: none without a key, none by a shared secret."""

_CURVE_OF: Final = {"ES256": "P-256", "EdDSA": "Ed25519", "Ed25519": "Ed25519"}
_TYPES: Final = frozenset({"jwt", "at+jwt", "application/at+jwt"})


class BadTokenError(Exception):
    """A token is not to be believed. Its text is one line, and repeats nothing of the token."""


@dataclass(frozen=True)
class Expected:
    """What a token must say: who issued it and for whom.

    `client` and `nonce` are of an ID token: to which client it went and for
    which sign-in it was made.
    """

    issuer: str
    audience: str
    client: str | None = None
    nonce: str | None = None


KeyFinder = Callable[[str | None, Callable[[Key], bool], datetime], Awaitable[Key | None]]
"""Finds the issuer's key by its id, of those that will do, at a moment (UTC); without an id, the only one."""


async def checked_claims(token: str, expected: Expected, find_key: KeyFinder, now: datetime) -> Claims:
    """The claims of a token that is what it says, at `now` (UTC). Raises BadTokenError or IssuerAwayError."""
    try:
        header = extract_compact(token.encode(), registry=_REGISTRY).headers()
    except (JoseError, ValueError, RecursionError):
        raise BadTokenError("it is no signed token") from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in _KEYS_OF or str(header.get("typ", "JWT")).lower() not in _TYPES:
        raise BadTokenError("it is signed in a way, or is of a type, that is not taken")
    key = await find_key(key_id if isinstance(key_id, str) else None, _fits(str(algorithm)), now)
    if key is None:
        raise BadTokenError("it is signed with a key that the issuer does not have")
    try:
        claims = jwt.decode(token, key, registry=_REGISTRY).claims
        _registry(expected, now).validate(claims)
    except (JoseError, ValueError, RecursionError):
        # What joserfc says can repeat what the token says.
        raise BadTokenError("its signature, issuer, audience or time is not right") from None
    _check_client(claims, expected)
    return claims


class _Registry(JWSRegistry):
    """Takes the algorithms above, and headers as large as those with certificates are."""

    max_header_length = 8192

    def get_alg(self, name: str) -> Any:
        """The algorithm of a name. The name EdDSA is old, and is what providers write."""
        if name not in _KEYS_OF:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRY: Final = _Registry(strict_check_header=False)


def _fits(algorithm: str) -> Callable[[Key], bool]:
    def fits(key: Key) -> bool:
        about = cast("dict[str, Any]", key.as_dict(private=False))
        on_its_curve = _CURVE_OF.get(algorithm) in (None, about.get("crv"))
        for_signing = about.get("use", "sig") == "sig" and about.get("alg", algorithm) == algorithm
        return isinstance(key, _KEYS_OF[algorithm]) and on_its_curve and for_signing

    return fits


def _registry(expected: Expected, now: datetime) -> JWTClaimsRegistry:
    must: dict[str, ClaimsOption] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.audience},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    return JWTClaimsRegistry(now=int(now.timestamp()), leeway=LEEWAY_SECONDS, **must)


def _check_client(claims: dict[str, Any], expected: Expected) -> None:
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise BadTokenError("it was made for another sign-in")
    if expected.client is None:
        return
    client = claims.get("azp")
    if client not in (None, expected.client) or (
        client is None and claims["aud"] not in (expected.client, [expected.client])
    ):
        raise BadTokenError("it was made for another client")
