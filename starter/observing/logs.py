"""What processes write to their logs: what happened, in whose turn, and never a key or a child."""

import logging
import re
import sys
from typing import Final

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger
from temporalio import activity, workflow

from starter.observing.settings import ObservingSettings
from workflows.names import EPISODE_WORKFLOW, episode_id_of

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_KEY: Final = re.compile(rf"(message-|/m/){_UUID}|{_UUID}(-(?:notify_email|notify_sms|smtp|webhook)\b)")


def without_keys(text: str) -> str:
    """A text without the ids of messages: whoever knows one may answer in its person's name."""
    return _KEY.sub(r"\1...\2", text)


class WithoutKeys(structlog.stdlib.ProcessorFormatter):
    """Formats as structlog does, and leaves the ids of messages out.

    The engine's client puts workflows' ids into what it logs, and stands in
    tracebacks: so the whole text is looked through, and not its parts.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON, or as lines for people."""
        return without_keys(super().format(record))


def begin_logging(settings: ObservingSettings) -> None:
    """Log to stderr. Call once, before anything else."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])


def formatter(settings: ObservingSettings) -> WithoutKeys:
    """How records are written: by whoever logs, in this process or in a library."""
    about: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_its_turn,
        _with_its_trace,
    ]
    if settings.log_format == "lines":
        shown: list[Processor] = [structlog.dev.ConsoleRenderer(colors=False)]
    else:
        shown = [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(),
        ]
    processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown]
    return WithoutKeys(foreign_pre_chain=about, processors=processors)


def _with_its_turn(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name the activity or workflow in whose turn something is logged, and the episode where it is one's."""
    if activity.in_activity():
        doing = activity.info()
        event.update(activity=doing.activity_type, attempt=doing.attempt)
        event.update(_episode_of(doing.workflow_type, doing.workflow_id))
    elif workflow.in_workflow():
        running = workflow.info()
        event.update(_episode_of(running.workflow_type, running.workflow_id))
    return event


def _episode_of(workflow_type: str | None, workflow_id: str | None) -> dict[str, str]:
    known = {"workflow": workflow_type} if workflow_type else {}
    if workflow_type == EPISODE_WORKFLOW and workflow_id:
        known["episode"] = episode_id_of(workflow_id)
    return known


def _with_its_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Name the trace of which this is a part, where there is one."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace"] = trace.format_trace_id(span.trace_id)
    return event
