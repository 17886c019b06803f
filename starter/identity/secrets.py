"""Secrets: how they are made, kept and compared. Nothing here repeats one.

What a person thinks up can be guessed, so that it is kept by argon2id, which
makes each guess dear. What is made here has 256 random bits and cannot be
guessed: its SHA-256 is enough, and costs a request nothing.
"""

import asyncio
import hashlib
import hmac
import secrets
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from workflows.plain_errors import BadInputError

FEWEST_CHARACTERS: Final = 12
MOST_CHARACTERS: Final = 200
_AT_ONCE: Final = 2
"""So many passwords are compared at once: each takes 64 MB for a moment."""


def new_token() -> str:
    """A token of 256 random bits, fit for a cookie, a header and a URL."""
    return secrets.token_urlsafe(32)


def digest_of(token: str) -> str:
    """By what a token that was made here is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_that_token(token: str, digest: str) -> bool:
    """Whether a token has this digest; it takes as long whatever it is."""
    return hmac.compare_digest(digest_of(token), digest)


def checked_password(password: str, name: str) -> str:
    """The password, if it is one that an account may have. Raises BadInputError that does not repeat it."""
    if not FEWEST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise BadInputError(f"password: must have {FEWEST_CHARACTERS} to {MOST_CHARACTERS} characters")
    if len(set(password)) < FEWEST_CHARACTERS // 2 or password.casefold() == name.casefold():
        raise BadInputError("password: is too easily guessed; three random words are better")
    return password


class Passwords:
    """Keeps passwords by argon2id (RFC 9106, low memory) and compares them, a few at a time and off the event loop."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(_AT_ONCE)
        # A name that nobody has is compared with this, so that it takes as long as one that somebody has.
        self._nobodys = self._hasher.hash(new_token())

    async def digest(self, password: str) -> str:
        """By what a password is kept."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_that(self, password: str, digest: str | None) -> bool:
        """Whether a password has this digest; None takes as long, and is nobody's."""
        async with self._turn:
            same = await asyncio.to_thread(self._same, password, digest or self._nobodys)
        return same and digest is not None

    def is_dated(self, digest: str) -> bool:
        """Whether a digest was made with less effort than is usual now."""
        return self._hasher.check_needs_rehash(digest)

    def _same(self, password: str, digest: str) -> bool:
        try:
            return self._hasher.verify(digest, password)
        except (VerificationError, InvalidHashError):
            return False
