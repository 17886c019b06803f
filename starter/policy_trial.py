"""What another policy would have done to episodes as they were lived: a trial on their facts, changing nothing."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from activities.policies import Policies
from workflows.clocks import Clock, plan
from workflows.facts import Child, Fact
from workflows.instants import Instant
from workflows.policy import Pack
from workflows.vocabulary import ClockState


class TriedClock(BaseModel):
    """One clock under the policy the episode has, and under the one tried. None where it does not apply; UTC."""

    model_config = ConfigDict(frozen=True)
    clock: str
    title: str
    due: Instant | None = None
    state: ClockState | None = None
    tried_due: Instant | None = None
    tried_state: ClockState | None = None

    @property
    def differs(self) -> bool:
        """Whether the policy tried would have made a difference."""
        return (self.due, self.state) != (self.tried_due, self.tried_state)


class Trial(BaseModel):
    """What the policy tried would have done to one episode: the clocks that differ."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    policy: str
    policy_version: str
    clocks: tuple[TriedClock, ...]


class Lived(BaseModel):
    """An episode as it was lived: its facts, the child as first told, and the policy it has."""

    model_config = ConfigDict(frozen=True)
    episode_id: str
    policy: str
    policy_version: str
    child: Child
    facts: tuple[Fact, ...]


def try_policy(tried: Pack, lived: Iterable[Lived], policies: Policies, now: datetime) -> tuple[Trial, ...]:
    """Plan each episode anew as of `now` (UTC) under its own policy and the one tried. Raises UnknownPolicyError."""
    return tuple(_try_one(tried, one, policies, now) for one in lived)


def _try_one(tried: Pack, lived: Lived, policies: Policies, now: datetime) -> Trial:
    own = policies.pack(lived.policy, lived.policy_version)
    had = _clocks(lived, own, policies, now)
    would = _clocks(lived, tried, policies, now)
    compared = (_compare(one, had.get(one.id), would.get(one.id)) for one in (had | would).values())
    return Trial(
        episode_id=lived.episode_id,
        policy=lived.policy,
        policy_version=lived.policy_version,
        clocks=tuple(one for one in compared if one.differs),
    )


def _clocks(lived: Lived, pack: Pack, policies: Policies, now: datetime) -> dict[str, Clock]:
    return {c.id: c for c in plan(lived.facts, lived.child, pack, policies.calendar(pack.calendar), now)}


def _compare(clock: Clock, had: Clock | None, would: Clock | None) -> TriedClock:
    return TriedClock(
        clock=clock.id,
        title=clock.title,
        due=had.due if had else None,
        state=had.state if had else None,
        tried_due=would.due if would else None,
        tried_state=would.state if would else None,
    )
