"""Where somebody can go in the console, by what they may do. Pure."""

from dataclasses import dataclass
from typing import Final

from starter.access import Permission, Principal


@dataclass(frozen=True)
class Section:
    """A part of the console: its short name, what its link says, where it begins, and the permission that it needs."""

    id: str
    title: str
    path: str
    permission: Permission


TASKS: Final = Section("tasks", "My tasks", "/tasks", Permission.READ_TASKS)
REFERRALS: Final = Section("referrals", "Referrals", "/referrals", Permission.READ_REFERRALS)
AUDIT: Final = Section("audit", "Audit", "/audit", Permission.READ_AUDIT)
GLASS: Final = Section("glass", "Opened records", "/opened-records", Permission.READ_BROKEN_GLASS)
POLICY: Final = Section("policy", "Policy", "/policies", Permission.READ_POLICIES)
OPERATIONS: Final = Section("operations", "Operations", "/operations", Permission.OPERATE)

SECTIONS: Final[tuple[Section, ...]] = (
    Section("now", "Now", "/now", Permission.READ_EPISODES),
    Section("report", "Report", "/report", Permission.REPORT),
    TASKS,
    Section("episodes", "Find", "/episodes", Permission.READ_EPISODES),
    Section("handover", "Handover", "/handover", Permission.READ_EPISODES),
    REFERRALS,
    OPERATIONS,
    AUDIT,
    GLASS,
    POLICY,
)
"""In the order in which their links stand; the first that somebody may see is where they begin."""

ACCOUNT: Final = Section("account", "Your account", "/account", Permission.KNOW_ONESELF)
"""What anybody who is signed in may see."""


def sections_for(principal: Principal) -> list[Section]:
    """The parts of the console that a principal may see."""
    return [section for section in SECTIONS if principal.may(section.permission)]


def begins_at(principal: Principal) -> str:
    """The path where a principal begins."""
    return next((section.path for section in sections_for(principal)), ACCOUNT.path)
