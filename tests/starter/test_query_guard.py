"""What the guard lets a workflow live through, activation by activation."""

from typing import Any

import pytest
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance

from starter.query_guard import NOT_BEGUN, Guarded


class Living(WorkflowInstance):
    """A workflow that lives through whatever it is given."""

    def __init__(self) -> None:
        self.lived: list[str] = []

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self.lived += [str(job.WhichOneof("variant")) for job in act.jobs]
        return WorkflowActivationCompletion(run_id=act.run_id)

    def get_serialization_context(self, command_info: Any) -> Any:
        return command_info, "written"

    def get_external_store_context(self, command_info: Any) -> Any:
        return command_info, "kept"

    def get_info(self) -> Any:
        return "info"

    def get_thread_id(self) -> int:
        return 7


def activation(job: str, *, events: int, size: int, second: int, replaying: bool = False) -> WorkflowActivation:
    act = WorkflowActivation(run_id="r", history_length=events, history_size_bytes=size, is_replaying=replaying)
    act.timestamp.seconds = second
    getattr(act.jobs.add(), job).SetInParent()
    return act


BEGUN: dict[str, Any] = {"events": 10, "size": 900, "second": 60}
CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "a signal that no task has begun over": ({"job": "signal_workflow", **BEGUN, "events": 12}, False),
    "an update that no task has begun over": ({"job": "do_update", **BEGUN, "events": 12}, False),
    "a timer that no task has begun over": ({"job": "fire_timer", **BEGUN, "events": 12}, False),
    "a signal with its task": ({"job": "signal_workflow", "events": 12, "size": 950, "second": 61}, True),
    "a task of an engine whose clock went back": (
        {"job": "signal_workflow", "events": 12, "size": 950, "second": 60},
        True,
    ),
    "what the task itself did": ({"job": "resolve_activity", **BEGUN}, True),
    "a query": ({"job": "query_workflow", **BEGUN, "events": 12}, True),
    "to be forgotten": ({"job": "remove_from_cache", **BEGUN, "events": 12}, True),
    "a history lived through again": ({"job": "signal_workflow", **BEGUN, "events": 12, "replaying": True}, True),
}


@pytest.mark.parametrize(("given", "lived"), CASES.values(), ids=CASES)
def test_a_workflow_goes_on_by_tasks_alone(given: dict[str, Any], lived: bool) -> None:
    living = Living()
    guarded = Guarded(living)
    guarded.activate(activation("initialize_workflow", **BEGUN))
    answer = guarded.activate(activation(**given))
    assert living.lived == ["initialize_workflow", *([given["job"]] if lived else [])]
    assert (answer.run_id, answer.failed.failure.message) == ("r", "" if lived else NOT_BEGUN)


def test_an_engine_that_does_not_say_how_large_a_history_is_is_believed() -> None:
    living = Living()
    guarded = Guarded(living)
    for events in (3, 5):
        guarded.activate(activation("signal_workflow", events=events, size=0, second=60))
    assert living.lived == ["signal_workflow", "signal_workflow"]


def test_what_is_asked_of_the_workflow_itself_it_answers() -> None:
    guarded = Guarded(Living())
    info: Any = "of a command"
    told = guarded.get_info(), guarded.get_thread_id()
    contexts = guarded.get_serialization_context(info), guarded.get_external_store_context(info)
    assert (told, contexts) == (("info", 7), ((info, "written"), (info, "kept")))
