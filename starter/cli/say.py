"""What commands say: answers on the standard output, one line of complaint on the standard error."""

import json
import sys
from datetime import datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from workflows.instants import day_or_moment_in_words

EXIT_BAD_INPUT: Final = 2
EXIT_KEPT: Final = 3
EXIT_BROKEN: Final = 4
"""The audit is not whole."""

# Where nobody looks at a screen, nothing is cut to the width of one.
_WIDTH_OFF_SCREEN: Final = 200

console = Console(
    highlight=False,
    soft_wrap=True,
    emoji=False,
    markup=False,
    width=None if sys.stdout.isatty() else _WIDTH_OFF_SCREEN,
)


def complain(line: str) -> None:
    """Say in one line on the standard error what is wrong."""
    sys.stderr.write(f"homeward: {line}\n")


def say(line: str = "") -> None:
    """Say one line."""
    console.print(line)


def say_json(data: Any) -> None:
    """Answer with JSON; `data` is JSON-ready."""
    sys.stdout.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def say_text(text: str) -> None:
    """Answer with text exactly as it is, for another program or a file."""
    sys.stdout.write(text)


def say_table(columns: list[str], rows: list[list[str]]) -> None:
    """Answer with a table that wraps rather than cuts."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table, soft_wrap=False)


def moment(instant: datetime | None) -> str:
    """A moment in London words, the last second of a day as its end; or a dash."""
    return day_or_moment_in_words(instant) if instant else "-"
