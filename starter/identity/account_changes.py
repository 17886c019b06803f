"""Changes of the local accounts of one authority, as an administrator asks for them. Instants are UTC."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import accounts as store_accounts
from activities.store import directory as store_directory
from activities.store import sessions as store_sessions
from activities.store.accounts import Account, AccountKind
from starter.access import AccessRole
from starter.identity.accounts import principal_id_of
from starter.identity.secrets import Passwords, checked_password, digest_of, new_token
from workflows.plain_errors import BadInputError

LONGEST_NAME = 100


@dataclass(frozen=True, repr=False)
class NewSecret:
    """An account and, for a system, the secret that is shown this once."""

    account: Account
    secret: str | None


@dataclass(frozen=True)
class NewAccount:
    """What an account is made of."""

    name: str
    kind: AccountKind
    roles: tuple[str, ...]
    person: str | None = None
    provider: str | None = None


async def add(
    session: AsyncSession, authority: str, asked: NewAccount, password_digest: str | None, now: datetime
) -> NewSecret:
    """Add an account: a person's with the digest of a password, a system's with a secret. Raises BadInputError."""
    if asked.person and await store_directory.person_id(session, authority, asked.person) is None:
        raise BadInputError("--person: nobody of that reference is in the directory; see 'homeward directory show'")
    account = Account(id=str(uuid4()), authority=authority, made_at=now, **asdict(asked))
    if not await store_accounts.add_account(session, account):
        raise BadInputError("NAME: there is an account of that name already")
    return await _with_secret(session, account, password_digest, now, now)


def checked(asked: NewAccount) -> NewAccount:
    """What an account is to be made of, if one can be. Raises BadInputError."""
    name = _one_line(asked.name, "NAME")
    if asked.kind == "system" and asked.person:
        raise BadInputError("--person: is for people; a system is nobody in the directory")
    if asked.kind == "person" and AccessRole.CASE_SYSTEM in asked.roles:
        raise BadInputError("--role: case_system is for systems; add --system")
    return NewAccount(name, asked.kind, checked_roles(asked.roles), asked.person, asked.provider)


def _one_line(written: str, field: str) -> str:
    name = " ".join(written.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadInputError(f"{field}: must have 1 to {LONGEST_NAME} letters, on one line")
    return name


def checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    """Roles as they are kept, each once. Raises BadInputError."""
    unknown = [role for role in roles if role not in tuple(AccessRole)]
    if unknown or not roles:
        raise BadInputError(f"--role: must be one of {', '.join(AccessRole)}")
    return tuple(sorted(set(roles)))


async def one(session: AsyncSession, authority: str, called: str) -> Account:
    """The account of an authority by its name, or by its client id. Raises BadInputError."""
    account = await store_accounts.account_named(session, authority, called)
    if account is None:
        account = await store_accounts.account_by_id(session, called)
    if account is None or account.authority != authority:
        raise BadInputError("NAME: there is no such account; see 'homeward account list'")
    return account


async def change_roles(
    session: AsyncSession, authority: str, called: str, more: Sequence[str], less: Sequence[str]
) -> Account:
    """Give an account roles, and take others from it; for who is signed in too, at once. Raises BadInputError."""
    checked_roles([*more, *less])
    account = await one(session, authority, called)
    if account.kind == "person" and AccessRole.CASE_SYSTEM in more:
        raise BadInputError("--add: case_system is for systems")
    roles = tuple(sorted(set(account.roles) - set(less) | set(more)))
    if not roles:
        raise BadInputError("--remove: must leave a role; to keep somebody out, lock the account")
    await store_accounts.set_roles(session, account.id, roles)
    return account.model_copy(update={"roles": roles})


async def change_provider(session: AsyncSession, authority: str, called: str, provider: str | None) -> Account:
    """Have an account be, or work for, another interview provider, or none; at once. Raises BadInputError."""
    account = await one(session, authority, called)
    name = None if provider is None else _one_line(provider, "PROVIDER")
    await store_accounts.set_provider(session, account.id, name)
    return account.model_copy(update={"provider": name})


async def change_secret(
    session: AsyncSession, account: Account, password_digest: str | None, overlap: timedelta, now: datetime
) -> NewSecret:
    """Give an account another secret; a system's old one is good for `overlap` more, a person's for no moment.

    With a person's password the sessions end.
    """
    until = now + (overlap if account.kind == "system" else timedelta(0))
    if account.kind == "person":
        await store_accounts.end_all_of_account(session, account.id)
    return await _with_secret(session, account, password_digest, now, until)


async def sign_out(session: AsyncSession, authority: str, called: str) -> int:
    """End every session and token of an account, or of whom a provider vouched for by that id; how many."""
    account = await store_accounts.account_named(session, authority, called)
    if account is not None:
        return await store_accounts.end_all_of_account(session, account.id)
    if called.startswith(principal_id_of("")):
        account = await store_accounts.account_by_id(session, called.removeprefix(principal_id_of("")))
        mine = account is not None and account.authority == authority
        return await store_accounts.end_all_of_account(session, account.id) if account and mine else 0
    return await store_sessions.end_sessions_of(session, authority, called)


async def _with_secret(
    session: AsyncSession, account: Account, password_digest: str | None, now: datetime, others_until: datetime
) -> NewSecret:
    secret = None if password_digest else new_token()
    digest = password_digest or digest_of(secret or "")
    await store_accounts.replace_secret(session, account.id, digest, now, others_until)
    return NewSecret(account, secret)


async def password_digest(password: str, name: str) -> str:
    """By what a person's password is kept. Raises BadInputError, which does not repeat it."""
    return await Passwords().digest(checked_password(password, name))
