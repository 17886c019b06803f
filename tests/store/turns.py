"""Invented episodes as turns: what their workflow would have written, worked out by the rules, without an engine."""

from datetime import datetime, timedelta

from tests.store.rows import AUTHORITY
from tests.workflows.builders import CHILD, calendar, pack
from workflows.clocks import Clock, plan
from workflows.contracts import EpisodeChanges, EpisodeRow, TaskRow
from workflows.fact_kinds import FactKind
from workflows.facts import Child, Fact, Known, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339
from workflows.progress import changed_clocks, tasks_of_clocks, withdrawn
from workflows.task_holding import as_people_left_them
from workflows.vocabulary import EpisodeStatus

NOON = parse_instant("2026-06-10T12:00:00Z")
PLACE = "Under the invented bridge"
"""Free words, which no event may hold."""


def after(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def fact(kind: FactKind | str, hours: float, id: str, **details: str) -> Fact:
    """A fact so many hours after NOON, with free words in its note and a name in who recorded it."""
    about = {"kind": str(kind), "at": to_rfc3339(after(hours)), "note": PLACE, "recorded_by": "Invented Worker"}
    return fact_from_outside({**about, **details}, id=id, source="invented source", recorded_at=after(hours))


class Life:
    """One episode that is lived turn by turn."""

    def __init__(self, episode_id: str, authority: str = AUTHORITY, child: Child = CHILD) -> None:
        self.episode_id = episode_id
        self.authority = authority
        self.child = child
        self.facts: list[Fact] = []
        self.clocks: dict[str, Clock] = {}
        self.tasks: dict[str, TaskRow] = {}
        self.turns = 0

    def turn(self, hours: float, *new: Fact, closed: bool = False) -> EpisodeChanges:
        """What the turn at so many hours after NOON writes, with the facts that have come since the last."""
        now = after(hours)
        self.facts += new
        self.turns += 1
        clocks = plan(self.facts, self.child, pack(), calendar(), now)
        changed = changed_clocks(self.clocks, clocks)
        dropped = tuple(id for id in self.clocks if id not in {clock.id for clock in clocks})
        self.clocks = {clock.id: clock for clock in clocks}
        return EpisodeChanges(
            turn=self.turns,
            written_at=now,
            episode=self._row(now, closed=closed),
            facts=new,
            clocks=changed,
            dropped_clocks=dropped,
            timeline=(),
            tasks=self._tasks(now, closed=closed),
        )

    def _tasks(self, now: datetime, *, closed: bool) -> tuple[TaskRow, ...]:
        before, known = dict(self.tasks), Known(self.facts, now)
        clocks = tuple(self.clocks.values())
        turned = tasks_of_clocks(self.tasks, clocks, pack(), known, aware={}, episode_id=self.episode_id)
        self.tasks |= {task.key: task for task in turned}
        self.tasks |= {task.key: task for task in as_people_left_them(self.tasks.values(), known, pack(), {})}
        if closed:
            self.tasks |= {task.key: task for task in withdrawn(self.tasks.values(), now)}
        return tuple(task for key, task in self.tasks.items() if before.get(key) != task)

    def _row(self, now: datetime, *, closed: bool) -> EpisodeRow:
        known = Known(self.facts, now)
        back = known.first(FactKind.RETURNED)
        return EpisodeRow(
            episode_id=self.episode_id,
            authority=self.authority,
            child_id=None,
            policy="homeward",
            policy_version="1",
            calendar_version="1",
            status=EpisodeStatus.CLOSED if closed else known.status(),
            missing_since=known.missing_since(),
            returned_at=back.at if back else None,
            closed_at=now if closed else None,
            next_wake_at=None,
            next_wake_for=None,
        )


def a_whole_life(episode_id: str = "e1", authority: str = AUTHORITY) -> list[EpisodeChanges]:
    """Gone, overdue, back, corrected, a task taken and handed over, the interview held, and closed."""
    life = Life(episode_id, authority)
    task = {"task": "rhi", "person": "w1"}
    return [
        life.turn(0.1, fact("reported", 0, "f1")),
        life.turn(25),
        life.turn(30.1, fact("located", 29, "f2", place=PLACE), fact("returned", 30, "f3", place=PLACE)),
        life.turn(31, fact("withdrawn", 31, "f4", fact="f3")),
        life.turn(40, fact("returned", 39, "f5")),
        life.turn(41, fact("task_taken", 41, "f6", **task)),
        life.turn(42, fact("task_handed_over", 42, "f7", task="rhi", person="w2")),
        life.turn(43, fact("task_given_back", 43, "f8", task="rhi")),
        life.turn(120),
        life.turn(121, fact("rhi_completed", 120.5, "f9", interviewer="independent")),
        life.turn(500, closed=True),
    ]
