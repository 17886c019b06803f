"""The API as schemathesis finds it, on the real stack."""

from pathlib import Path

import pytest

from tests.faults.api_fuzz import IN_SHORT, fuzz, running


@pytest.mark.timeout(600)
def test_schemathesis_finds_no_failure_that_is_not_explained(tmp_path: Path) -> None:
    machine = running(tmp_path)
    try:
        done = fuzz(machine, *IN_SHORT)
    finally:
        machine.stop_all()
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    failed = (tmp_path / "service.log").read_text(encoding="utf-8")
    assert "a request failed" not in failed
