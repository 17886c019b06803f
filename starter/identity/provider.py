"""The OIDC provider, asked as seldom as can be: where its doors are, which keys it signs with, a code redeemed.

What it said is kept, and goes on being believed while it is away. Nothing it
says in words is repeated.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar, cast

import httpx
from authlib.oauth2.rfc6749 import parameters  # pyright: ignore[reportMissingTypeStubs]
from authlib.oauth2.rfc7636 import challenge  # pyright: ignore[reportMissingTypeStubs]
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from activities.channels.web import checked_url
from starter.identity.asking import IssuerAwayError

KEPT_FOR: Final = timedelta(hours=1)
"""How long what the provider said is believed before it is asked again."""

ASKED_AGAIN_AFTER: Final = timedelta(minutes=1)
"""An unknown key is looked for no more often: tokens with invented keys must not make us ask all the time."""

SILENT_FOR: Final = timedelta(seconds=10)
"""After a silence the provider is not asked again for so long."""

_ANSWER_SECONDS: Final = 5.0
_LARGEST_ANSWER: Final = 512 * 1024
_SCOPES: Final = "openid profile"
_OK: Final = 200
_FAILS: Final = 500

# Authlib has no types of its own.
_authorization_url = cast("Callable[..., str]", parameters.prepare_grant_uri)  # pyright: ignore[reportUnknownMemberType]
_token_request = cast("Callable[..., str]", parameters.prepare_token_request)  # pyright: ignore[reportUnknownMemberType]
_s256 = cast("Callable[[str], str]", challenge.create_s256_code_challenge)  # pyright: ignore[reportUnknownMemberType]

log = logging.getLogger("homeward.service")

Answer = TypeVar("Answer")


class Doors(BaseModel):
    """What the provider says of itself (OpenID Connect Discovery); an address that is not safe is none."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    @field_validator("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint")
    @classmethod
    def _safe(cls, url: str | None) -> str | None:
        return checked_url(url) if url else None


class CodeRefusedError(Exception):
    """The provider gave no token for a code. Its text is one line of ours."""


