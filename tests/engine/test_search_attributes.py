"""Search attributes on the real engine: made once, given to what begins; and what must begin begins without them."""

import logging
from uuid import uuid4

import pytest
from temporalio.client import Client

from starter import search_attributes
from starter.client import Episodes, connect
from starter.engine_at import EngineAt
from starter.search_attributes import make_attributes, unknown_attributes
from tests.engine.correspondence import until
from tests.engine.own_engine import Machine
from tests.engine.plays import LOOKED_AFTER, fact
from workflows.contracts import EpisodeInput
from workflows.names import workflow_id
from workflows.search_attributes import AUTHORITY

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _begin(client: Client) -> str:
    episode, reported = str(uuid4()), (fact("reported", 0),)
    start = EpisodeInput(
        episode_id=episode, authority="invented-town", child=LOOKED_AFTER, policy="homeward", facts=reported
    )
    assert await Episodes(client, 10).begin(start)
    return episode


async def _authority_of(client: Client, episode: str) -> str | None:
    described = await client.get_workflow_handle(workflow_id(episode)).describe()
    return described.typed_search_attributes.get(AUTHORITY)


async def test_an_episode_begins_with_its_authority_where_the_engine_knows_the_attribute(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(EngineAt(machine.client.service_client.config.target_host), "default", 5)
    assert await unknown_attributes(client) == ["HomewardAuthority"]
    with caplog.at_level(logging.WARNING):
        assert await _authority_of(client, await _begin(client)) is None
    assert caplog.messages == ["the engine does not know the search attribute HomewardAuthority: give 'homeward setup'"]
    await make_attributes(client)
    await make_attributes(client)
    assert await unknown_attributes(client) == []
    assert await _authority_of(client, await _begin(client)) is None, "it is not asked again at once"
    monkeypatch.setattr(search_attributes, "_ASK_AGAIN_SECONDS", 0.0)
    client = await connect(EngineAt(machine.client.service_client.config.target_host), "default", 5)

    async def is_labelled() -> bool:
        return await _authority_of(client, await _begin(client)) == "invented-town"

    await until(is_labelled, 20)
