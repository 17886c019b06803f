"""A machine for each test that needs one."""

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.faults.machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Generator[Machine]:
    one = Machine(tmp_path)
    yield one
    one.stop_all()
