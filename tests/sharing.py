"""How tests are shared out among processes: the longest begin first, so that none is waited for in the end."""

from typing import Final

import pytest
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

LONGEST_FIRST: Final = ("tests/faults/", "tests/engine/", "tests/starter/")
TOGETHER: Final = ("tests/faults/test_breakages.py", "tests/faults/test_posting.py")
"""Their tests share real processes, which take long to start; each other test has what it needs to itself."""


def longest_first(items: list[pytest.Item]) -> None:
    """Put tests in the order in which they begin."""
    items.sort(key=lambda item: [not item.nodeid.startswith(folder) for folder in LONGEST_FIRST])


class OneByOne(LoadScopeScheduling):
    """Every test by itself, but for those that share what is dear."""

    def _split_scope(self, nodeid: str) -> str:
        return next((file for file in TOGETHER if nodeid.startswith(file)), nodeid)
