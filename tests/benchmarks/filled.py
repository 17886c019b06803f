"""Many invented episodes in a store, as workflows would have written them: most of them closed, some open and owing."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import insert, text

from activities.policies import Policies
from activities.store import Store
from activities.store.tables import (
    ChildTable,
    ChildTeamTable,
    ClockTable,
    EpisodeTable,
    FactTable,
    HoldingTable,
    PersonTable,
    Table,
    TaskTable,
)
from tests.api.callers import HERE
from workflows.clocks import Clock
from workflows.fact_kinds import FactKind
from workflows.instants import to_rfc3339
from workflows.policy import Pack
from workflows.vocabulary import RISK_GRADES, ClockKind, ClockState, Role

NOW: Final = datetime(2026, 6, 10, 12, tzinfo=UTC)
WORKERS: Final = 300
TEAMS: Final = 25
OWED_CLOCKS: Final = 15
_AT_ONCE: Final = 2000
_EPISODES_AT_ONCE: Final = 1000
_AWAY: Final = ("missing", "missing", "away", "absent", "located", "returned", "returned", "returned")


class Filling:
    """Episodes numbered from 0, the same whoever makes them; each of a child of its own."""

    def __init__(self, store: Store, policies: Policies, authority: str = HERE) -> None:
        self._store = store
        self._authority = authority
        self._pack: Pack = policies.pack("homeward")
        by_kind = [(id, rule) for id, rule in self._pack.clocks.items()]
        self._owed = [id for id, rule in by_kind if rule.kind is not ClockKind.FIRE_AT][:OWED_CLOCKS]
        self._rest = [id for id, _ in by_kind if id not in self._owed][:10]
        self._random = Random(7)  # noqa: S311 - invented
        # A page reads of them what a clock is called: to make one anew for each episode would take most of the time.
        self._bodies = {id: self._body(id) for id in (*self._owed, *self._rest)}

    def _body(self, id: str) -> dict[str, Any]:
        rule = self._pack.clocks[id]
        clock = Clock(
            id=id,
            title=rule.title,
            kind=rule.kind,
            strength=rule.strength,
            start=NOW,
            due=NOW,
            state=ClockState.RUNNING,
            settled_at=None,
            settled_by=None,
            provisional=False,
            skipped=(),
            because="Invented: from when the child was last seen, so many hours.",
            source="Invented",
        )
        return clock.model_dump(mode="json")

    async def with_workers(self) -> None:
        """People who hold the roles of the authority, and the social workers of its children."""
        people = [
            {"id": f"worker-{n}", "authority": self._authority, "reference": f"W{n}", "name": f"Invented worker {n}"}
            | {"email": "", "mobile": "", "channels": "", "hours": "always", "deputies": f"W{(n + 1) % WORKERS}"}
            for n in range(WORKERS)
        ]
        held = [
            {"id": f"held-{role}", "authority": self._authority, "role": role.value, "scope": "authority"}
            | {"held_for": "", "person_id": f"worker-{n}", "since": None, "until": None}
            for n, role in enumerate(Role)
            if role is not Role.IRO
        ]
        await self._put({PersonTable: people, HoldingTable: held})

    async def fill(self, numbers: range, *, closed: bool) -> None:
        """Put these episodes into the store."""
        for start in range(numbers.start, numbers.stop, _EPISODES_AT_ONCE):
            rows: dict[type[Table], list[dict[str, Any]]] = {}
            for number in range(start, min(start + _EPISODES_AT_ONCE, numbers.stop)):
                for table, row in self._rows(number, closed=closed):
                    rows.setdefault(table, []).append(row)
            await self._put(rows)

    async def settle(self) -> None:
        """Have the database know what it holds, as it does in use."""
        async with self._store._engine.connect() as connection:
            autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
            if autocommit.dialect.name == "postgresql":
                await autocommit.execute(text("VACUUM ANALYZE"))

    async def _put(self, rows: dict[type[Table], list[dict[str, Any]]]) -> None:
        async with self._store.session() as session:
            for table, those in rows.items():
                for start in range(0, len(those), _AT_ONCE):
                    await session.execute(insert(table), those[start : start + _AT_ONCE])

    def _rows(self, number: int, *, closed: bool) -> Iterator[tuple[type[Table], dict[str, Any]]]:
        id, child = f"episode-{number:06}", f"child-{number:06}"
        began = NOW - (timedelta(days=number % 1500 + 30) if closed else timedelta(hours=number % 400 + 1))
        status = "closed" if closed else _AWAY[number % len(_AWAY)]
        yield ChildTable, {"id": child, "authority": self._authority, "reference": f"INV-{number}", "created_at": began}
        yield ChildTeamTable, {"child_id": child, "team": f"Team {number % TEAMS}"}
        held = {"id": f"held-{child}", "authority": self._authority, "role": "social_worker", "scope": "child"}
        held |= {"held_for": child, "person_id": f"worker-{number % WORKERS}", "since": None, "until": None}
        yield HoldingTable, held
        back = closed or status == "returned"
        row: dict[str, Any] = {"id": id, "authority": self._authority, "child_id": child, "policy": self._pack.policy}
        row |= {"policy_version": self._pack.version, "calendar_version": "1", "status": status, "turn": 9}
        row |= {"missing_since": began, "returned_at": began + timedelta(hours=5) if back else None}
        row |= {"closed_at": began + timedelta(days=9) if closed else None, "next_wake_at": None, "next_wake_for": None}
        yield EpisodeTable, row | {"need_to_know": number % 40 == 0, "written_at": began}
        yield from ((ClockTable, clock) for clock in self._clocks(id, began, closed=closed))
        if not closed:
            yield from ((TaskTable, task) for task in self._tasks(id, began, number))
        yield from ((FactTable, fact) for fact in self._facts(id, began, number))

    def _clocks(self, episode: str, began: datetime, *, closed: bool) -> Iterator[dict[str, Any]]:
        for place, id in enumerate([*self._owed, *self._rest]):
            due = began + timedelta(hours=24 * place + self._random.randrange(24))
            owed = not closed and place < len(self._owed)
            late = ClockState.OVERDUE if due < NOW else ClockState.RUNNING
            columns = {"episode_id": episode, "id": id, "kind": self._pack.clocks[id].kind.value}
            columns |= {"state": (late if owed else ClockState.MET).value}
            yield columns | {"start": began, "due": due, "body": self._bodies[id]}

    def _tasks(self, episode: str, began: datetime, number: int) -> Iterator[dict[str, Any]]:
        for place, id in enumerate(self._owed):
            task = self._pack.clocks[id].task
            if task is None:
                continue
            row: dict[str, Any] = {"key": f"{episode}/{id}", "episode_id": episode, "authority": self._authority}
            row |= {"clock": id, "role": task.role.value, "do": task.do, "state": "open", "opened_at": began}
            holder = f"W{number % WORKERS}" if (number + place) % 3 == 0 else None
            due = began + timedelta(hours=24 * place + 12)
            yield row | {"due": due, "closed_at": None, "holder": holder, "done_by": None}

    def _facts(self, episode: str, began: datetime, number: int) -> Iterator[dict[str, Any]]:
        kinds: list[tuple[FactKind, dict[str, str]]] = [(FactKind.LAST_SEEN, {})]
        kinds.append((FactKind.REPORTED, {"police_ref": f"INVENTED/{number}"}))
        kinds += [(FactKind.TOLD, {"role": "iro"})] * 5
        if number % 3:
            graded = {"view": "police", "scheme": "Invented scheme", "grade": RISK_GRADES[number % len(RISK_GRADES)]}
            kinds.append((FactKind.RISK_ASSESSED, graded))
        for place, (kind, details) in enumerate(kinds):
            at, id = began + timedelta(minutes=place), f"{episode}-{place}"
            body: dict[str, Any] = {"id": id, "kind": kind.value, "at": to_rfc3339(at), "recorded_at": to_rfc3339(at)}
            columns = {"episode_id": episode, "id": id, "kind": kind.value, "at": at, "recorded_at": at}
            yield columns | {"body": body | {"details": details}}


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time, in milliseconds, within which this share of the requests was answered."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share))] * 1000
