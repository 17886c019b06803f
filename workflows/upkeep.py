"""Scheduled workflows: what is done for all episodes together, at its hour."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows import names, post_contracts
    from workflows.patience import STORE
    from workflows.post import begin_message
    from workflows.post_contracts import DigestAsked, DigestInput, MessageInput


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
