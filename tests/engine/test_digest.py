"""The digest: a scheduled workflow that sends each person, at its hour and once, what did not have to come at once."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from temporalio.client import Schedule, ScheduleActionStartWorkflow
from temporalio.service import RPCError

from activities import posting
from activities.store.directory import PersonEntry, put_person
from starter.post_office import schedule_digests
from tests.engine.conftest import Theatre, on_both
from tests.engine.correspondence import Correspondent, lines, somebody, until
from workflows.instants import LONDON, parse_instant
from workflows.messages import PostRules
from workflows.names import DIGEST_WORKFLOW, TASK_QUEUE, digest_id
from workflows.post_contracts import DigestAsked, DigestInput
from workflows.vocabulary import Haste

pytestmark = [pytest.mark.asyncio(loop_scope="session"), on_both]
RULES = PostRules(gather_seconds=0, digest_at=(time(8, 30), time(13, 0)))


def with_digests(theatre: Theatre) -> Theatre:
    return replace(theatre, post=replace(theatre.post, rules=RULES))


async def sent_to(theatre: Theatre, to: Correspondent) -> list[int]:
    """How many lines each e-mail to a person has."""
    mine = [one for one in theatre.providers.notify.stored if one.to == to.email]
    return [len(lines(one.personalisation["message"])) for one in mine]


async def test_what_can_wait_is_one_message_for_each_person_and_goes_out_once(theatre: Theatre) -> None:
    first = await somebody(with_digests(theatre))
    second = Correspondent(with_digests(theatre), *(await in_the_same_town(theatre, first)))
    for one in (first, second):
        await one.told(7, Haste.IN_DIGEST)
        assert await one.messages() == []
    start = DigestInput(authority=first.authority, rules=RULES)
    handle = await theatre.environment.client.start_workflow(
        DIGEST_WORKFLOW, start, id=f"digest-{uuid4()}", task_queue=TASK_QUEUE
    )
    # Both hold the same role, so each notice is for both.
    assert await handle.result() == 2
    for one in (first, second):

        async def sent(to: Correspondent = one) -> bool:
            return await sent_to(theatre, to) == [14]

        await until(sent)
    again = await theatre.environment.client.start_workflow(
        DIGEST_WORKFLOW, start, id=f"digest-{uuid4()}", task_queue=TASK_QUEUE
    )
    assert await again.result() == 0


async def in_the_same_town(theatre: Theatre, neighbour: Correspondent) -> tuple[str, str, str]:
    other = await somebody(theatre, authority=neighbour.authority)
    return other.person, other.authority, other.name


async def test_a_digest_gathered_again_after_a_crash_is_the_same_messages(theatre: Theatre) -> None:
    manager = await somebody(with_digests(theatre))
    await manager.told(3, Haste.IN_DIGEST)
    asked = DigestAsked(authority=manager.authority, run=str(uuid4()), now=datetime.now(UTC) + timedelta(seconds=1))
    first = await posting.gather_digests(theatre.store, theatre.post, asked)
    assert await posting.gather_digests(theatre.store, theatre.post, asked) == first
    assert [message.lines for message in first] == [3]


@pytest.mark.parametrize(
    ("hours", "at", "gathers"),
    [
        ("always", "2027-06-12T08:30:00+01:00", True),
        ("Mon-Fri 09:00-17:00", "2027-06-12T08:30:00+01:00", False),
        ("Mon-Fri 09:00-17:00", "2027-06-14T08:30:00+01:00", True),
    ],
)
async def test_nobody_gets_a_digest_on_a_day_off(theatre: Theatre, hours: str, at: str, gathers: bool) -> None:
    manager = await somebody(with_digests(theatre))
    entry = PersonEntry(reference=manager.name, name=manager.name, email=manager.email, hours=hours)
    async with theatre.store.session() as session:
        await put_person(session, manager.authority, entry)
    await manager.told(1, Haste.IN_DIGEST)
    asked = DigestAsked(authority=manager.authority, run=str(uuid4()), now=parse_instant(at))
    assert bool(await posting.gather_digests(theatre.store, theatre.post, asked)) is gathers


async def test_the_schedule_is_made_once_changed_by_the_settings_and_taken_away(theatre: Theatre) -> None:
    client, authority = theatre.environment.client, f"town-{uuid4().hex[:8]}"
    handle = client.get_schedule_handle(digest_id(authority))
    await schedule_digests(client, authority, RULES)
    await schedule_digests(client, authority, RULES)
    times = (await handle.describe()).info.next_action_times
    # Half past eight and one o'clock in London, whatever the season.
    assert {one.astimezone(LONDON).time() for one in times} == {time(8, 30), time(13, 0)}
    await schedule_digests(client, authority, RULES.model_copy(update={"digest_at": (time(7, 15),)}))
    described = await handle.describe()
    assert {one.astimezone(LONDON).time() for one in described.info.next_action_times} == {time(7, 15)}
    assert _started_by(described.schedule) == DIGEST_WORKFLOW
    await schedule_digests(client, authority, RULES.model_copy(update={"digest_at": ()}))
    with pytest.raises(RPCError):
        await handle.describe()
    await schedule_digests(client, authority, RULES.model_copy(update={"digest_at": ()}))


def _started_by(schedule: Schedule) -> str:
    assert isinstance(schedule.action, ScheduleActionStartWorkflow)
    return schedule.action.workflow


async def test_the_schedule_begins_a_digest(theatre: Theatre) -> None:
    manager = await somebody(with_digests(theatre))
    await manager.told(2, Haste.IN_DIGEST)
    await schedule_digests(theatre.environment.client, manager.authority, RULES)
    handle = theatre.environment.client.get_schedule_handle(digest_id(manager.authority))
    await handle.trigger()

    async def sent() -> bool:
        return await sent_to(theatre, manager) == [2]

    await until(sent)
    await handle.delete()
