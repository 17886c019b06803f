"""From what a provider says of somebody to a principal. Pure; whatever is missing makes nobody of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from starter.access import AccessRole, Principal
from starter.identity.asking import NotSignedInError

Claims = Mapping[str, Any]

LONGEST: Final = 200
_AUTHORITY: Final = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)

_OF_PEOPLE: Final = frozenset({"nonce", "at_hash", "c_hash", "auth_time", "sid", "session_state", "scp"})
"""Claims of tokens that came of a person's signing in: the token of a system has none of them."""


@dataclass(frozen=True)
class ClaimNames:
    """Which claims say what. An empty name: no claim does.

    `role_names` brings the provider's names to ours; without it our own names
    are expected. With no claim for the authority everybody is of `home`.
    """

    roles: str = "roles"
    authority: str = "authority"
    person: str = "preferred_username"
    provider: str = ""
    role_names: Mapping[str, AccessRole] = field(default_factory=dict[str, AccessRole])
    home: str = ""


@dataclass(frozen=True)
class KnownSystems:
    """By what the token of a system is told from a person's: its client is listed, or a claim has a value, or both.

    With neither no token is a system's.
    """

    clients: frozenset[str] = frozenset()
    claim: tuple[str, str] | None = None

    @property
    def any_known(self) -> bool:
        """Whether there is anything by which a system is known."""
        return bool(self.clients) or self.claim is not None

    def includes(self, client: str, claims: Claims) -> bool:
        """Whether the token of a client, with these claims, is that of a system. All that is set must hold."""
        listed = not self.clients or client in self.clients
        return self.any_known and listed and (self.claim is None or _says(claims, *self.claim))


def person_of(claims: Claims, names: ClaimNames) -> Principal:
    """The person of an ID token's claims. Raises NotSignedInError."""
    subject = _word(claims.get("sub"))
    if subject is None:
        raise NotSignedInError("the token names nobody")
    name = _word(claims.get("name")) or _word(claims.get("preferred_username")) or subject
    return Principal(
        id=f"person:{subject}",
        name=name,
        kind="person",
        authority=_authority(claims, names),
        roles=_roles(claims, names),
        person=_word(_found(claims, names.person)),
        provider=_word(_found(claims, names.provider)),
    )


def system_of(claims: Claims, names: ClaimNames, systems: KnownSystems) -> Principal:
    """The system of an access token's claims. Raises NotSignedInError, also for the token of a person.

    A person's token tells with whose program the person signed in: taken for a
    system's, it would let that program act with the person's roles. Providers
    differ in what marks a person's token, and some mark none: so a system must
    be known, and what bears the marks of a person is refused besides.
    """
    if _OF_PEOPLE & claims.keys():
        raise NotSignedInError("the token is a person's: people sign in, and systems bring tokens of their own")
    client = next(filter(None, (_word(claims.get(name)) for name in ("client_id", "azp", "sub"))), None)
    if client is None:
        raise NotSignedInError("the token names nobody")
    if not systems.includes(client, claims):
        raise NotSignedInError("the token is that of no system that is known here")
    return Principal(
        id=f"system:{client}",
        name=client,
        kind="system",
        authority=_authority(claims, names),
        roles=_roles(claims, names),
        provider=_word(_found(claims, names.provider)),
    )


def _authority(claims: Claims, names: ClaimNames) -> str:
    authority = _found(claims, names.authority) if names.authority else names.home
    if not isinstance(authority, str) or _AUTHORITY.fullmatch(authority) is None:
        raise NotSignedInError("the token names no authority")
    return authority


def _roles(claims: Claims, names: ClaimNames) -> frozenset[AccessRole]:
    said = _found(claims, names.roles)
    listed = cast("list[object]", said) if isinstance(said, list) else [said]
    # With a map our own names are none: a group that happens to be called 'administrator' makes nobody one.
    known = names.role_names or {role.value: role for role in AccessRole}
    roles = frozenset(known[role] for role in listed if isinstance(role, str) and role in known)
    if not roles:
        raise NotSignedInError("the token names no role that is known here")
    return roles


def _found(claims: Claims, name: str) -> object:
    """A claim by its name, or by the way to it with '.' between the steps."""
    if not name or name in claims:
        return claims.get(name) if name else None
    there: object = claims
    for step in name.split("."):
        there = cast("Mapping[str, object]", there).get(step) if isinstance(there, Mapping) else None
    return there


def _says(claims: Claims, name: str, value: str) -> bool:
    """Whether a claim is a value, or a list that holds it; `true` and `false` are JSON's."""
    said = _found(claims, name)
    listed = cast("list[object]", said) if isinstance(said, list) else [said]
    return any(value == (json.dumps(one) if isinstance(one, bool) else one) for one in listed)


def _word(said: object) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= LONGEST and said.isprintable() else None
