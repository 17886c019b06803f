"""Local accounts: people who sign in by name and password, systems that get a token for their secret.

Tokens are opaque and kept by their digest, and not signed: every process reads
the same row, so that there is no key to share or to rotate, and an account
that is locked or removed is out at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from activities.store import Store
from activities.store import accounts as store_accounts
from activities.store.accounts import Account
from activities.store.guesses import count_guess, forgive
from starter.access import AccessRole, Principal
from starter.identity.asking import NotSignedInError
from starter.identity.secrets import Passwords, digest_of, is_that_token, new_token
from starter.identity.slowing import key_of_account, key_of_address, wait_for_account, wait_from_address

TOKEN_LIVES: Final = timedelta(minutes=15)
"""How long a system's token is good; then it asks for another."""

_KNOWN_ROLES: Final = frozenset(AccessRole)


@dataclass(frozen=True)
class TooSoon:
    """Nothing was tried, because too much was guessed wrong; `until` (UTC) nothing will be."""

    until: datetime


@dataclass(frozen=True, repr=False)
class IssuedToken:
    """A system's token, and for how long it is good."""

    token: str
    lives: timedelta


def principal_of(account: Account) -> Principal:
    """Whom an account stands for. Raises NotSignedInError for one that is locked, or has no role known here."""
    roles = _KNOWN_ROLES & set(account.roles)
    if account.locked_at or not roles:
        raise NotSignedInError("the account is locked, or has no role")
    return Principal(
        id=principal_id_of(account.id),
        name=account.name,
        kind=account.kind,
        authority=account.authority,
        roles=frozenset(AccessRole(role) for role in roles),
        person=account.person,
        provider=account.provider,
    )


def principal_id_of(account_id: str) -> str:
    """The id of the principal that an account stands for."""
    return f"account:{account_id}"


class LocalAccounts:
    """The local accounts of a store; people sign in to those of one authority."""

    def __init__(self, store: Store, authority: str, passwords: Passwords) -> None:
        self._store = store
        self._authority = authority
        self._passwords = passwords

    async def sign_in(self, name: str, password: str, address: str, now: datetime) -> Account | TooSoon | None:
        """The account of a person whose name and password these are; None for anything else. `now` is UTC.

        That there is no such name, that the password is wrong and that the
        account is locked cannot be told apart.
        """
        of_account = key_of_account(self._authority, store_accounts.name_key(name))
        if wait := await self._count(of_account, address, now):
            return wait
        async with self._store.snapshot() as session:
            account = await store_accounts.account_named(session, self._authority, name)
            digests = await store_accounts.secrets_of(session, account.id, now) if account else []
        is_person = account is not None and account.kind == "person"
        digest = digests[0] if is_person and digests else None
        right = await self._passwords.is_that(password, digest)
        if not right or account is None or digest is None or account.locked_at:
            return None
        fresh = await self._passwords.digest(password) if self._passwords.is_dated(digest) else None
        async with self._store.session() as session:
            await forgive(session, of_account, key_of_address(address))
            if fresh:
                await store_accounts.change_digest(session, account.id, digest, fresh)
        return account

    async def token(self, client_id: str, secret: str, address: str, now: datetime) -> IssuedToken | TooSoon | None:
        """A token for a system whose secret this is; None for anything else. `now` is UTC.

        A right secret cannot have been guessed, so that it is taken however many
        wrong ones came before: nobody keeps a system out by guessing at it.
        """
        async with self._store.snapshot() as session:
            account = await store_accounts.account_by_id(session, client_id)
            digests = await store_accounts.secrets_of(session, client_id, now)
        right = [is_that_token(secret, digest) for digest in digests]
        if account is None or account.kind != "system" or account.locked_at or not any(right):
            return await self._count(key_of_account("", client_id), address, now)
        issued = IssuedToken(new_token(), TOKEN_LIVES)
        async with self._store.session() as session:
            expires_at = now + issued.lives
            await store_accounts.keep_token(session, digest_of(issued.token), account.id, now, expires_at)
        return issued

    async def principal_of_token(self, token: str, now: datetime) -> Principal:
        """Whom a token was given to. `now` is UTC. Raises NotSignedInError or StoreUnavailableError."""
        async with self._store.snapshot() as session:
            account = await store_accounts.account_of_token(session, digest_of(token), now)
        if account is None:
            raise NotSignedInError("the token is not known, or has ended")
        return principal_of(account)

    async def _count(self, of_account: str, address: str, now: datetime) -> TooSoon | None:
        waits = {of_account: wait_for_account, key_of_address(address): wait_from_address}
        async with self._store.session() as session:
            until = await count_guess(session, waits, now)
        return TooSoon(until) if until else None
