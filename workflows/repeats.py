"""Repeated absences: which of the pack's repeat rules this episode reaches, given the child's others. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.instants import Instant
from workflows.names import derived_id
from workflows.policy import Pack, RepeatRule
from workflows.vocabulary import EpisodeStatus


class EarlierEpisode(BaseModel):
    """Another episode of the same child, as the store has it. Instants are UTC."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    status: EpisodeStatus
    interview_owed: bool
    missing_since: Instant | None = None
    returned_at: Instant | None = None


def repeats_reached(
    pack: Pack, episode_id: str, gone_since: datetime, earlier: Iterable[EarlierEpisode], now: datetime
) -> Iterator[Fact]:
    """A fact for each repeat rule that this episode, gone since then (UTC), reaches with those before it (B18)."""
    uncounted = (EpisodeStatus.RECORDED_IN_ERROR, EpisodeStatus.MERGED)
    before = [
        other.missing_since
        for other in earlier
        if other.missing_since and other.missing_since <= gone_since and other.status not in uncounted
    ]
    for rule_id, rule in pack.repeats.items():
        count = 1 + sum(_counts(since, gone_since, rule) for since in before)
        if count >= rule.at_least:
            yield Fact(
                id=derived_id(episode_id, f"repeat-{rule_id}"),
                kind=FactKind.REPEAT_REACHED,
                at=gone_since,
                recorded_at=now,
                recorded_by="Homeward",
                source="the child's other episodes",
                details={"rule": rule_id, "count": str(count)},
            )


def _counts(since: datetime, gone_since: datetime, rule: RepeatRule) -> bool:
    return rule.within_days is None or gone_since - since <= timedelta(days=rule.within_days)
