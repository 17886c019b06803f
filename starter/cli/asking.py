"""Who asks at the command line, which permission the command needs, and what it has shown."""

import os
import pwd
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from starter.access import Permission, Principal
from starter.settings import Settings
from workflows.plain_errors import BadInputError

READING: Final = frozenset({one for one in Permission if one.value.startswith("read_")} | {Permission.MAKE_POLICE_PACK})
"""What only shows: it is written into the audit when it is known what is shown, before it is."""


class NotAllowedError(BadInputError):
    """The roles of whoever asks do not give the permission. Its text is one line."""


class NeedToKnowError(BadInputError):
    """Whoever asks is not close to a restricted child. Its text is one line."""

    def __init__(self, episode_id: str) -> None:
        super().__init__(
            "this child is restricted, and only who is close to it may see it: "
            f"'homeward glass break {episode_id} --reason ...' opens it for a time, and the administrator is told"
        )


@dataclass
class CommandAsked:
    """A command that is being given: by whom, when (UTC), its words without its arguments, what it has shown so far.

    `why` is the reason that was given, where a command asks for one.
    """

    principal: Principal
    permission: Permission
    way: str
    now: datetime
    request: str
    why: str | None = None
    subjects: list[str] = field(default_factory=list[str])

    def saw(self, *subjects: str | None) -> None:
        """Note the ids of what the command shows or changes."""
        self.subjects += [one for one in subjects if one]

    def require(self, permission: Permission) -> None:
        """Ask for one more permission, by what the command says. Raises NotAllowedError."""
        if not self.principal.may(permission):
            roles = ", ".join(sorted(self.principal.roles))
            raise NotAllowedError(
                f"this needs the permission '{permission}', and HOMEWARD_COMMAND_ROLES ({roles}) does not give it: "
                "'homeward access' shows which role does"
            )


being_asked: Final[ContextVar[CommandAsked]] = ContextVar("being_asked")
"""The command that is being given now; LookupError where none is."""


def who_asks(settings: Settings) -> Principal:
    """The user of the operating system, with the roles and the person that the settings give."""
    try:
        login = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        login = str(os.geteuid())
    return Principal(
        id=f"os:{login}",
        name=login,
        kind="person",
        authority=settings.authority,
        roles=settings.roles_of_commands,
        person=settings.command_person or None,
    )
