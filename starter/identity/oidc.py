"""Signing in at a provider, by code with PKCE; and the tokens that it issued to systems.

The browser holds one secret of a sign-in, in a cookie. Nonce and verifier are
made of it and of the state, and kept nowhere.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from activities.store import Store
from activities.store.sessions import SignIn, keep_sign_in, take_sign_in
from starter.access import Principal
from starter.identity.asking import IssuerAwayError, NotSignedInError
from starter.identity.claims import ClaimNames, KnownSystems, person_of, system_of
from starter.identity.provider import CodeRefusedError, Provider
from starter.identity.secrets import digest_of, new_token
from starter.identity.tokens import BadTokenError, Expected, checked_claims

SIGN_IN_LIVES: Final = timedelta(minutes=10)
"""How long somebody may take to sign in at the provider."""


class Failed(StrEnum):
    """Why a sign-in came to nothing."""

    BEGIN_AGAIN = "begin_again"
    REFUSED = "refused"
    AWAY = "away"
    UNUSABLE = "unusable"
    NOBODY = "nobody"


class SignInFailedError(Exception):
    """A sign-in came to nothing; `why` says which page to show."""

    def __init__(self, why: Failed) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, repr=False)
class Begun:
    """A sign-in that was begun: where the browser goes, and the secret it keeps meanwhile."""

    url: str
    browser: str


class ProviderSignIn:
    """People signing in at a provider."""

    def __init__(self, provider: Provider, names: ClaimNames, store: Store) -> None:
        self._provider = provider
        self._names = names
        self._store = store

    async def begin(self, back_to: str, now: datetime) -> Begun:
        """Begin a sign-in that goes back to a path of ours. `now` is UTC.

        Raises IssuerAwayError or StoreUnavailableError.
        """
        state, browser = new_token(), new_token()
        url = await self._provider.sign_in_url(
            state, _made_of("nonce", browser, state), _made_of("verifier", browser, state), now
        )
        begun = SignIn(state_digest=digest_of(state), browser_digest=digest_of(browser), back_to=back_to, begun_at=now)
        async with self._store.session() as session:
            await keep_sign_in(session, begun, now - SIGN_IN_LIVES)
        return Begun(url, browser)

    async def finish(self, said: Mapping[str, str], browser: str, now: datetime) -> tuple[Principal, str]:
        """Who signed in, and to which path they go back, by what the provider had the browser bring. `now` is UTC.

        A state is good once, and in the browser that began with it. Raises
        SignInFailedError or StoreUnavailableError.
        """
        state = said.get("state", "")
        async with self._store.session() as session:
            back_to = await take_sign_in(session, digest_of(state), digest_of(browser), now - SIGN_IN_LIVES)
        if back_to is None:
            raise SignInFailedError(Failed.BEGIN_AGAIN)
        if said.get("iss", self._provider.issuer) != self._provider.issuer:
            raise SignInFailedError(Failed.UNUSABLE)
        code = said.get("code")
        if not code or "error" in said:
            raise SignInFailedError(Failed.REFUSED)
        return await self._person(code, browser, state, now), back_to

    async def _person(self, code: str, browser: str, state: str, now: datetime) -> Principal:
        client = self._provider.client.client_id
        expected = Expected(self._provider.issuer, client, client, _made_of("nonce", browser, state))
        try:
            token = await self._provider.redeem(code, _made_of("verifier", browser, state), now)
            claims = await checked_claims(token, expected, self._provider.find_key, now)
            return person_of(claims, self._names)
        except IssuerAwayError:
            raise SignInFailedError(Failed.AWAY) from None
        except (CodeRefusedError, BadTokenError):
            raise SignInFailedError(Failed.UNUSABLE) from None
        except NotSignedInError:
            raise SignInFailedError(Failed.NOBODY) from None


class ProviderTokens:
    """The tokens that a provider issued to the systems that are known."""

    def __init__(self, provider: Provider, names: ClaimNames, audience: str, systems: KnownSystems) -> None:
        self._provider = provider
        self._names = names
        self._systems = systems
        self._expected = Expected(provider.issuer, audience)

    async def principal_of_token(self, token: str, now: datetime) -> Principal:
        """Whom a token was issued to. `now` is UTC. Raises NotSignedInError or IssuerAwayError."""
        try:
            claims = await checked_claims(token, self._expected, self._provider.find_key, now)
        except BadTokenError as bad:
            raise NotSignedInError(f"the token is not good: {bad}") from None
        return system_of(claims, self._names, self._systems)


def _made_of(what: str, browser: str, state: str) -> str:
    """43 characters that only whoever knows both secrets can make."""
    digest = hashlib.sha256(f"{what}/{browser}/{state}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
