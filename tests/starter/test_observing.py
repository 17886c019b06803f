"""What processes log, count and trace of what they do, and that none of it names a child or holds a key."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import metrics
from activities.store import Store
from starter.access import AccessRole
from starter.observing.logs import formatter
from starter.observing.settings import ObservingSettings, load_observing_settings
from starter.observing.traces import NamingNobody
from tests.api.callers import Service
from workflows.contracts import EpisodeChanges, TimelineEntry
from workflows.names import EPISODE_WORKFLOW, message_workflow_id, workflow_id
from workflows.plain_errors import BadInputError
from workflows.post_contracts import SendAnswer

DUE = datetime(2026, 6, 10, 12, tzinfo=UTC)


def logged(words: str = "something", **settings: Any) -> str:
    record = logging.LogRecord("homeward.invented", logging.WARNING, "f", 1, words, None, None)
    return formatter(ObservingSettings(**settings)).format(record)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_line_is_json_and_says_when_who_and_how_bad() -> None:
    line = json.loads(logged())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"message": "something", "level": "warning", "logger": "homeward.invented"}


def test_people_may_have_lines_instead() -> None:
    assert "something" in logged(log_format="lines")
    assert not logged(log_format="lines").startswith("{")


@pytest.mark.parametrize("of", ["episode", "message"])
def test_a_line_in_an_activitys_turn_names_its_episode_and_never_a_message(of: str) -> None:
    id = str(uuid4())
    of_episode = of == "episode"
    turn = ActivityEnvironment()
    turn.info = replace(
        turn.info,
        workflow_id=workflow_id(id) if of_episode else message_workflow_id(id),
        workflow_type=EPISODE_WORKFLOW if of_episode else "Message",
        activity_type="write_episode",
        attempt=3,
    )
    line = json.loads(turn.run(logged))
    assert (line["activity"], line["attempt"], line["workflow"]) == ("write_episode", 3, turn.info.workflow_type)
    assert line.get("episode") == (id if of_episode else None)
    assert of_episode or id not in json.dumps(line)


def line_of(kind: str, late_seconds: float = 0, **more: Any) -> TimelineEntry:
    at = {"at": DUE, "recorded_at": DUE + timedelta(seconds=late_seconds)}
    return TimelineEntry.model_validate({"number": 1, "kind": kind, "text": "invented", **at, **more})


def turn_with(*lines: TimelineEntry) -> EpisodeChanges:
    return EpisodeChanges.model_construct(timeline=lines, facts=())


def test_clocks_that_ran_out_are_counted_with_how_late_they_were_noticed() -> None:
    ran_out = {"clock": "rhi", "state": "overdue"}
    before = counted("homeward_clocks_ran_out_total", **ran_out), counted("homeward_clock_lateness_seconds_sum")
    late = line_of("state", 7, **ran_out)
    metrics.note_turn(turn_with(late, line_of("state", clock="rhi", state="running"), line_of("status")))
    assert counted("homeward_clocks_ran_out_total", **ran_out) == before[0] + 1
    assert counted("homeward_clock_lateness_seconds_sum") == before[1] + 7
    metrics.note_turn(turn_with(late, line_of("rules")))
    assert counted("homeward_clocks_ran_out_total", **ran_out) == before[0] + 2
    assert counted("homeward_clock_lateness_seconds_sum") == before[1] + 7, "new rules are no lateness"


async def test_tries_to_send_are_counted_by_what_came_of_them() -> None:
    async def taken() -> SendAnswer:
        return SendAnswer(became="taken")

    async def busy() -> SendAnswer:
        raise ApplicationError("not sent yet: busy")

    names = [{"way": "invented", "answer": answer} for answer in ("taken", "not_yet")]
    before = [counted("homeward_sends_total", **one) for one in names]
    assert (await metrics.noted_send("invented", taken())).became == "taken"
    with pytest.raises(ApplicationError):
        await metrics.noted_send("invented", busy())
    assert [counted("homeward_sends_total", **one) for one in names] == [one + 1 for one in before]


async def test_a_request_is_counted_by_its_route_and_never_by_its_address(store: Store) -> None:
    route = {"method": "GET", "route": "/v1/children/{reference}/records", "status": "4xx"}
    nowhere = {"method": "GET", "route": "none", "status": "4xx"}
    before = [counted("homeward_http_request_seconds_count", **one) for one in (route, nowhere)]
    async with Service(store).caller(AccessRole.MANAGER) as client:
        await client.get("/v1/children/INVENTED-CHILD/records")
        await client.get("/INVENTED-CHILD")
    after = [counted("homeward_http_request_seconds_count", **one) for one in (route, nowhere)]
    assert after == [one + 1 for one in before]
    said = [sample.labels for metric in REGISTRY.collect() for sample in metric.samples]
    assert "INVENTED-CHILD" not in str(said)


def test_a_span_keeps_its_place_and_loses_what_could_name_somebody() -> None:
    kept, key = InMemorySpanExporter(), str(uuid4())
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(NamingNobody(kept)))
    tracer = provider.get_tracer("invented")
    about = {"http.route": "/m/{message}", "url.path": "/INVENTED-CHILD", "temporalWorkflowID": f"message-{key}"}
    with (
        tracer.start_as_current_span("outer"),
        tracer.start_as_current_span(f"of message-{key}", attributes=about) as it,
    ):
        it.record_exception(ValueError("INVENTED-CHILD"))
        it.set_status(trace.StatusCode.ERROR, "INVENTED-CHILD")
    inner, outer = kept.get_finished_spans()
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert inner.name == "of message-..."
    assert dict(inner.attributes or {}) == {"http.route": "/m/{message}", "temporalWorkflowID": "message-..."}
    assert [dict(event.attributes or {}) for event in inner.events] == [{"exception.type": "ValueError"}]
    assert inner.status.status_code is trace.StatusCode.ERROR
    assert "INVENTED" not in inner.to_json() + outer.to_json()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("LOG_FORMAT", "xml", "use one of json, lines"),
        ("METRICS_HOST", "everywhere", "must be an IP address"),
        ("TRACES_URL", "collector", "must be an address such as https://collector.example"),
        ("WORKER_METRICS_PORT", "70000", "65535"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"HOMEWARD_{name}", value)
    with pytest.raises(BadInputError, match=f"HOMEWARD_{name}") as refused:
        load_observing_settings()
    assert says in str(refused.value)
