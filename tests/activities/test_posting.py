"""What is written down of a way that could not be tried at all: it was given up, and why."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from activities.channels.webhook import WebhookAdapter
from activities.notify import put_in_tray
from activities.posting import Post, WayOut, send
from activities.store import Store
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.post import Message, begin_message, dispatches_of
from activities.store.tables import HoldingTable
from tests.standins.webhooks import SECRET
from workflows.contracts import NoticeOrder
from workflows.messages import PostRules
from workflows.post_contracts import SendAsked
from workflows.vocabulary import Channel, Role

pytestmark = pytest.mark.asyncio
NOW = datetime.now(UTC)


@pytest_asyncio.fixture
async def store(sqlite_url: str) -> AsyncGenerator[Store]:
    opened = Store(sqlite_url)
    await opened.make_ready()
    yield opened
    await opened.close()


async def gathered(store: Store) -> Message:
    """A message with one notice, for an invented person who has no address any more."""
    order = NoticeOrder(
        key="e/rhi/ask/1/social_worker",
        episode_id="e",
        authority="invented",
        clock="rhi",
        rung="ask",
        role=Role.SOCIAL_WORKER,
        needs_ack=True,
        escalates=False,
        says="Invented",
        at=NOW,
        due=None,
        ahead=timedelta(0),
    )
    async with store.session() as session:
        await put_person(session, "invented", PersonEntry(reference="p1", name="Invented"))
        person = await person_id(session, "invented", "p1")
        assert person is not None
        held = {"authority": "invented", "role": "social_worker", "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, {**held, "person_id": person})
        await put_in_tray(session, order)
        message = Message(id="m1", authority="invented", person_id=person, ways=("mail", "gone"), gathered_at=NOW)
        await begin_message(session, message, [order.key])
    return message


async def nobody_to_nudge(_authority: str, _person: str) -> None:
    return


@pytest.mark.parametrize(("way", "failure"), [("mail", "no address"), ("gone", "not set up")])
async def test_a_way_that_cannot_be_tried_is_given_up_with_its_reason(store: Store, way: str, failure: str) -> None:
    message = await gathered(store)
    ways = {"mail": WayOut(Channel.EMAIL, WebhookAdapter(SECRET, 1))}
    post = Post(ways=ways, rules=PostRules(), links="https://homeward.invented.example", nudge=nobody_to_nudge)
    answer = await send(store, post, SendAsked(message=message.id, way=way))
    async with store.session() as session:
        (tried,) = await dispatches_of(session, [message.id])
    assert answer.became == "refused"
    assert (tried.way, tried.failure, tried.in_doubt, tried.taken_at) == (way, failure, False, None)
    assert tried.given_up_at is not None
