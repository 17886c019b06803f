"""Local accounts in the store: people and systems, their secrets, and the tokens that systems were given.

An account is found for one authority, but by the id that a credential names.
"""

import unicodedata
from datetime import datetime
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store.identity_tables import AccessTokenTable, AccountSecretTable, AccountTable, WebSessionTable
from activities.store.statements import insert_once, take_turns

AccountKind = Literal["person", "system"]


class Account(BaseModel):
    """A local account. Instants are UTC; `person` is the directory's reference of a person."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    authority: str
    kind: AccountKind
    name: str
    roles: tuple[str, ...]
    person: str | None = None
    provider: str | None = None
    made_at: datetime
    locked_at: datetime | None = None

    @field_validator("roles", mode="before")
    @classmethod
    def _apart(cls, roles: Any) -> Any:
        return tuple(filter(None, roles.split(";"))) if isinstance(roles, str) else roles


def name_key(name: str) -> str:
    """A name as it is compared: without regard to capitals, spaces at its ends, or how a letter is composed."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


async def add_account(session: AsyncSession, account: Account) -> bool:
    """Add an account; whether its authority had none of that name."""
    row = {**account.model_dump(), "roles": ";".join(account.roles), "name_key": name_key(account.name)}
    return await insert_once(session, AccountTable, row)


async def accounts(session: AsyncSession, authority: str) -> list[Account]:
    """The accounts of an authority, by name."""
    chosen = select(AccountTable).where(AccountTable.authority == authority).order_by(AccountTable.name_key)
    return [Account.model_validate(row) for row in (await session.scalars(chosen)).all()]


async def providers(session: AsyncSession, authority: str) -> list[str]:
    """The interview providers who have an account of an authority, by name."""
    chosen = select(AccountTable.provider).where(AccountTable.authority == authority).distinct()
    return sorted(filter(None, (await session.scalars(chosen)).all()))


async def account_named(session: AsyncSession, authority: str, name: str) -> Account | None:
    """The account of an authority that has this name, or None."""
    mine = select(AccountTable).where(AccountTable.authority == authority)
    row = await session.scalar(mine.where(AccountTable.name_key == name_key(name)))
    return Account.model_validate(row) if row else None


async def account_by_id(session: AsyncSession, account_id: str) -> Account | None:
    """The account that a credential names by its id, whatever authority it is of; or None."""
    row = await session.get(AccountTable, account_id)
    return Account.model_validate(row) if row else None


async def set_roles(session: AsyncSession, account_id: str, roles: tuple[str, ...]) -> None:
    """Give an account these roles, and no others."""
    await session.execute(update(AccountTable).where(AccountTable.id == account_id).values(roles=";".join(roles)))


async def set_provider(session: AsyncSession, account_id: str, provider: str | None) -> None:
    """Have an account be, or work for, an interview provider; or with None for none."""
    await session.execute(update(AccountTable).where(AccountTable.id == account_id).values(provider=provider))


async def set_locked(session: AsyncSession, account_id: str, locked_at: datetime | None) -> None:
    """Lock an account (UTC), which ends its sessions and tokens for good; or with None unlock it."""
    await session.execute(update(AccountTable).where(AccountTable.id == account_id).values(locked_at=locked_at))
    if locked_at:
        await end_all_of_account(session, account_id)


async def remove_account(session: AsyncSession, account_id: str) -> None:
    """Take an account away with all that opens a door by it."""
    await end_all_of_account(session, account_id)
    await session.execute(delete(AccountSecretTable).where(AccountSecretTable.account_id == account_id))
    await session.execute(delete(AccountTable).where(AccountTable.id == account_id))


async def end_all_of_account(session: AsyncSession, account_id: str) -> int:
    """End an account's sessions and tokens; how many."""
    ended = 0
    for table in (WebSessionTable, AccessTokenTable):
        gone = await session.scalars(delete(table).where(table.account_id == account_id).returning(table.digest))
        ended += len(gone.all())
    return ended


async def replace_secret(
    session: AsyncSession, account_id: str, digest: str, now: datetime, others_until: datetime
) -> None:
    """Add a secret by its digest; those there were end at `others_until`, or when they would have. Instants are UTC."""
    ends_later = or_(AccountSecretTable.until.is_(None), AccountSecretTable.until > others_until)
    mine = AccountSecretTable.account_id == account_id
    await session.execute(update(AccountSecretTable).where(mine, ends_later).values(until=others_until))
    await session.execute(delete(AccountSecretTable).where(mine, AccountSecretTable.until <= now))
    session.add(AccountSecretTable(id=str(uuid4()), account_id=account_id, digest=digest, made_at=now))
    await session.flush()


async def change_digest(session: AsyncSession, account_id: str, old: str, new: str) -> None:
    """Keep the same secret under another digest."""
    mine = update(AccountSecretTable).where(AccountSecretTable.account_id == account_id)
    await session.execute(mine.where(AccountSecretTable.digest == old).values(digest=new))


async def secrets_of(session: AsyncSession, account_id: str, now: datetime) -> list[str]:
    """The digests of the secrets that are good at `now` (UTC), the newest first."""
    good = or_(AccountSecretTable.until.is_(None), AccountSecretTable.until > now)
    chosen = select(AccountSecretTable.digest).where(AccountSecretTable.account_id == account_id, good)
    return list((await session.scalars(chosen.order_by(AccountSecretTable.made_at.desc()))).all())


async def keep_token(
    session: AsyncSession, digest: str, account_id: str, issued_at: datetime, expires_at: datetime
) -> None:
    """Keep a token by its digest; those that have ended are forgotten. Instants are UTC."""
    await take_turns(session, "forget", ["access_token"])
    await session.execute(delete(AccessTokenTable).where(AccessTokenTable.expires_at <= issued_at))
    session.add(AccessTokenTable(digest=digest, account_id=account_id, issued_at=issued_at, expires_at=expires_at))
    await session.flush()


async def account_of_token(session: AsyncSession, digest: str, now: datetime) -> Account | None:
    """The account that was given a token, while it is good at `now` (UTC); or None."""
    chosen = select(AccountTable).join(AccessTokenTable, AccessTokenTable.account_id == AccountTable.id)
    row = await session.scalar(chosen.where(AccessTokenTable.digest == digest, AccessTokenTable.expires_at > now))
    return Account.model_validate(row) if row else None
