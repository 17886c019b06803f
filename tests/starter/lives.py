"""The written lives: what happens in each, in lines short enough to be read and compared.

`python -m tests.starter.lives` lives through each again and writes what happened
into its file: for whoever has changed a rule, and reads each changed line.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

from starter.rehearsal import RehearsedEvent, rehearse
from starter.scenarios import read_json, read_scenario
from tests.workflows.builders import policies
from workflows.instants import to_rfc3339

LIVES = Path(__file__).parent.parent.parent / "examples" / "lives"
TOLD = ("notice", "escalation", "status", "state", "refused", "earlier_episode", "passed_over")


def line(event: RehearsedEvent) -> str:
    """One event: when, what, of which clock, which step, to whom; for a clock that turned, how."""
    about = (event.clock, event.rung, event.role, event.state)
    words = [one for one in about if one] or [event.text]
    return " ".join([to_rfc3339(event.at.replace(microsecond=0)), event.kind, *words])


def lived(life: dict[str, Any]) -> list[str]:
    """Live through a life; the lines of what happened."""
    rehearsal = asyncio.run(rehearse(read_scenario(life), policies()))
    return [line(event) for event in rehearsal.events if event.kind in TOLD]


if __name__ == "__main__":
    for path in sorted(LIVES.glob("*.json")):
        written = read_json(path)
        written["expect"]["events"] = lived(written)
        path.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
