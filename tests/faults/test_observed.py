"""Real processes as those who watch them see them: one trace from a request to what comes of it, metrics, logs."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.api_fuzz import bearer_token
from tests.faults.machine import Machine, free_port, wait_until
from tests.standins.collector import Collector
from workflows.instants import to_rfc3339


def samples(port: int) -> dict[str, float]:
    """What is counted at a port: the sum of each sample's values."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10, trust_env=False).text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[one.name] = found.get(one.name, 0) + one.value
    return found


def test_what_a_report_brings_about_is_one_trace_and_is_counted_and_names_no_child(machine: Machine) -> None:
    ports = {f"HOMEWARD_{name}": free_port() for name in ("METRICS_PORT", "WORKER_METRICS_PORT")}
    ports["HOMEWARD_WORKER_ENGINE_METRICS_PORT"] = free_port()
    with Collector() as collector:
        more = {"HOMEWARD_TRACES_URL": collector.traces_url, "OTEL_BSP_SCHEDULE_DELAY": "200"}
        machine.environment |= more | {name: str(port) for name, port in ports.items()}
        machine.start_engine()
        machine.start_worker()
        machine.start_service()
        machine.wait_for_line("worker", "worker ready")
        said = {"child": {"reference": "INVENTED-SECRET"}, "reported": to_rfc3339(datetime.now(UTC))}
        headers = {"Authorization": f"Bearer {bearer_token(machine)}", "Idempotency-Key": str(uuid4())}
        answer = httpx.post(f"{machine.service}/v1/episodes", json=said, headers=headers, timeout=30, trust_env=False)
        assert answer.status_code == 201

        def of_the_report() -> set[tuple[str, str]]:
            asked = [span.trace_id for _, span in collector.spans if span.name == "POST /v1/episodes"]
            return {(process, span.name) for process, span in collector.spans if [span.trace_id] == asked}

        brought_about = {
            ("homeward-service", "POST /v1/episodes"),
            ("homeward-service", "StartWorkflow:MissingEpisode"),
            ("homeward-worker", "RunWorkflow:MissingEpisode"),
            ("homeward-worker", "RunActivity:write_episode"),
        }
        wait_until(lambda: brought_about <= of_the_report(), "all that the request brings about is one trace")
        assert b"INVENTED-SECRET" not in collector.raw
    of_service = samples(ports["HOMEWARD_METRICS_PORT"])
    assert of_service["homeward_http_request_seconds_count"] >= 1
    assert of_service["homeward_inbox_to_engine_seconds_count"] == 1
    assert samples(ports["HOMEWARD_WORKER_METRICS_PORT"])["homeward_notices_total"] >= 1
    of_client, counted = ports["HOMEWARD_WORKER_ENGINE_METRICS_PORT"], "temporal_workflow_task_execution_latency_count"
    wait_until(lambda: samples(of_client).get(counted, 0) >= 1, "the engine's client counts its tasks")
    logs = "".join((machine.folder / f"{name}.log").read_text(encoding="utf-8") for name in ("worker", "service"))
    assert all(json.loads(line)["message"] for line in logs.splitlines())
    assert "INVENTED-SECRET" not in logs
