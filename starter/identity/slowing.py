"""How guessing is slowed: after some wrong guesses each further one must wait, longer and longer. Pure."""

import hashlib
from datetime import timedelta
from typing import Final

_FIRST_WAIT: Final = timedelta(seconds=2)
_LONGEST_WAIT: Final = timedelta(minutes=15)
_FREE_FOR_ACCOUNT: Final = 4
_FREE_FROM_ADDRESS: Final = 20


def wait_for_account(times: int) -> timedelta:
    """How long nobody may try an account again after so many wrong guesses: 2 s after the fifth, 15 min at most."""
    return _doubled(times - _FREE_FOR_ACCOUNT)


def wait_from_address(times: int) -> timedelta:
    """How long an address may try nothing again after so many wrong guesses: 2 s after the 21st, 15 min at most."""
    return _doubled(times - _FREE_FROM_ADDRESS)


def _doubled(steps: int) -> timedelta:
    return timedelta(0) if steps <= 0 else min(_FIRST_WAIT * 2 ** min(steps - 1, 20), _LONGEST_WAIT)


def key_of_account(authority: str, name_key: str) -> str:
    """Under what the guesses at an account are counted.

    People type passwords where their name belongs: 24 bits of a digest tell
    accounts apart, and say nothing of what was typed.
    """
    return f"account/{hashlib.sha256(f'{authority}/{name_key}'.encode()).hexdigest()[:6]}"


def key_of_address(address: str) -> str:
    """Under what the guesses from an address are counted."""
    return f"address/{hashlib.sha256(address.encode()).hexdigest()[:16]}"
