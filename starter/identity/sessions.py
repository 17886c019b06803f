"""Sessions of people: begun at sign-in under a new token each time, ended by silence, by age, or by sign-out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import Store
from activities.store import accounts as store_accounts
from activities.store import sessions as store_sessions
from activities.store.accounts import Account
from activities.store.sessions import WebSession
from starter.access import Principal
from starter.identity.accounts import principal_id_of, principal_of
from starter.identity.asking import NotSignedInError
from starter.identity.secrets import digest_of, new_token

_NOTED_EVERY: Final = timedelta(minutes=1)
"""That a session was used is written down no more often."""


@dataclass(frozen=True)
class SessionLimits:
    """How long a session lives unused, and how long at most."""

    idle: timedelta
    absolute: timedelta


class Sessions:
    """The sessions of a store. `local` says whose count: those of local accounts, or those a provider vouched for."""

    def __init__(self, store: Store, limits: SessionLimits, *, local: bool) -> None:
        self._store = store
        self._limits = limits
        self._local = local

    async def begin(self, who: Account | Principal, before: str | None, now: datetime) -> str:
        """Begin a session, and end the one that the same browser had before; the token of its cookie. `now` is UTC.

        Whatever token a browser came with is never the one it leaves with.
        """
        token = new_token()
        is_account = isinstance(who, Account)
        begun = WebSession(
            digest=digest_of(token),
            authority=who.authority,
            principal_id=principal_id_of(who.id) if is_account else who.id,
            account_id=who.id if is_account else None,
            principal=None if isinstance(who, Account) else who.model_dump(mode="json"),
            began_at=now,
            seen_at=now,
        )
        async with self._store.session() as session:
            await store_sessions.forget_ended(session, now - self._limits.absolute, now - self._limits.idle)
            if before:
                await store_sessions.end_session(session, digest_of(before))
            await store_sessions.keep_session(session, begun)
        return token

    async def principal(self, token: str, now: datetime, *, in_use: bool = True) -> Principal:
        """Whose session a cookie's token is of. `now` is UTC. Raises NotSignedInError or StoreUnavailableError.

        A local account is read anew each time: what changed about it counts at
        once. Without `in_use` the session does not live the longer for it.
        """
        async with self._store.snapshot() as session:
            found = await store_sessions.session_of(session, digest_of(token))
            if found is None or not self._is_alive(found, now):
                raise NotSignedInError("the session is not known, or has ended")
            principal = await self._whose(session, found)
        if in_use and now - found.seen_at >= _NOTED_EVERY:
            async with self._store.session() as session:
                await store_sessions.note_seen(session, found.digest, now)
        return principal

    async def end(self, token: str) -> None:
        """End a session, if there is one. Raises StoreUnavailableError."""
        async with self._store.session() as session:
            await store_sessions.end_session(session, digest_of(token))

    async def end_all_of(self, authority: str, principal_id: str) -> int:
        """End all sessions of one principal of an authority; how many. Raises StoreUnavailableError."""
        async with self._store.session() as session:
            return await store_sessions.end_sessions_of(session, authority, principal_id)

    def _is_alive(self, found: WebSession, now: datetime) -> bool:
        in_time = now < found.began_at + self._limits.absolute and now < found.seen_at + self._limits.idle
        # Once a provider is set, a session of a local account no longer counts, nor the other way round.
        return in_time and (found.account_id is not None) == self._local

    async def _whose(self, session: AsyncSession, found: WebSession) -> Principal:
        if found.account_id is None:
            return Principal.model_validate(found.principal)
        account = await store_accounts.account_by_id(session, found.account_id)
        if account is None:
            raise NotSignedInError("the account is no longer there")
        return principal_of(account)
