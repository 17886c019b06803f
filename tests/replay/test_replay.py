"""The replay gate: every history of every released version must still be lived through in the same way."""

import json
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from starter.episode_worker import WORKFLOWS, sandboxed
from tests.replay.record import HISTORIES
from workflows.contracts import EpisodeInput
from workflows.episode import MissingEpisode
from workflows.names import DIGEST_WORKFLOW, EPISODE_WORKFLOW, MESSAGE_WORKFLOW, POSTBOX_WORKFLOW

FILES = sorted(HISTORIES.glob("*/*.json"))
CLOSED_EVENT = "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED"
TIMER_EVENT = "EVENT_TYPE_TIMER_FIRED"


def _history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"replay-{file.stem}", file.read_text(encoding="utf-8"))


def _events(file: Path) -> list[str]:
    written: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return [event["eventType"] for event in written["events"]]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f"{f.parent.name}/{f.stem}")
async def test_a_history_replays(file: Path) -> None:
    """A failure here breaks episodes that are open now: guard the change as CONTRIBUTING says. Never edit a history."""
    replayer = Replayer(workflows=WORKFLOWS, data_converter=pydantic_data_converter, workflow_runner=sandboxed())
    result = await replayer.replay_workflow(_history(file), raise_on_replay_failure=False)
    assert result.replay_failure is None


def test_the_corpus_holds_open_and_closed_histories_that_cross_timers() -> None:
    assert FILES, "the replay gate has no histories: 'make histories VERSION=...'"
    for version in {file.parent for file in FILES}:
        files = [file for file in FILES if file.parent == version]
        closed = [file for file in files if CLOSED_EVENT in _events(file)]
        assert closed, f"{version.name} has no closed history"
        assert len(closed) < len(files), f"{version.name} has no open history"
        for file in files:
            # A digest gathers and begins messages, and waits for nothing; a message may be delivered at once.
            waits = file.stem not in ("closed-digest", "closed-message-delivered")
            assert not waits or TIMER_EVENT in _events(file), f"{file.stem} crosses no timer"


def test_the_corpus_of_the_present_version_has_every_workflow() -> None:
    newest = max((file.parent for file in FILES), key=lambda folder: [int(part) for part in folder.name.split(".")])
    begun = {
        json.loads(file.read_text(encoding="utf-8"))["events"][0]["workflowExecutionStartedEventAttributes"][
            "workflowType"
        ]["name"]
        for file in newest.glob("*.json")
    }
    assert begun == {EPISODE_WORKFLOW, POSTBOX_WORKFLOW, MESSAGE_WORKFLOW, DIGEST_WORKFLOW}


@workflow.defn(name=EPISODE_WORKFLOW)
class SleepsFirst(MissingEpisode):
    """The workflow, changed in a way that breaks open episodes: it sleeps before anything else."""

    @workflow.init
    def __init__(self, start: EpisodeInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, _start: EpisodeInput) -> None:
        await workflow.sleep(1)
        await super().run(_start)


async def test_the_gate_can_fail() -> None:
    replayer = Replayer(
        workflows=[SleepsFirst],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    result = await replayer.replay_workflow(_history(FILES[0]), raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, workflow.NondeterminismError)


async def test_code_that_does_not_know_a_change_cannot_go_on_with_what_took_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Why a change is known to one version before another begins it: see workflows/changes.py."""
    [took_it] = HISTORIES.glob("0.3.0/open-missing-again.json")

    def knows_none(_id: str) -> bool:
        return False

    monkeypatch.setattr(workflow, "patched", knows_none)
    replayer = Replayer(
        workflows=[MissingEpisode],
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    result = await replayer.replay_workflow(_history(took_it), raise_on_replay_failure=False)
    assert isinstance(result.replay_failure, workflow.NondeterminismError)
