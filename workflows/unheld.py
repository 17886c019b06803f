"""What a task says that asks for roles to be given to somebody, written and read: rows keep no more of them."""

import re
from collections.abc import Iterable

from workflows.vocabulary import ROLE_WORDS, Role


def asks_for(roles: Iterable[Role]) -> str:
    """What is to be done where nobody holds these roles for a child."""
    return f"Nobody is on record for this child as: {in_words(roles)}. Name them"


def asked_for(task: str) -> tuple[Role, ...]:
    """The roles that such a task names; none where it is another's text."""
    named = set(re.split(r"[:,.] ", task))
    return tuple(role for role in Role if ROLE_WORDS[role] in named)


def in_words(roles: Iterable[Role]) -> str:
    """Roles in words, with commas between."""
    return ", ".join(ROLE_WORDS[role] for role in roles)
