"""What processes write to their logs: everything but the keys of answer pages."""

import logging
import re
import sys
from typing import Final

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY: Final = re.compile(rf"(message-|/m/){_UUID}|{_UUID}(-(?:notify_email|notify_sms|smtp|webhook)\b)")


class WithoutKeys(logging.Formatter):
    """Formats as ever, and leaves the ids of messages out: whoever knows one may answer in its person's name.

    The engine's client puts workflows' ids into what it logs, and stands in
    tracebacks: so the whole text is looked through, and not its parts.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        return _KEY.sub(r"\1...\2", super().format(record))


def begin_logging() -> None:
    """Log to stderr from INFO up. Call once, before anything else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutKeys("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
