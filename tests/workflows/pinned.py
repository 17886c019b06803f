"""Each clock of a pack in a few plain lines, for the table that pins them.

`python -m tests.workflows.pinned` prints the table as the packs stand now: for
whoever has changed a pack, has read the source, and looks at each changed line
before putting it in the place of the old one.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from activities.policies import Policies
from workflows.policy import Pack
from workflows.policy_rules import Amount, ClockRule, Event, Fired, Happening, Start, Waiver

TABLE = Path(__file__).parent / "golden_clocks.txt"
PACKS = ("england", "practice-guidance", "west-yorkshire", "homeward")


def amount(due: Amount) -> str:
    if due.at_once:
        return "at once"
    if due.working_days:
        return f"{due.working_days}wd {due.cutoff}"
    return f"{due.elapsed_hours}h" if due.elapsed_hours else f"{due.elapsed_days}d"


def event(one: Event) -> str:
    return f"clock:{one.fired}" if isinstance(one, Fired) else happening(one)


def happening(one: Happening) -> str:
    where = ",".join(f"{name}={value}" for name, value in one.where.items())
    requires = ",".join(one.requires)
    lifted = f"={one.state.value}" if isinstance(one, Waiver) else ""
    return one.fact + (f"({where})" if where else "") + (f"[{requires}]" if requires else "") + lifted


def start(rule: Start) -> str:
    once = f" once {_all(rule.once)}" if rule.once else ""
    if rule.fired:
        return f"fired {rule.fired}"
    if rule.reaches_age:
        return f"age {rule.reaches_age}{once}"
    for name in ("earliest_of", "latest_of", "first_known_of"):
        if events := getattr(rule, name):
            return f"{name.split('_', 1)[0]} {_all(events)}{once}"
    return ""


def _all(events: Iterable[Event]) -> str:
    return " ".join(event(one) for one in events)


def lines_of(pack: Pack, clock_id: str) -> Iterator[str]:
    rule: ClockRule = pack.clocks[clock_id]
    applies = rule.applies.model_dump(mode="json", exclude_defaults=True)
    yield f"{pack.policy} {clock_id}: {rule.kind} {rule.strength} {amount(rule.due)} {' '.join(rule.obligations)}"
    yield f"  applies {applies}" if applies else "  applies to all"
    yield f"  start {start(rule.start)}"
    for overlay in rule.start_when:
        yield f"  start when {overlay.when.model_dump(mode='json', exclude_defaults=True)}: {start(overlay.start)}"
    for name in ("met_by", "waived_by", "cancelled_by", "ended_by"):
        if happenings := getattr(rule, name):
            yield f"  {name} {' '.join(happening(one) for one in happenings)}"
    if rule.goes_on_after_childhood:
        yield "  goes on after childhood"
    if rule.task:
        yield f"  task {rule.task.role}"
    for rung in rule.ladder:
        marks = [m for m, on in (("ack", rung.needs_ack), ("up", rung.escalates)) if on]
        marks += ["until acknowledged"] if rung.until == "acknowledged" else []
        by = [rung.channel.value] if rung.channel else []
        yield f"  {rung.rung} {rung.at.of}{rung.at.hours:+d}h {' '.join([rung.role, *by, *marks])}"


def table() -> dict[str, str]:
    """Every clock that a pack says itself, or says otherwise than a pack it extends."""
    policies, found, seen = Policies.load(), dict[str, str](), set[str]()
    for name in PACKS:
        pack = policies.pack(name)
        for clock_id in pack.clocks:
            head, *rest = lines_of(pack, clock_id)
            said = "\n".join([head.split(" ", 1)[1], *rest])
            if said not in seen:
                seen.add(said)
                found[f"{name} {clock_id}"] = "\n".join([head, *rest])
    return found


if __name__ == "__main__":
    sys.stdout.write("\n".join(table().values()) + "\n")
