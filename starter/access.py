"""Who may do what: one table. Everybody and everything that asks is a principal of one authority. Pure.

What a role may not do it cannot do by any way in: each route and each command
declares the permission it needs, and what declares none is refused.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from workflows.fact_kinds import ABOUT_TASKS, RULINGS, FactKind

Asking = TypeVar("Asking", bound=Callable[..., Any])


class AccessRole(StrEnum):
    """What somebody is to Homeward; not to be confused with the roles that a directory gives for a child.

    The last two are of systems: a case system, and whoever only reports, as a
    children's home or an out-of-hours desk does.
    """

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
    CASE_SYSTEM = "case_system"
    REPORTER = "reporter"


class Permission(StrEnum):
    """Something that a route or a command does."""

    REPORT = "report"
    RECORD = "record"
    RULE = "rule"
    READ_SAID = "read_said"
    READ_EPISODES = "read_episodes"
    READ_TASKS = "read_tasks"
    ACT_ON_TASKS = "act_on_tasks"
    READ_CHILD_RECORDS = "read_child_records"
    KEEP_CHILD_RECORDS = "keep_child_records"
    MAKE_POLICE_PACK = "make_police_pack"
    BREAK_GLASS = "break_glass"
    READ_REFERRALS = "read_referrals"
    ANSWER_REFERRALS = "answer_referrals"
    READ_DIRECTORY = "read_directory"
    CHANGE_DIRECTORY = "change_directory"
    READ_POLICIES = "read_policies"
    PLAN = "plan"
    TAKE_IN = "take_in"
    READ_EVENTS = "read_events"
    MANAGE_WEBHOOKS = "manage_webhooks"
    READ_RETURNS = "read_returns"
    READ_AUDIT = "read_audit"
    READ_BROKEN_GLASS = "read_broken_glass"
    OPERATE = "operate"
    MANAGE_ACCOUNTS = "manage_accounts"
    KNOW_ONESELF = "know_oneself"


_P = Permission
_ANYBODY: Final = frozenset({_P.READ_POLICIES, _P.PLAN, _P.KNOW_ONESELF})
_REPORTS: Final = _ANYBODY | {_P.REPORT, _P.RECORD, _P.READ_SAID}
_CASEWORK: Final = _REPORTS | {
    _P.READ_EPISODES,
    _P.READ_TASKS,
    _P.ACT_ON_TASKS,
    _P.READ_CHILD_RECORDS,
    _P.KEEP_CHILD_RECORDS,
    _P.MAKE_POLICE_PACK,
    _P.READ_DIRECTORY,
    _P.BREAK_GLASS,
}
_READS: Final = frozenset({_P.READ_SAID, _P.READ_EPISODES, _P.READ_TASKS, _P.READ_CHILD_RECORDS, _P.READ_DIRECTORY})

MAY: Final[Mapping[AccessRole, frozenset[Permission]]] = {
    AccessRole.PRACTITIONER: _CASEWORK,
    AccessRole.DUTY: _CASEWORK | {_P.CHANGE_DIRECTORY},
    AccessRole.MANAGER: _CASEWORK | {_P.RULE, _P.CHANGE_DIRECTORY, _P.READ_RETURNS, _P.TAKE_IN},
    AccessRole.LEADER: _CASEWORK | {_P.RULE, _P.READ_RETURNS},
    AccessRole.IRO: _ANYBODY | _READS | {_P.RECORD, _P.ACT_ON_TASKS, _P.BREAK_GLASS},
    AccessRole.INTERVIEW_PROVIDER: _ANYBODY | {_P.READ_REFERRALS, _P.ANSWER_REFERRALS},
    AccessRole.HOST_AUTHORITY: _REPORTS,
    AccessRole.OPERATOR: _ANYBODY | {_P.OPERATE},
    AccessRole.AUDITOR: _ANYBODY | {_P.READ_AUDIT, _P.READ_BROKEN_GLASS, _P.READ_RETURNS},
    AccessRole.ADMINISTRATOR: _ANYBODY
    | {
        _P.MANAGE_ACCOUNTS,
        _P.READ_BROKEN_GLASS,
        _P.READ_DIRECTORY,
        _P.CHANGE_DIRECTORY,
        _P.READ_EVENTS,
        _P.MANAGE_WEBHOOKS,
        _P.OPERATE,
    },
    AccessRole.CASE_SYSTEM: _REPORTS
    | _READS
    | {
        _P.ACT_ON_TASKS,
        _P.KEEP_CHILD_RECORDS,
        _P.CHANGE_DIRECTORY,
        _P.TAKE_IN,
        _P.READ_EVENTS,
        _P.MANAGE_WEBHOOKS,
    },
    AccessRole.REPORTER: _REPORTS,
}
"""The table. Who has several roles may do what any of them may."""

SHOWS_NOBODY: Final = frozenset({_P.KNOW_ONESELF, _P.READ_POLICIES, _P.PLAN})
"""What shows nothing of any child or worker: it is not written into the audit."""

_SEES_WHAT_IT_SAID: Final = frozenset({AccessRole.HOST_AUTHORITY, AccessRole.REPORTER})

_RULED: Final = frozenset(
    {
        *RULINGS,
        FactKind.POLICY_CHANGED,
        FactKind.REOPENED,
        FactKind.MERGED,
        FactKind.RECORDED_IN_ERROR,
        FactKind.NOT_TOLD,
        FactKind.CONSENT_OVERRIDDEN,
    }
)


class Principal(BaseModel):
    """Whoever asks, known by name: a person or a system of one authority.

    `id` is stable and unlike any other's: whatever a principal sends under a key
    of its own is told from what others send. `person` is the reference by which
    the directory knows a person, and `provider` the interview provider whose
    referrals a system may see, where either is known.
    """

    model_config = ConfigDict(frozen=True)
    id: str
    name: str
    kind: Literal["person", "system"]
    authority: str
    roles: frozenset[AccessRole]
    person: str | None = None
    provider: str | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the principal may do that at all; whether for this child is asked besides."""
        return any(permission in MAY[role] for role in self.roles)

    @property
    def sees_only_its_own(self) -> bool:
        """Whether the episodes it may speak of are those it reported itself: no other role lets it read episodes."""
        reads = any(Permission.READ_EPISODES in MAY[role] for role in self.roles)
        return bool(self.roles & _SEES_WHAT_IT_SAID) and not reads


def permission_to_record(kind: FactKind) -> Permission:
    """What somebody must be allowed, to record a fact of a kind.

    What lifts a duty, or changes what an episode is, is for those who rule. An
    answer stops a climb, and is for those whose tasks and trays are here.
    """
    if kind in _RULED:
        return Permission.RULE
    acts = kind in ABOUT_TASKS or kind is FactKind.ACKNOWLEDGED
    return Permission.ACT_ON_TASKS if acts else Permission.RECORD


def needs(permission: Permission | None) -> Callable[[Asking], Asking]:
    """Say which permission a route or a command needs; None: a command that anybody at the shell may give."""

    def mark(asking: Asking) -> Asking:
        vars(asking)["needed_permission"] = permission
        return asking

    return mark
