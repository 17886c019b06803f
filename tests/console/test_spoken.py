"""How the console says things by themselves: the end of a day, how somebody stands in."""

from datetime import UTC, datetime

import pytest

from starter.console.spoken import cover_in_words
from workflows.instants import day_or_moment_in_words


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        (datetime(2026, 11, 27, 23, 59, 59, tzinfo=UTC), "Fri 27 Nov 2026, end of the day"),
        (datetime(2026, 6, 9, 22, 59, 59, tzinfo=UTC), "Tue 9 Jun 2026, end of the day"),
        (datetime(2026, 6, 9, 23, 59, 59, tzinfo=UTC), "Wed 10 Jun 2026 00:59:59 BST"),
        (datetime(2026, 11, 27, 23, 59, tzinfo=UTC), "Fri 27 Nov 2026 23:59 GMT"),
    ],
)
def test_the_last_second_of_a_day_in_london_is_the_end_of_the_day(instant: datetime, words: str) -> None:
    assert day_or_moment_in_words(instant) == words


@pytest.mark.parametrize(("cover", "words"), [("stand_in", "standing in"), ("on_call", "on call")])
def test_how_somebody_is_there_for_a_role_is_said_of_them(cover: str, words: str) -> None:
    assert cover_in_words(cover) == words
