"""Record histories of the present workflow for the replay gate.

    make histories VERSION=0.1.0

Run it before a workflow is changed, never after: a history recorded after a
change says nothing about the episodes that were open before it. Files are only
ever added.
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment

from activities.policies import Policies
from activities.registry import Activities
from activities.store import Store, inbox
from starter.episode_worker import episode_worker
from starter.rehearsal import Stage, skipping_engine
from tests.engine.conftest import Theatre, providers_up, theatre_of
from tests.engine.correspondence import somebody
from tests.engine.plays import NOON, fact, hours, live, scenario
from tests.standins.faults import STORED_BUT_LOST, refuses
from workflows.facts import Fact
from workflows.names import DIGEST_WORKFLOW, TASK_QUEUE, postbox_id
from workflows.post_contracts import DigestInput
from workflows.vocabulary import Haste

HISTORIES = Path(__file__).parent / "histories"

# name: the facts of the episode, and the hour after its noon at which its history is taken
EPISODES: dict[str, tuple[tuple[Fact, ...], float]] = {
    "open-missing-past-the-alert": ((fact("last_seen", 0), fact("reported", 1)), 50),
    "open-interview-overdue": ((fact("reported", 0), fact("told", 1, role="iro"), fact("returned", 5)), 120),
    "open-absence-to-be-reviewed": ((fact("noticed", 0),), 5),
    "open-long-term": ((fact("reported", 0),), 24 * 28 + 2),
    "closed-all-done": (
        (
            fact("reported", 0),
            fact("told", 1, role="iro"),
            fact("told", 1, role="parent"),
            fact("told", 1, role="service_manager"),
            fact("returned", 5),
            fact("rhi_offered", 6),
            fact("visited", 30),
            fact("prevention_check", 7, outcome="done"),
            fact("rhi_completed", 40),
            fact("rhi_written_up", 41),
        ),
        24 * 40,
    ),
    "open-return-taken-back": (
        (
            fact("reported", 0),
            wrong := fact("returned", 5),
            fact("withdrawn", 8, fact=wrong.id, reason="invented"),
            fact("clock_voided", 9, clock="rhi", reason="invented", recorded_by="A", authorised_by="B"),
            fact("returned", 30),
        ),
        60,
    ),
    "open-moved-to-another-policy": (
        (
            fact("reported", 0),
            fact("policy_changed", 5, policy="homeward", version="2026.1", reason="invented", authorised_by="B"),
        ),
        30,
    ),
    "closed-recorded-in-error": ((fact("reported", 0), fact("recorded_in_error", 5, reason="invented")), 24 * 29),
}


async def main(version: str) -> None:
    """Live through each episode and keep its history under the version's folder."""
    folder = HISTORIES / version
    folder.mkdir(parents=True)
    with TemporaryDirectory() as scratch:
        store = Store(f"sqlite+aiosqlite:///{Path(scratch) / 'store.sqlite'}")
        await store.make_ready()
        policies = Policies.load()
        with providers_up() as providers:
            async with theatre_of(store, policies, providers) as theatre:
                await _messages(theatre, folder)
        activities = Activities(store, policies)
        async with skipping_engine() as environment, episode_worker(environment.client, activities):
            for name, (facts, until) in EPISODES.items():
                stage = Stage(environment, store, policies, NOON)
                await live(stage, until, *facts)
                await _keep(stage, folder / f"{name}.json")
            await _missing_again(environment, store, policies, folder)
            await _told_again(Stage(environment, store, policies, NOON), folder / "open-told-again.json")
            await _signalled(Stage(environment, store, policies, NOON), folder / "open-signals-and-a-refusal.json")
        await store.close()


async def _missing_again(environment: WorkflowEnvironment, store: Store, policies: Policies, folder: Path) -> None:
    async with store.session() as session:
        child_id = await inbox.child_id(session, "rehearsal", "INVENTED", NOON)
    first = Stage(environment, store, policies, NOON)
    await live(first, 11, fact("reported", 0), fact("returned", 5), child_id=child_id)
    again = Stage(environment, store, policies, NOON + hours(11))
    await again.begin(scenario(), (fact("reported", 11),), child_id=child_id)
    await again.advance_to(NOON + hours(40))
    await first.advance_to(NOON + hours(40))
    await _keep(again, folder / "open-missing-again.json")
    await _keep(first, folder / "open-interview-owed-and-missing-again.json")


async def _told_again(stage: Stage, file: Path) -> None:
    """The return was an hour later than was said, which is known after both times by which to offer an interview."""
    wrong = fact("returned", 5)
    await live(stage, 30.5, fact("reported", 0), wrong)
    await stage.record(fact("returned", 6).model_copy(update={"replaces": wrong.id}))
    await stage.record(fact("searched", 3))
    await stage.advance_to(NOON + hours(31))
    await _keep(stage, file)


async def _signalled(stage: Stage, file: Path) -> None:
    await stage.begin(scenario(), (fact("last_seen", 0), fact("reported", 0)))
    await stage.handle.signal("found", {"at": "2026-06-01T00:00:00Z"})
    await stage.handle.signal("found", {"at": "2026-06-10T12:00:00Z"})
    await stage.advance_to(NOON + hours(30))
    await stage.handle.signal("look_again")
    await stage.advance_to(NOON + hours(31))
    await _keep(stage, file)


async def _messages(theatre: Theatre, folder: Path) -> None:
    """A postbox that gathered, messages that reached somebody at once, late and not at all, and a digest."""
    manager, late, nobody = [await somebody(theatre) for _ in range(3)]
    await manager.told(3)
    await (await manager.message()).signal("receipt", args=["notify_email", "delivered"])
    await manager.reaches("reached")
    await _keep_run(theatre, postbox_id(manager.person), folder / "closed-postbox.json")
    await _keep_run(theatre, (await manager.message()).id, folder / "closed-message-delivered.json")
    theatre.providers.notify.sends.next(refuses(429, "RateLimitError"), STORED_BUT_LOST)
    await late.told()
    await late.message()
    await late.lives("reached")
    await _keep_run(theatre, (await late.message()).id, folder / "closed-message-silent-and-by-the-next-way.json")
    theatre.providers.notify.sends.always = refuses(503)
    theatre.providers.smtp.recipients.always = refuses(451)
    await nobody.told()
    await nobody.message()
    await nobody.lives("unreached")
    await nobody.skip(timedelta(minutes=20))
    await _keep_run(theatre, (await nobody.message()).id, folder / "open-message-unreached.json")
    theatre.providers.mend()
    await manager.told(2, Haste.IN_DIGEST)
    start = DigestInput(authority=manager.authority, rules=theatre.post.rules)
    client = theatre.environment.client
    digest = await client.start_workflow(DIGEST_WORKFLOW, start, id=f"digest-{uuid4()}", task_queue=TASK_QUEUE)
    await digest.result()
    await _keep_run(theatre, digest.id, folder / "closed-digest.json")


async def _keep_run(theatre: Theatre, workflow: str, file: Path) -> None:
    await _write(await theatre.environment.client.get_workflow_handle(workflow).fetch_history(), file)


async def _keep(stage: Stage, file: Path) -> None:
    await _write(await stage.handle.fetch_history(), file)


async def _write(history: WorkflowHistory, file: Path) -> None:
    # A failed attempt's stack trace names the machine's own folders.
    text = json.dumps(json.loads(history.to_json().replace(f"{Path.cwd()}/", "")), indent=0)
    await asyncio.to_thread(file.write_text, text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
