"""How tests are shared out among processes."""

from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

REAL_PROCESSES = "tests/faults/"


class RealProcessesTogether(LoadScopeScheduling):
    """Every test by itself, but for those of real processes: they share machines, and one process runs them all."""

    def _split_scope(self, nodeid: str) -> str:
        return REAL_PROCESSES if nodeid.startswith(REAL_PROCESSES) else nodeid
