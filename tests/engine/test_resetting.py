"""An episode whose workflow can go on no more is begun anew: nothing that was said is lost, nobody is told twice."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowHandle

from activities.health.engine import EngineWatched, Suspect
from activities.health.findings import Deed, StuckKind
from activities.registry import Activities
from starter.episode_worker import episode_worker
from starter.relay import Relay
from tests.engine.conftest import ANSWERS_IN
from tests.engine.correspondence import until
from tests.engine.own_engine import (
    Machine,
    worker_whose_code_fails,
)
from tests.engine.town import hours_ago
from workflows import names
from workflows.plain_errors import BadInputError

pytestmark = pytest.mark.asyncio(loop_scope="session")

OWN_ID = "0b6f9c1e-5d0f-4c8e-9d0e-3f6a5b7c8d90"


def signalled_to(machine: Machine, episode: str) -> WorkflowHandle[object, object]:
    return machine.client.get_workflow_handle(names.workflow_id(episode))


async def facts(machine: Machine, episode: str) -> Counter[str]:
    view = await machine.view(episode)
    return Counter(fact.kind.value for fact in view.facts) if view else Counter()


async def told(machine: Machine, episode: str) -> Counter[str]:
    view = await machine.view(episode)
    return Counter(str(notice["key"]) for notice in view.notices) if view else Counter()


async def fails(machine: Machine, episode: str) -> None:
    async def is_so() -> bool:
        suspect = Suspect(names.workflow_id(episode), "episode", episode)
        found = await EngineWatched(machine.client, ANSWERS_IN).look_at([suspect], timedelta(0), datetime.now(UTC))
        return any(one.kind is StuckKind.WORKFLOW_FAILING for one in found)

    await until(is_so, 40)


async def has(machine: Machine, episode: str, *kinds: str) -> None:
    async def is_so() -> bool:
        await Relay(machine.store, machine.commands, machine.engine).relay_once(await machine.engine())
        return await facts(machine, episode) == Counter(kinds)

    await until(is_so, 40)


async def test_facts_that_only_the_failing_history_has_are_kept_and_nobody_is_told_twice(machine: Machine) -> None:
    episode = await machine.report()
    handle = signalled_to(machine, episode)
    async with episode_worker(machine.client, Activities(machine.store, machine.policies)):
        # Applied, once with an id and once without: neither is to be said again.
        await handle.signal(names.SIGNAL_FACT, {"id": OWN_ID, "kind": "searched", "at": hours_ago(20)})
        await handle.signal(names.SIGNAL_FACT, {"kind": "searched", "at": hours_ago(19)})
        await has(machine, episode, "reported", "searched", "searched")
    before = await told(machine, episode)
    assert before

    async with worker_whose_code_fails(machine.client):
        await handle.signal(names.SIGNAL_FOUND, {"at": hours_ago(3)})
        await handle.signal(names.SIGNAL_FACT, {"kind": "returned", "at": hours_ago(2)})
        await handle.signal(names.SIGNAL_FACT, {"kind": "no such thing"})
        await fails(machine, episode)
        said = await machine.operator().do(Deed.RESET, episode, datetime.now(UTC))
    assert said == (
        "Begun again with what its rows remember. Facts that systems had signalled are kept and put to it next: 2. "
        "Signals that are no facts, to be seen at the ended run in the engine's page: 1."
    )
    async with episode_worker(machine.client, Activities(machine.store, machine.policies)):
        await has(machine, episode, "reported", "searched", "searched", "located", "returned")
        after = await told(machine, episode)
        assert {key: after[key] for key in before} == before
        assert set(after.values()) == {1}
        with pytest.raises(BadInputError, match="subject: its workflow does not fail at each try"):
            await machine.operator().do(Deed.RESET, episode, datetime.now(UTC))
    with pytest.raises(BadInputError, match="subject: there is no such episode"):
        await machine.operator().do(Deed.RESET, "nobody-knows-it", datetime.now(UTC))


async def test_an_episode_that_never_took_a_turn_begins_as_the_first_time(machine: Machine) -> None:
    episode = await machine.report()
    async with worker_whose_code_fails(machine.client):
        await fails(machine, episode)
        assert await machine.view(episode) is None
        said = await machine.operator().do(Deed.RESET, episode, datetime.now(UTC))
    assert said == "Begun again with what its rows remember."
    async with episode_worker(machine.client, Activities(machine.store, machine.policies)):
        await has(machine, episode, "reported")
