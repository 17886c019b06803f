"""Scheduled workflows: what is done for all episodes together, at its hour."""

from datetime import datetime
from typing import Final

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import names, post_contracts, reconcile_contracts
    from workflows.patience import RECONCILE, STORE
    from workflows.post import begin_message
    from workflows.post_contracts import DigestAsked, DigestInput, MessageInput
    from workflows.reconcile_contracts import LookAsked, Looked, ReconcileInput, RunDone, SurveyAsked, Surveyed, Suspect

SUSPECTS_AT_ONCE: Final = 50
"""How many suspects one activity looks at: what a killed worker has to begin anew."""


@workflow.defn(name=names.DIGEST_WORKFLOW)
class Digest:
    """Sends each person of an authority, in one message, what did not have to reach that person at once."""

    @workflow.run
    async def run(self, start: DigestInput) -> int:
        """Gather and send; how many messages."""
        messages = await workflow.execute_local_activity(
            post_contracts.gather_digests,
            DigestAsked(authority=start.authority, run=workflow.info().run_id, now=workflow.now()),
            start_to_close_timeout=STORE.attempt,
            retry_policy=STORE.retry,
        )
        for message in messages:
            await begin_message(message, MessageInput(message=message, rules=start.rules))
        return len(messages)


@workflow.defn(name=names.RECONCILE_WORKFLOW)
class Reconcile:
    """Compares the rows of an authority with the engine's workflows, and mends or reports what disagrees.

    Three looks, with a pause between: what is in flight at the first agrees at
    the second, and the third sees what the second mended. What is still on its
    way then is looked at by the next run. When all is well there is one look.
    """

    @workflow.run
    async def run(self, start: ReconcileInput) -> Looked:
        """Look, look again and mend, and look whether it agrees now; in numbers."""
        began_at = workflow.now()
        surveyed = await workflow.execute_activity(
            reconcile_contracts.survey_agreement,
            SurveyAsked(authority=start.authority),
            start_to_close_timeout=RECONCILE.attempt,
            heartbeat_timeout=RECONCILE.silence,
            retry_policy=RECONCILE.retry,
        )
        looked = Looked(calls=surveyed.calls)
        for mends in (True, False) if surveyed.suspects else ():
            await workflow.sleep(start.pause, summary="letting what is in flight arrive")
            looked = looked.plus(await self._look(start.authority, surveyed, mends=mends))
        await workflow.execute_activity(
            reconcile_contracts.note_reconciled,
            _done(start.authority, surveyed, looked, began_at),
            start_to_close_timeout=RECONCILE.attempt,
            retry_policy=RECONCILE.retry,
        )
        return looked

    async def _look(self, authority: str, surveyed: Surveyed, *, mends: bool) -> Looked:
        """Look at all suspects, so many at a time. What the third look finds was counted by the second."""
        looked, suspects = Looked(), surveyed.suspects
        for first in range(0, len(suspects), SUSPECTS_AT_ONCE):
            some: tuple[Suspect, ...] = suspects[first : first + SUSPECTS_AT_ONCE]
            one = await workflow.execute_activity(
                reconcile_contracts.look_at_disagreements,
                LookAsked(authority=authority, suspects=some, mends=mends),
                start_to_close_timeout=RECONCILE.attempt,
                heartbeat_timeout=RECONCILE.silence,
                retry_policy=RECONCILE.retry,
            )
            looked = looked.plus(one)
        return looked if mends else Looked(agreed=looked.agreed, calls=looked.calls)


def _done(authority: str, surveyed: Surveyed, looked: Looked, began_at: datetime) -> RunDone:
    return RunDone(
        authority=authority,
        began_at=began_at,
        open_episodes=surveyed.open_episodes,
        compared=surveyed.compared,
        checked_to=surveyed.checked_to,
        left_over=surveyed.left_over,
        looked=looked,
    )
