"""Who may do what, in words, for whoever may not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from starter.access import MAY, AccessRole, Permission, Principal
from starter.console.audit_words import DEED_WORDS

ROLE_NAMES: Final[Mapping[AccessRole, tuple[str, str]]] = {
    AccessRole.PRACTITIONER: ("practitioner", "practitioners"),
    AccessRole.MANAGER: ("manager", "managers"),
    AccessRole.LEADER: ("leader", "leaders"),
    AccessRole.IRO: ("independent reviewing officer", "independent reviewing officers"),
    AccessRole.DUTY: ("duty desk", "duty desks"),
    AccessRole.INTERVIEW_PROVIDER: ("interview provider", "interview providers"),
    AccessRole.HOST_AUTHORITY: ("host authority", "host authorities"),
    AccessRole.OPERATOR: ("operator", "operators"),
    AccessRole.AUDITOR: ("auditor", "auditors"),
    AccessRole.ADMINISTRATOR: ("administrator", "administrators"),
    AccessRole.CASE_SYSTEM: ("case system", "case systems"),
    AccessRole.REPORTER: ("desk that reports", "desks that report"),
}
"""What each role is called: of one, of several."""

_OF_SYSTEMS: Final = frozenset({AccessRole.CASE_SYSTEM})


def roles_in_words(roles: Iterable[AccessRole]) -> str:
    """Which roles somebody has, in the order of the table."""
    return _listed([name for role, (name, _) in ROLE_NAMES.items() if role in set(roles)]) or "nothing yet"


def may_not_in_words(principal: Principal, permission: Permission) -> str:
    """Why somebody may not do something: for whom it is, and what they are signed in as."""
    may = [several for role, (_, several) in ROLE_NAMES.items() if permission in MAY[role] and role not in _OF_SYSTEMS]
    whose = f"for {_listed(may)}" if may else "for systems alone"
    return f"“{DEED_WORDS[permission]}” is {whose}. You are signed in as: {roles_in_words(principal.roles)}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
