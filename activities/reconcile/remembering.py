"""What the rows remember of an episode that the engine has no longer: enough to begin it again."""

from collections.abc import Callable
from datetime import datetime

from activities.policies import Policies, UnknownPolicyError
from activities.store import Store, agreement, inbox
from activities.store.agreement import OneEpisode
from activities.store.inbox import InboxItem
from workflows.contracts import EpisodeInput, RulesAsked
from workflows.recollection import carried_from_rows

FirstInput = Callable[[InboxItem], EpisodeInput]
"""What a report that was kept begins its episode with."""


async def remembered(
    store: Store,
    policies: Policies,
    first_input: FirstInput,
    authority: str,
    episode_id: str,
    *,
    rows: OneEpisode,
    now: datetime,
) -> EpisodeInput | str:
    """What an episode begins again with: its report, its facts and all that its rows hold; or why that is not known.

    `now` is UTC, and moves no clock: each starts from what happened.
    """
    async with store.snapshot() as session:
        report = await inbox.report_of(session, authority, episode_id)
        said = await agreement.facts_applied(session, authority, episode_id)
        kept = await agreement.all_kept(session, authority, episode_id)
    if report is None:
        return "its report was never kept here, so what it began with is not known"
    first = first_input(report)
    # The facts of the rows come first: those the store need not be given.
    facts = {**rows.compared.facts}
    for fact in (*first.facts, *said):
        facts.setdefault(fact.id, fact)
    start = first.model_copy(update={**rows.lives_by, "facts": tuple(facts.values())})
    if kept is None:
        # It never wrote a turn: it begins as it did the first time.
        return start
    since = min((fact.at for fact in start.facts), default=now)
    try:
        rules = policies.rules(
            RulesAsked(policy=start.policy, version=start.policy_version, since=since, now=now, must_exist=True)
        )
    except UnknownPolicyError:
        return "this worker does not hold the policy it lives by"
    return start.model_copy(update={"carried": carried_from_rows(start, kept, rules)})
