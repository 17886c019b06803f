"""Scenarios: what is known of one episode at a moment, for planning and rehearsing without a live episode."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from activities.policies import Policies
from workflows.clocks import Clock, plan
from workflows.facts import Child, Fact, fact_from_outside, impossibility
from workflows.instants import Instant
from workflows.plain_errors import BadInputError, one_line


class _Written(BaseModel):
    """A scenario as written. `expect`, the right answer, is for the reader and is not used."""

    model_config = ConfigDict(extra="forbid")
    title: str = "Untitled scenario"
    policy: str = "homeward"
    child: Child
    as_of: Instant
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


class Planned(BaseModel):
    """The clocks of a scenario and the policy version that made them."""

    policy: str
    version: str
    clocks: tuple[Clock, ...] = Field(default=())


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


def plan_scenario(scenario: Scenario, policies: Policies) -> Planned:
    """Every clock of the scenario. Raises UnknownPolicyError."""
    pack = policies.pack(scenario.policy)
    clocks = plan(scenario.facts, scenario.child, pack, policies.calendar(pack.calendar), scenario.as_of)
    return Planned(policy=pack.policy, version=pack.version, clocks=clocks)
