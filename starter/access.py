"""Who may do what: one table. Everybody and everything that asks is a principal of one authority. Pure.

What a role may not do it cannot do by any way in: each route and each command
declares the permission it needs, and what declares none is refused.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict


class AccessRole(StrEnum):
    """What somebody is to Homeward; not to be confused with the roles that a directory gives for a child."""

    PRACTITIONER = "practitioner"
    MANAGER = "manager"
    LEADER = "leader"
    IRO = "iro"
    DUTY = "duty"
    INTERVIEW_PROVIDER = "interview_provider"
    HOST_AUTHORITY = "host_authority"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class Permission(StrEnum):
    """Something that a route or a command does."""

    REPORT = "report"
    RECORD = "record"
    RULE = "rule"
    READ_EPISODES = "read_episodes"
    READ_REFERRALS = "read_referrals"
    ANSWER_REFERRALS = "answer_referrals"
    READ_TASKS = "read_tasks"
    ACT_ON_TASKS = "act_on_tasks"
    READ_CHILD_RECORDS = "read_child_records"
    KEEP_CHILD_RECORDS = "keep_child_records"
    MAKE_POLICE_PACK = "make_police_pack"
    READ_DIRECTORY = "read_directory"
    CHANGE_DIRECTORY = "change_directory"
    READ_POLICIES = "read_policies"
    PLAN = "plan"
    TAKE_IN = "take_in"
    READ_EVENTS = "read_events"
    READ_RETURNS = "read_returns"
    BREAK_GLASS = "break_glass"
    READ_AUDIT = "read_audit"
    OPERATE = "operate"
    MANAGE_ACCOUNTS = "manage_accounts"


_P = Permission
_ANYBODY: Final = frozenset({_P.READ_POLICIES, _P.PLAN})
_CASEWORK: Final = _ANYBODY | {
    _P.REPORT,
    _P.RECORD,
    _P.READ_EPISODES,
    _P.READ_TASKS,
    _P.ACT_ON_TASKS,
    _P.READ_CHILD_RECORDS,
    _P.KEEP_CHILD_RECORDS,
    _P.MAKE_POLICE_PACK,
    _P.READ_DIRECTORY,
    _P.BREAK_GLASS,
}

MAY: Final[Mapping[AccessRole, frozenset[Permission]]] = {
    AccessRole.PRACTITIONER: _CASEWORK,
    AccessRole.DUTY: _CASEWORK | {_P.CHANGE_DIRECTORY},
    AccessRole.MANAGER: _CASEWORK | {_P.RULE, _P.CHANGE_DIRECTORY, _P.READ_RETURNS, _P.TAKE_IN},
    AccessRole.LEADER: _CASEWORK | {_P.RULE, _P.READ_RETURNS},
    AccessRole.IRO: _ANYBODY | {_P.READ_EPISODES, _P.RECORD, _P.READ_TASKS, _P.ACT_ON_TASKS, _P.READ_CHILD_RECORDS},
    AccessRole.INTERVIEW_PROVIDER: frozenset({_P.READ_REFERRALS, _P.ANSWER_REFERRALS}),
    AccessRole.HOST_AUTHORITY: frozenset({_P.REPORT, _P.READ_POLICIES}),
    AccessRole.OPERATOR: _ANYBODY | {_P.OPERATE},
    AccessRole.AUDITOR: _ANYBODY | {_P.READ_AUDIT, _P.READ_RETURNS},
    AccessRole.ADMINISTRATOR: _ANYBODY
    | {_P.MANAGE_ACCOUNTS, _P.READ_DIRECTORY, _P.CHANGE_DIRECTORY, _P.TAKE_IN, _P.READ_EVENTS, _P.OPERATE},
}
"""The table. A system is a principal too: a case system that reports, records and mirrors has the roles of its work."""


class Principal(BaseModel):
    """Whoever asks, known by name: a person or a system of one authority.

    `id` is the identity provider's own; `person` the reference by which the
    directory knows the person, where it does. `extra` are permissions given to
    one system by name, such as reading events.
    """

    model_config = ConfigDict(frozen=True)
    id: str
    name: str
    kind: Literal["person", "system"]
    authority: str
    roles: frozenset[AccessRole]
    person: str | None = None
    extra: frozenset[Permission] = frozenset()

    def may(self, permission: Permission) -> bool:
        """Whether the principal may do that at all; whether for this child is asked besides."""
        return permission in self.extra or any(permission in MAY[role] for role in self.roles)


def needs_to_know(principal: Principal, *, restricted: bool, holds_a_role: bool, broke_glass: bool) -> bool:
    """Whether a principal may see a child whose whereabouts are need-to-know (O36, S4 section 8).

    Somebody who holds a role for the child may, and somebody who has broken the
    glass, which the administrator is told of. Of other children everybody with
    the permission may see.
    """
    del principal
    return not restricted or holds_a_role or broke_glass
