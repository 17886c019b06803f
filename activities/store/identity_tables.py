"""The tables of who may come in: accounts, their secrets, tokens, sessions, sign-ins begun, wrong guesses.

Of whatever opens a door only a digest is kept: who reads the database can
come in by none of it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from activities.store.tables import Table


class AccountTable(Table):
    """A local account of a person or a system. `name_key` is the name as it is compared; roles have `;` between them.

    `person` is the directory's reference of a person, `provider` the interview
    provider whose referrals a system may see.
    """

    __tablename__ = "account"
    __table_args__ = (UniqueConstraint("authority", "name_key"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    kind: Mapped[str]
    name: Mapped[str]
    name_key: Mapped[str]
    roles: Mapped[str]
    person: Mapped[str | None]
    provider: Mapped[str | None]
    made_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]


class AccountSecretTable(Table):
    """A password or secret of an account, good until `until` where that is set."""

    __tablename__ = "account_secret"
    __table_args__ = (Index(None, "account_id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    digest: Mapped[str]
    made_at: Mapped[datetime]
    until: Mapped[datetime | None]


class AccessTokenTable(Table):
    """A token that a system was given, by its digest."""

    __tablename__ = "access_token"
    __table_args__ = (Index(None, "account_id"), Index(None, "expires_at"))
    digest: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class WebSessionTable(Table):
    """A person's session, by the digest of its cookie's token.

    `account_id` is that of a local account; of whom a provider vouched for,
    `principal` holds what it said.
    """

    __tablename__ = "web_session"
    __table_args__ = (Index(None, "authority", "principal_id"), Index(None, "account_id"), Index(None, "began_at"))
    digest: Mapped[str] = mapped_column(primary_key=True)
    authority: Mapped[str]
    principal_id: Mapped[str]
    account_id: Mapped[str | None] = mapped_column(ForeignKey("account.id"))
    principal: Mapped[dict[str, Any] | None]
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class SignInTable(Table):
    """A sign-in that was begun at the provider, by the digests of its state and of its browser's cookie."""

    __tablename__ = "sign_in"
    __table_args__ = (Index(None, "begun_at"),)
    state_digest: Mapped[str] = mapped_column(primary_key=True)
    browser_digest: Mapped[str]
    back_to: Mapped[str] = mapped_column(Text)
    begun_at: Mapped[datetime]


class WrongGuessTable(Table):
    """How often a secret was guessed wrong lately: of one account, or from one address. `key` tells neither."""

    __tablename__ = "wrong_guess"
    __table_args__ = (Index(None, "last_at"),)
    key: Mapped[str] = mapped_column(primary_key=True)
    times: Mapped[int]
    last_at: Mapped[datetime]
    wait_until: Mapped[datetime | None]
