"""Beginning an episode anew from its records, where its workflow can go on no more; nothing that was said is lost."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, RPCError
from temporalio.service import RPCStatusCode

from activities.reconcile.run import Reconciler
from activities.store import Store, agreement, inbox
from starter.commands import fact_item
from workflows import names
from workflows.facts import FACT_SIGNALS, Fact, fact_from_outside, said_by_signal
from workflows.vocabulary import beginning_a_line

_WHY: Final = "it could go on no more, and is begun anew from its records"


@dataclass(frozen=True)
class Reset:
    """What ends a workflow and begins it anew, for one authority."""

    store: Store
    client: Client
    patience: timedelta
    authority: str
    reconciler: Reconciler

    async def begin_anew(self, episode: str, run: str, now: datetime) -> str:
        """End a run of an episode and begin another with its report, its facts and all its rows hold.

        Facts that were signalled to the engine itself are in its history alone:
        they are kept in the inbox before the run is ended, under their ids, and
        the relay puts them to the new one. Where this is broken off, the next
        comparison does the rest. `now` is UTC; gives a sentence that names
        nobody. Raises RPCError.
        """
        kept, _ = await self._keep_signalled(episode, run, now)
        handle = self.client.get_workflow_handle(names.workflow_id(episode), run_id=run)
        try:
            await handle.terminate(_WHY, rpc_timeout=self.patience)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
        # What was signalled between reading and ending.
        more, unreadable = await self._keep_signalled(episode, run, now)
        how = await self.reconciler.begin_anew(self.authority, episode)
        said = f"{beginning_a_line(how)}." if how else "It is ended; nothing could be begun: see 'homeward stuck'."
        if kept + more:
            said += f" Facts that systems had signalled are kept and put to it next: {kept + more}."
        if unreadable:
            said += f" Signals that are no facts, to be seen at the ended run in the engine's page: {unreadable}."
        return said

    async def _keep_signalled(self, episode: str, run: str, now: datetime) -> tuple[int, int]:
        """Keep the facts that only the history has; how many, and how many signals are none that can be read."""
        signalled, unreadable = list[Fact](), 0
        handle = self.client.get_workflow_handle(names.workflow_id(episode), run_id=run)
        async for event in handle.fetch_history_events(rpc_timeout=self.patience):
            if _carries_fact(event):
                try:
                    signalled.append(await self._fact_of(event, run))
                except (ValueError, IndexError, RuntimeError):
                    unreadable += 1
        async with self.store.session() as session:
            rows = (await agreement.one_episode(session, self.authority, episode, now)).compared.facts
            same = {_content(fact) for fact in rows.values()}
            lost = [one for one in signalled if one.id not in rows and _content(one) not in same]
            new = 0
            for fact in lost:
                item = fact_item(self.authority, episode, fact, now, None)
                new += await inbox.keep(session, item) is item
        return new, unreadable

    async def _fact_of(self, event: HistoryEvent, run: str) -> Fact:
        signal = event.workflow_execution_signaled_event_attributes
        carried: object = (await self.client.data_converter.decode(signal.input.payloads))[0]
        return fact_from_outside(
            said_by_signal(signal.signal_name, carried),
            id=names.derived_id(run, f"signal-{event.event_id}"),
            recorded_at=event.event_time.ToDatetime(UTC),
            source="signal",
        )


def _carries_fact(event: HistoryEvent) -> bool:
    is_signal = event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
    return is_signal and event.workflow_execution_signaled_event_attributes.signal_name in FACT_SIGNALS


def _content(fact: Fact) -> tuple[object, ...]:
    """What tells that a signal without an id is a fact which the rows have."""
    return fact.kind, fact.at, fact.recorded_by, tuple(sorted(fact.details.items()))
