"""How tests are shared out among processes."""

from typing import Any

import pytest
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

REAL_PROCESSES = "tests/faults/"


class _RealProcessesTogether(LoadScopeScheduling):
    """Every test by itself, but for those of real processes: they share machines, and one process runs them all."""

    def _split_scope(self, nodeid: str) -> str:
        return REAL_PROCESSES if nodeid.startswith(REAL_PROCESSES) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Any:
    # The marks of xdist for this are passed over in silence by the pytest in the lock.
    return _RealProcessesTogether(config, log)
