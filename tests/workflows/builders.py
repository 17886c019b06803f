"""Words for tests of the rules: the default policy, an invented child, facts in one line each."""

from datetime import datetime
from functools import cache

from activities.policies import Policies
from workflows.clocks import Clock, plan
from workflows.contracts import NoticeOrder
from workflows.facts import Child, Fact, fact_from_outside
from workflows.instants import parse_instant
from workflows.memory import Memory
from workflows.orders import notices_owed
from workflows.policy import Pack
from workflows.vocabulary import Setting
from workflows.working_days import Calendar

CHILD = Child.model_validate(
    {"born": "2011-05-14", "allocated": True, "looked_after": True, "out_of_area": False, "setting": Setting.FOSTER}
)


@cache
def policies() -> Policies:
    """Homeward's own packs and calendars, read once in a process: to read them takes longer than most tests."""
    return Policies.load()


def pack() -> Pack:
    return policies().pack("homeward")


def calendar() -> Calendar:
    return policies().calendar("england")


def fact(words: str, **details: str) -> Fact:
    """A fact from 'kind instant' or 'kind instant id'; details beside it."""
    kind, at, *rest = words.split()
    number = rest[0] if rest else f"{kind}-{''.join(c for c in at if c.isalnum())}"
    return fact_from_outside({"kind": kind, "at": at, **details}, id=number.replace("_", "-"))


def clocks_at(as_of: str, *facts: Fact, child: Child = CHILD) -> dict[str, Clock]:
    """Every clock by its id, as of an instant."""
    return {c.id: c for c in plan(facts, child, pack(), calendar(), parse_instant(as_of))}


def turn(memory: Memory, now: datetime) -> list[NoticeOrder]:
    """The notices that one turn of an episode owes as of an instant (UTC), where nothing fails."""
    known, clocks = memory.known(now), memory.plan(now)
    memory.become_aware(clocks, now)
    due = memory.rungs_due(clocks, known)
    memory.note_status(known, now)
    memory.clocks = {clock.id: clock for clock in clocks}
    return notices_owed(memory, due, known)