class _Kept(Generic[Answer]):
    """An answer of the provider's, asked for again when it is old, and kept when there is no newer one."""

    def __init__(self, ask: Callable[[datetime], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()
        self._answer: tuple[Answer, datetime] | None = None
        self._asked_at: datetime | None = None

    async def get(self, now: datetime) -> Answer:
        """The answer. Raises IssuerAwayError when there is none, old or new."""
        async with self._lock:
            if self._answer and now - self._answer[1] < KEPT_FOR:
                return self._answer[0]
            return await self._again(now, SILENT_FOR)

    async def get_newer(self, now: datetime) -> Answer:
        """The answer, asked for again unless that was done just before. Raises IssuerAwayError."""
        async with self._lock:
            return await self._again(now, ASKED_AGAIN_AFTER if self._answer else SILENT_FOR)

    async def _again(self, now: datetime, after: timedelta) -> Answer:
        if self._asked_at is None or now - self._asked_at >= after:
            self._asked_at = now
            try:
                self._answer = await self._ask(now), now
            except IssuerAwayError as away:
                log.warning("%s", away)
        if self._answer is None:
            raise IssuerAwayError("the provider that vouches for people and systems does not answer")
        return self._answer[0]


@dataclass(frozen=True)
class Client:
    """What this service is to the provider. Without a secret it is a public client."""

    client_id: str
    secret: SecretStr
    comes_back_to: str


class Provider:
    """One provider, by its issuer."""

    def __init__(self, issuer: str, client: Client) -> None:
        self.issuer = issuer
        self.client = client
        self._doors = _Kept(self._ask_doors)
        self._keys = _Kept(self._ask_keys)

    async def check(self, now: datetime) -> None:
        """Raise IssuerAwayError unless the provider answers, is the one it should be, and has keys."""
        await self._keys.get(now)

    async def sign_in_url(self, state: str, nonce: str, verifier: str, now: datetime) -> str:
        """Where a browser signs in. Raises IssuerAwayError."""
        doors = await self._doors.get(now)
        return _authorization_url(
            doors.authorization_endpoint,
            self.client.client_id,
            "code",
            redirect_uri=self.client.comes_back_to,
            scope=_SCOPES,
            state=state,
            nonce=nonce,
            code_challenge=_s256(verifier),
            code_challenge_method="S256",
        )

    async def sign_out_url(self, goes_on_to: str, now: datetime) -> str | None:
        """Where a browser signs out at the provider too; None when it has no such door, or does not answer."""
        try:
            doors = await self._doors.get(now)
        except IssuerAwayError:
            return None
        if doors.end_session_endpoint is None:
            return None
        about = {"client_id": self.client.client_id, "post_logout_redirect_uri": goes_on_to}
        return str(httpx.URL(doors.end_session_endpoint).copy_merge_params(about))

    async def redeem(self, code: str, verifier: str, now: datetime) -> str:
        """The ID token for a code. Raises CodeRefusedError or IssuerAwayError."""
        doors = await self._doors.get(now)
        about: dict[str, str] = {"code": code, "code_verifier": verifier}
        secret = self.client.secret.get_secret_value()
        auth = None
        if secret and "client_secret_basic" in doors.token_endpoint_auth_methods_supported:
            auth = httpx.BasicAuth(_form_encoded(self.client.client_id), _form_encoded(secret))
        else:
            about |= {"client_id": self.client.client_id, **({"client_secret": secret} if secret else {})}
        body = _token_request("authorization_code", redirect_uri=self.client.comes_back_to, **about)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, said = await _asked("POST", doors.token_endpoint, content=body, headers=headers, auth=auth)
        token = said.get("id_token") if status == _OK else None
        if not isinstance(token, str):
            raise CodeRefusedError("the provider gave no ID token for the code")
        return token

    async def find_key(self, key_id: str | None, fits: Callable[[Key], bool], now: datetime) -> Key | None:
        """The provider's key of an id, or without one the only key that fits; None if there is none.

        A key that is not known is looked for at the provider, once in a while.
        Raises IssuerAwayError when no keys are known at all.
        """
        return _chosen(await self._keys.get(now), key_id, fits) or _chosen(
            await self._keys.get_newer(now), key_id, fits
        )

    async def _ask_doors(self, _now: datetime) -> Doors:
        status, said = await _asked("GET", f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            doors = Doors.model_validate(said)
        except ValidationError:
            doors = None
        if status != _OK or doors is None or doors.issuer != self.issuer:
            raise IssuerAwayError("the provider's discovery document is not that of HOMEWARD_OIDC_ISSUER")
        return doors

    async def _ask_keys(self, now: datetime) -> list[Key]:
        doors = await self._doors.get(now)
        status, said = await _asked("GET", doors.jwks_uri)
        written = said.get("keys")
        if status != _OK or not isinstance(written, list):
            raise IssuerAwayError("the provider's keys cannot be read")
        return list(filter(None, map(_key, cast("list[object]", written))))


def _chosen(keys: list[Key], key_id: str | None, fits: Callable[[Key], bool]) -> Key | None:
    fitting = [key for key in keys if fits(key)]
    if key_id is not None:
        return next((key for key in fitting if key.kid == key_id), None)
    return fitting[0] if len(fitting) == 1 else None


def _key(written: object) -> Key | None:
    """A key of the provider's; None for one that cannot be used."""
    try:
        return JWKRegistry.import_key(cast("dict[str, Any]", written)) if isinstance(written, dict) else None
    except (JoseError, ValueError, TypeError):
        return None


def _form_encoded(word: str) -> str:
    """As RFC 6749 has a client write its id and secret in an Authorization header."""
    return str(httpx.QueryParams({"": word}))[1:]


async def _asked(method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
    """The status and JSON object that the provider answers. Raises IssuerAwayError, in words of ours."""
    body = bytearray()
    try:
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            httpx.AsyncClient(timeout=_ANSWER_SECONDS, trust_env=False) as client,
            client.stream(method, url, **more) as answer,
        ):
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise IssuerAwayError("the provider's answer is too large")
    except (httpx.HTTPError, TimeoutError):
        raise IssuerAwayError("the provider that vouches for people and systems does not answer") from None
    if answer.status_code >= _FAILS:
        raise IssuerAwayError("the provider that vouches for people and systems fails")
    try:
        said: object = json.loads(body)
    except ValueError:
        said = None
    return answer.status_code, cast("dict[str, Any]", said) if isinstance(said, dict) else {}
