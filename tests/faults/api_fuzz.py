"""Schemathesis against the running service: real engine, worker and service, a system of the authority with its token.

`python -m tests.faults.api_fuzz` tries every route at length (`make api-fuzz`);
a test does it in short.
"""

import base64
import json
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Final

from starter.access import AccessRole
from tests.faults.machine import Machine

ST: Final = Path(sys.executable).parent / "st"
EXPLAINED: Final = Path(__file__).parent / "schemathesis.toml"
"""What schemathesis is told not to take for a failure, and why."""

AT_LENGTH: Final = ("--max-examples", "50")
IN_SHORT: Final = ("--max-examples", "2", "--phases", "fuzzing", "--generation-deterministic")


def bearer_token(machine: Machine) -> str:
    """A token of a system that may do everything, got as a system gets it. It is good for a quarter of an hour."""
    roles = [word for role in AccessRole for word in ("--role", role.value)]
    made = machine.answer("account", "add", "Invented fuzzer", "--system", "--provider", "Invented provider", *roles)
    known = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    request = urllib.request.Request(  # noqa: S310 - to this machine
        f"{machine.service}/token",
        data=urllib.parse.urlencode({"grant_type": "client_credentials"}).encode(),
        headers={"Authorization": f"Basic {known}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - to this machine
        return str(json.load(answer)["access_token"])


def fuzz(machine: Machine, *how: str) -> subprocess.CompletedProcess[str]:
    """Try the service of a machine that runs; schemathesis leaves 1 when it found a failure."""
    command = [ST, "--config-file", EXPLAINED, "run", f"{machine.service}/v1/openapi.json"]
    command += ["--header", f"Authorization: Bearer {bearer_token(machine)}", "--workers", "1", *how]
    return subprocess.run(command, cwd=machine.folder, capture_output=True, text=True, check=False)


def running(folder: Path) -> Machine:
    """A machine whose whole stack runs, and whose clients may ask as often as they like."""
    machine = Machine(folder)
    machine.environment["HOMEWARD_API_REQUESTS_A_MINUTE"] = "100000"
    machine.start_engine()
    machine.start_worker()
    machine.start_service()
    return machine


def main() -> int:
    """Try every route at length; what schemathesis leaves."""
    with tempfile.TemporaryDirectory() as folder:
        machine = running(Path(folder))
        try:
            done = fuzz(machine, *AT_LENGTH)
        finally:
            machine.stop_all()
    print(done.stdout)  # noqa: T201 - it is what this is for
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
