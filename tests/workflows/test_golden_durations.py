"""Every clock of the shipped pack, pinned.

Replay does not notice a changed duration, so this table is the guard: a change
of a pack must be made here too, by somebody who has read the source.
"""

from typing import Any

import pytest

from tests.workflows.builders import pack
from workflows.policy import Amount, ClockRule

Rung = tuple[str, str, int, str, bool, bool]

ASK_SW: Rung = ("ask", "start", 0, "social_worker", False, False)
ESCALATE_TM: Rung = ("escalate", "due", 0, "team_manager", True, True)


def warn(hours: int, role: str) -> Rung:
    return ("warn", "due", -hours, role, False, False)


GOLDEN: dict[str, tuple[str, str, str, str, list[Rung]]] = {
    # clock: kind, amount, start, what ends it, ladder
    "leadership_alert": (
        "fire_at",
        "24h",
        "earliest last_seen reported once reported",
        "cancelled located returned",
        [
            warn(4, "team_manager"),
            ("alert", "due", 0, "senior_leader", True, False),
            ("escalate", "due", 2, "duty_manager", True, True),
        ],
    ),
    "strategy_meeting": (
        "due_by",
        "3wd 23:59:59",
        "fired leadership_alert",
        "met meeting_held(strategy) waived meeting_not_needed(strategy)[reason]=not_needed",
        [ASK_SW, warn(24, "team_manager"), ("escalate", "due", 0, "service_manager", True, True)],
    ),
    "iro_notice": (
        "due_by",
        "24h",
        "first authority_told reported noticed",
        "met told(iro)",
        [ASK_SW, warn(4, "social_worker"), ESCALATE_TM],
    ),
    "service_manager_notice": (
        "due_by",
        "24h",
        "first authority_told reported noticed",
        "met told(service_manager)",
        [ASK_SW, warn(4, "team_manager"), ("escalate", "due", 0, "service_manager", True, True)],
    ),
    "parent_notice": (
        "due_by",
        "24h",
        "first reported authority_told",
        "met told(parent) waived not_told(parent)[reason,authorised_by]=suppressed",
        [ASK_SW, warn(4, "social_worker"), ESCALATE_TM],
    ),
    "rhi_offer": (
        "due_by",
        "24h",
        "first returned",
        "met rhi_offered rhi_declined rhi_completed",
        [ASK_SW, warn(4, "social_worker"), ESCALATE_TM],
    ),
    "rhi": (
        "due_by",
        "72h",
        "first returned; out_of_area: earliest located returned",
        "met rhi_completed waived rhi_declined[]=declined",
        [
            ("ask", "start", 0, "interview_provider", False, False),
            warn(24, "interview_provider"),
            ESCALATE_TM,
            ("climb", "due", 24, "service_manager", True, True),
        ],
    ),
    "rhi_from_referral": (
        "due_by",
        "72h",
        "first referred",
        "met rhi_completed waived rhi_declined[]=declined",
        [warn(24, "interview_provider")],
    ),
    "visit": ("due_by", "72h", "first returned", "met visited", [ASK_SW, warn(24, "social_worker"), ESCALATE_TM]),
    "long_term": (
        "fire_at",
        "28d",
        "earliest last_seen reported once reported",
        "cancelled located returned",
        [warn(72, "service_manager"), ("alert", "due", 0, "senior_leader", True, False)],
    ),
}

OBLIGATIONS = {
    "leadership_alert": ("O01", "B5", "B6"),
    "strategy_meeting": ("O02", "B7", "B8", "B9"),
    "iro_notice": ("O08", "O10", "B10"),
    "service_manager_notice": ("O08",),
    "parent_notice": ("O09", "B17"),
    "rhi_offer": ("O03", "B1"),
    "rhi": ("O04", "O05", "B1", "B2", "B3"),
    "rhi_from_referral": ("O04", "B2"),
    "visit": ("O06",),
    "long_term": ("O19", "B15"),
}

APPLIES: dict[str, dict[str, Any]] = {
    "leadership_alert": {"allocated": True},
    "strategy_meeting": {"allocated": True},
    "iro_notice": {"looked_after": True},
    "service_manager_notice": {"looked_after": True, "out_of_area": True},
    "parent_notice": {"looked_after": True},
    "visit": {"setting": ["placed_with_parents"]},
}


def amount(due: Amount) -> str:
    if due.working_days:
        return f"{due.working_days}wd {due.cutoff}"
    return f"{due.elapsed_hours}h" if due.elapsed_hours else f"{due.elapsed_days}d"


def starts(rule: ClockRule) -> str:
    said: list[str] = []
    for start in rule.starts():
        if start.fired:
            said.append(f"fired {start.fired}")
        elif start.earliest_of:
            once = f" once {' '.join(start.once)}" if start.once else ""
            said.append(f"earliest {' '.join(start.earliest_of)}{once}")
        else:
            said.append(f"first {' '.join(start.first_known_of)}")
    for overlay in rule.start_when:
        assert overlay.when.model_dump(exclude_defaults=True) == {"out_of_area": True}
    return "; out_of_area: ".join(said)


def endings(rule: ClockRule) -> str:
    def about(happening: Any) -> str:
        detail = happening.role or happening.meeting
        return happening.fact + (f"({detail})" if detail else "")

    said = ["met", *map(about, rule.met_by)] if rule.met_by else []
    said += ["cancelled", *map(about, rule.cancelled_by)] if rule.cancelled_by else []
    said += ["waived"] if rule.waived_by else []
    said += [f"{about(w)}[{','.join(w.requires)}]={w.state.value}" for w in rule.waived_by]
    return " ".join(said)


@pytest.mark.parametrize("clock", pack().clocks)
def test_a_clock_is_as_it_is_pinned(clock: str) -> None:
    rule = pack().clocks[clock]
    ladder = [(r.rung, r.at.of, r.at.hours, r.role.value, r.needs_ack, r.escalates) for r in rule.ladder]
    assert (rule.kind.value, amount(rule.due), starts(rule), endings(rule), ladder) == GOLDEN[clock]
    assert rule.obligations == OBLIGATIONS[clock]
    assert rule.applies.model_dump(mode="json", exclude_defaults=True) == APPLIES.get(clock, {})


def test_nothing_is_pinned_that_is_not_there() -> None:
    assert set(GOLDEN) == set(pack().clocks) == set(OBLIGATIONS)
    assert (amount(pack().close_after), amount(pack().look_again)) == ("28d", "24h")
