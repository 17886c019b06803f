"""An invented child whose one episode tells of two others, one of them need to know, as their workflows would write."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from activities.store import Store, inbox
from activities.store.statements import upsert
from activities.store.tables import EventFeedTable, EventTable, TimelineTable
from tests.api.callers import HERE
from tests.api.town import NOW, holds, people, task
from tests.console.absences import absence
from tests.console.families import fact
from workflows.contracts import TimelineEntry
from workflows.fact_kinds import FactKind
from workflows.names import UNRETURNED_DUTY

CHILD: Final = "INV-KIN"
DELAYED: Final = "eturn home interview delayed"
NOTE: Final = "an invented note on the hidden one's task"


@dataclass(frozen=True)
class Kin:
    """An episode that everybody may see, which names a hidden one, and a third that is open to all."""

    shown: str
    secret: str
    third: str

    @property
    def duty(self) -> str:
        """The duty of the task that names the hidden one."""
        return f"{UNRETURNED_DUTY}{self.secret}"

    @property
    def task(self) -> str:
        """That task's key."""
        return f"{self.shown}/{self.duty}"


async def kin(store: Store, authority: str = HERE) -> Kin:
    """The three; `sw` is the child's social worker, `boss` and `close` are people who are not close to it."""
    await people(store, "sw", "close", "boss", authority=authority)
    await holds(store, "sw", "social_worker", CHILD, authority=authority)
    shown, third = [await absence(store, child=CHILD, authority=authority) for _ in range(2)]
    secret = await absence(store, child=CHILD, authority=authority, need_to_know=True)
    there = Kin(shown, secret, third)
    for number, other in enumerate((secret, third), start=1):
        await _line(store, shown, number, f"Another episode of this child: {other} (missing)")
        more = {"do": f"Episode {other} of the same child has no return recorded: record it", "due": None}
        duty = f"{UNRETURNED_DUTY}{other}"
        await task(store, shown, duty, authority, clock=None, role="duty_manager", **more)
    await _line(store, shown, 3, f"Episode {secret} could not be told that the child is missing again")
    delayed = await fact(store, shown, FactKind.RHI_DELAYED, -1, reason="missing_again", episode=secret)
    await _line(store, shown, 4, f"R{DELAYED} (missing again)", delayed)
    noted = await fact(store, shown, FactKind.TASK_NOTED, -1, task=there.duty, note=NOTE, recorded_by="boss")
    await _line(store, shown, 5, f"Note on a task ({there.duty})", noted)
    withdrawn = await fact(store, shown, FactKind.WITHDRAWN, -0.5, fact=delayed, reason="an invented slip")
    await _line(store, shown, 6, "Earlier fact withdrawn", withdrawn)
    await _reported(store, there, authority)
    await _fed(store, there, authority)
    return there


async def _line(store: Store, of_episode: str, number: int, text: str, fact_id: str | None = None) -> None:
    kind = "fact" if fact_id else "earlier_episode"
    about = {"number": number, "at": NOW, "recorded_at": NOW, "text": text, "kind": kind, "fact_id": fact_id}
    row = {"episode_id": of_episode, "number": number, "at": NOW, "recorded_at": NOW}
    body = TimelineEntry.model_validate(about).model_dump(mode="json")
    async with store.session() as session:
        await upsert(session, TimelineTable, row | {"body": body})


async def _reported(store: Store, there: Kin, authority: str) -> None:
    for episode in (there.shown, there.secret):
        item: dict[str, Any] = {"id": str(uuid4()), "authority": authority, "kind": "report", "episode_id": episode}
        item |= {"urgency": 0, "received_at": NOW, "state": "applied"}
        async with store.session() as session:
            of_child = await inbox.child_id(session, authority, CHILD, NOW)
            item["body"] = {"report": {"child": {"reference": CHILD}, "answers": {}}, "child_id": of_child}
            await inbox.keep(session, inbox.InboxItem.model_validate(item))


async def _fed(store: Store, there: Kin, authority: str) -> None:
    """What the feed tells of the task that names the hidden one."""
    data: dict[str, Any] = {"task": there.task, "role": "duty_manager", "state": "open", "taken": False}
    data |= dict.fromkeys(("clock", "due", "opened_at", "closed_at"))
    event = {"authority": authority, "number": 1, "id": str(uuid4()), "at": NOW, "episode_id": there.shown}
    async with store.session() as session:
        await upsert(session, EventTable, event | {"kind": "homeward.task.opened", "data": data})
        await upsert(session, EventFeedTable, {"authority": authority, "last": 1, "dropped": 0})
