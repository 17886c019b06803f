"""How long guessing must wait, and which names of hosts are this machine's."""

from datetime import timedelta

import pytest

from starter.identity.origin import host_of, is_loopback
from starter.identity.slowing import key_of_account, key_of_address, wait_for_account, wait_from_address


@pytest.mark.parametrize(
    ("times", "seconds"), [(0, 0), (4, 0), (5, 2), (6, 4), (10, 64), (13, 512), (14, 900), (100_000, 900)]
)
def test_each_wrong_guess_after_the_fourth_doubles_the_wait(times: int, seconds: int) -> None:
    assert wait_for_account(times) == timedelta(seconds=seconds)
    assert wait_from_address(times + 16) == timedelta(seconds=seconds)


def test_under_what_guesses_are_counted_says_nothing_of_what_was_typed() -> None:
    assert key_of_account("a", "invented one") == key_of_account("a", "invented one")
    assert key_of_account("a", "invented one") != key_of_account("b", "invented one")
    assert len(key_of_account("a", "x" * 500)) == len("account/") + 6
    assert "10.0.0.1" not in key_of_address("10.0.0.1")


@pytest.mark.parametrize(
    ("header", "own"),
    [
        ("localhost", True),
        ("LOCALHOST:8300", True),
        ("127.0.0.1:8300", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("[::1]:8300", True),
        ("localhost.evil.example", False),
        ("evil.example", False),
        ("localhost@evil.example", False),
        ("evil.example/localhost", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("[::]", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(header: str, own: bool) -> None:
    assert is_loopback(host_of(header)) is own
