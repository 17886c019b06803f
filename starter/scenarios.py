"""Scenarios: what is known of one episode at a moment, for planning and rehearsing without a live episode."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError

from activities.policies import Policies
from workflows.clocks import Clock, plan
from workflows.facts import Child, Fact, Known, fact_from_outside, impossibility
from workflows.instants import Instant
from workflows.plain_errors import BadInputError, one_line
from workflows.repeats import EarlierEpisode, repeats_reached
from workflows.rulings import against_policy
from workflows.vocabulary import EpisodeStatus


class Earlier(BaseModel):
    """An earlier episode of the same child, as far as the present one looks at it. Instants are UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    missing_since: Instant = Field(description="since when the child was gone then")
    returned: Instant | None = Field(default=None, description="when the child came back; null: not yet")
    interview_owed: StrictBool = Field(default=False, description="whether an interview is still owed for it")


class _Written(BaseModel):
    """A scenario as written. `story` and `expect`, the right answer, are for the reader and are not used."""

    model_config = ConfigDict(extra="forbid")
    title: str = "Untitled scenario"
    story: str = ""
    policy: str = "homeward"
    child: Child
    as_of: Instant
    earlier: list[Earlier] = Field(default_factory=list[Earlier])
    facts: list[Any]
    expect: Any = None


class Scenario(BaseModel):
    """A scenario that was read and found possible. `as_of` is UTC; `facts` are those up to then."""

    model_config = ConfigDict(frozen=True)
    title: str
    policy: str
    child: Child
    as_of: Instant
    facts: tuple[Fact, ...]
    earlier: tuple[Earlier, ...] = ()


class Planned(BaseModel):
    """The clocks of a scenario and the policy version that made them."""

    policy: str = Field(description="the policy")
    version: str = Field(description="its version")
    clocks: tuple[Clock, ...] = Field(default=(), description="when everything falls due, and why")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises BadInputError, one line naming the file and, for bad JSON, the line."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_no_field_twice)
    except json.JSONDecodeError as error:
        raise BadInputError(f"{path.name}: line {error.lineno}: not JSON: {error.msg}") from None
    except BadInputError:
        raise
    except (UnicodeDecodeError, RecursionError):
        raise BadInputError(f"{path.name}: not a text file in JSON") from None
    except ValueError:
        raise BadInputError(f"{path.name}: has a number too long to be one") from None
    except OSError as error:
        raise BadInputError(f"{path.name}: cannot be read: {error.strerror}") from None


def _no_field_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadInputError(f"{twice}: is there twice")
    return dict(pairs)


def read_scenario(data: object) -> Scenario:
    """Read a scenario. Raises BadInputError, one line that names the field."""
    if not isinstance(data, Mapping):
        raise BadInputError("scenario: must be an object with child, as_of and facts")
    try:
        written = _Written.model_validate(data)
    except ValidationError as error:
        raise BadInputError(one_line(error, _Written)) from None
    facts = [_read_fact(number, given) for number, given in enumerate(written.facts)]
    return Scenario(
        title=written.title,
        policy=written.policy,
        child=written.child,
        as_of=written.as_of,
        facts=_possible(facts, written),
        earlier=tuple(written.earlier),
    )


def _read_fact(number: int, given: object) -> Fact:
    try:
        return fact_from_outside(given, id=f"fact-{number + 1}")
    except ValueError as error:
        raise BadInputError(f"facts[{number}].{one_line(error)}") from None


def _possible(facts: list[Fact], written: _Written) -> tuple[Fact, ...]:
    """The facts up to as_of, once they are found to agree with one another."""
    ids = [fact.id for fact in facts]
    counted = [fact for fact in facts if fact.at <= written.as_of or fact.corrects]
    for number, fact in enumerate(facts):
        if ids.count(fact.id) > 1:
            raise BadInputError(f"facts[{number}].id: '{fact.id}' is the id of another fact")
        if fact in counted and (reason := impossibility(fact, facts, written.child, max(f.at for f in facts))):
            raise BadInputError(f"facts[{number}].{reason}")
    return tuple(counted)


def earlier_episodes(scenario: Scenario) -> list[EarlierEpisode]:
    """The child's earlier episodes as an episode would look them up, with ids that are plainly made."""
    return [
        EarlierEpisode(
            episode_id=f"earlier-{number}",
            status=EpisodeStatus.RETURNED if one.returned else EpisodeStatus.MISSING,
            interview_owed=one.interview_owed,
            missing_since=one.missing_since,
            returned_at=one.returned,
        )
        for number, one in enumerate(scenario.earlier, start=1)
    ]


def plan_scenario(scenario: Scenario, policies: Policies) -> Planned:
    """Every clock of the scenario. Raises UnknownPolicyError, or BadInputError for a fact that the policy refuses."""
    pack = policies.pack(scenario.policy)
    for number, fact in enumerate(scenario.facts):
        if reason := against_policy(fact, pack):
            raise BadInputError(f"facts[{number}].{reason}")
    gone_since = Known(scenario.facts, scenario.as_of).missing_since() or scenario.as_of
    repeats = repeats_reached(pack, "scenario", gone_since, earlier_episodes(scenario), scenario.as_of)
    clocks = plan((*scenario.facts, *repeats), scenario.child, pack, policies.calendar(pack.calendar), scenario.as_of)
    return Planned(policy=pack.policy, version=pack.version, clocks=clocks)
