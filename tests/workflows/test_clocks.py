"""Clocks by golden cases: what is known, the moment, and what one clock must say."""

import pytest

from tests.workflows.builders import CHILD, calendar, clocks_at, fact, pack, policies
from workflows.clocks import plan
from workflows.facts import Child, Fact
from workflows.instants import parse_day, parse_instant, to_rfc3339
from workflows.vocabulary import Setting

SEEN = fact("last_seen 2026-06-09T18:00:00Z")
REPORTED = fact("reported 2026-06-09T20:00:00Z")
TOLD = fact("authority_told 2026-06-09T21:00:00Z")
RETURNED = fact("returned 2026-06-10T08:00:00Z")
DECLINED = fact("rhi_declined 2026-06-11T09:00:00Z", reason="invented")
PLAIN = "2026-06-10T18:00:00Z"

Case = tuple[str, list[Fact], str, str | None, str]


def met(clock: str, kind: str, due: str, start: list[Fact], **details: str) -> list[Case]:
    """Done at the due time and a second after it; not done at the due time and a second after it."""
    after = due[:-3] + "01Z"
    return [
        (clock, [*start, fact(f"{kind} {due}", **details)], "2026-07-30T00:00:00Z", due, "met"),
        (clock, [*start, fact(f"{kind} {after}", **details)], "2026-07-30T00:00:00Z", due, "late"),
        (clock, start, due, due, "running"),
        (clock, start, after, due, "overdue"),
    ]


CASES: list[Case] = [
    # The leadership alert: from the earlier of last seen and reported, once reported.
    ("leadership_alert", [SEEN], PLAIN, None, "not_started"),
    ("leadership_alert", [SEEN, REPORTED], "2026-06-10T17:59:59Z", PLAIN, "running"),
    ("leadership_alert", [SEEN, REPORTED], PLAIN, PLAIN, "fired"),
    ("leadership_alert", [REPORTED], PLAIN, "2026-06-10T20:00:00Z", "running"),
    (
        "leadership_alert",
        [REPORTED, fact("last_seen 2026-06-09T20:30:00Z")],
        PLAIN,
        "2026-06-10T20:00:00Z",
        "running",
    ),
    (
        "leadership_alert",
        [SEEN, REPORTED, fact("located 2026-06-10T17:59:59Z")],
        "2026-06-11T00:00:00Z",
        PLAIN,
        "cancelled",
    ),
    ("leadership_alert", [SEEN, REPORTED, fact("returned 2026-06-10T17:59:59Z")], PLAIN, PLAIN, "cancelled"),
    (
        "leadership_alert",
        [SEEN, REPORTED, fact("located 2026-06-10T18:00:00Z")],
        "2026-06-11T00:00:00Z",
        PLAIN,
        "fired",
    ),
    # Long-term: 28 days of 24 hours, over the October clock change.
    (
        "long_term",
        [fact("reported 2026-10-10T15:00:00+01:00")],
        "2026-11-07T13:59:59Z",
        "2026-11-07T14:00:00Z",
        "running",
    ),
    (
        "long_term",
        [fact("reported 2026-10-10T15:00:00+01:00")],
        "2026-11-07T14:00:00Z",
        "2026-11-07T14:00:00Z",
        "fired",
    ),
    # The notices' starts, in order of preference.
    ("iro_notice", [SEEN], PLAIN, None, "not_started"),
    ("iro_notice", [fact("noticed 2026-06-09T19:00:00Z")], PLAIN, "2026-06-10T19:00:00Z", "running"),
    ("iro_notice", [fact("noticed 2026-06-09T19:00:00Z"), REPORTED], PLAIN, "2026-06-10T20:00:00Z", "running"),
    ("iro_notice", [REPORTED, TOLD], PLAIN, "2026-06-10T21:00:00Z", "running"),
    ("parent_notice", [REPORTED, TOLD], PLAIN, "2026-06-10T20:00:00Z", "running"),
    ("parent_notice", [TOLD], PLAIN, "2026-06-10T21:00:00Z", "running"),
    *met("iro_notice", "told", "2026-06-10T21:00:00Z", [TOLD], role="iro"),
    *met("parent_notice", "told", "2026-06-10T20:00:00Z", [REPORTED], role="parent"),
    (
        "iro_notice",
        [TOLD, fact("told 2026-06-10T00:00:00Z", role="parent")],
        "2026-06-12T00:00:00Z",
        "2026-06-10T21:00:00Z",
        "overdue",
    ),
    # A parent may be left untold only for a reason, by somebody.
    *[
        (
            "parent_notice",
            [REPORTED, fact("not_told 2026-06-10T00:00:00Z", role="parent", **said)],
            PLAIN,
            "2026-06-10T20:00:00Z",
            state,
        )
        for said, state in (
            ({"reason": "invented", "authorised_by": "manager"}, "suppressed"),
            ({"reason": "invented"}, "running"),
            ({"authorised_by": "manager"}, "running"),
        )
    ],
    # The interview and its offer.
    ("rhi_offer", [REPORTED], PLAIN, None, "not_started"),
    *met("rhi_offer", "rhi_offered", "2026-06-11T08:00:00Z", [REPORTED, RETURNED]),
    *met("rhi_offer", "rhi_declined", "2026-06-11T08:00:00Z", [REPORTED, RETURNED]),
    *met("rhi", "rhi_completed", "2026-06-13T08:00:00Z", [REPORTED, RETURNED]),
    ("rhi", [REPORTED, RETURNED, DECLINED], "2026-06-20T00:00:00Z", "2026-06-13T08:00:00Z", "declined"),
    (
        "rhi",
        [RETURNED, DECLINED, fact("rhi_completed 2026-06-13T07:00:00Z")],
        "2026-06-20T00:00:00Z",
        "2026-06-13T08:00:00Z",
        "met",
    ),
    (
        "rhi",
        [RETURNED, DECLINED, fact("rhi_completed 2026-06-14T07:00:00Z")],
        "2026-06-20T00:00:00Z",
        "2026-06-13T08:00:00Z",
        "late",
    ),
    ("rhi_from_referral", [REPORTED, RETURNED], PLAIN, None, "not_started"),
    *met(
        "rhi_from_referral", "rhi_completed", "2026-06-13T09:00:00Z", [RETURNED, fact("referred 2026-06-10T09:00:00Z")]
    ),
    # 72 elapsed hours over both clock changes, and from an offset.
    ("rhi", [fact("returned 2026-03-27T18:00:00Z")], "2026-03-28T00:00:00Z", "2026-03-30T18:00:00Z", "running"),
    ("rhi", [fact("returned 2026-10-23T18:00:00+01:00")], "2026-10-24T00:00:00Z", "2026-10-26T17:00:00Z", "running"),
    ("rhi", [fact("returned 2026-06-10T10:00:00+02:00")], PLAIN, "2026-06-13T08:00:00Z", "running"),
]


def alert_then_meeting(reported: str, due: str) -> Case:
    return ("strategy_meeting", [fact(f"reported {reported}")], "2028-12-31T00:00:00Z", due, "overdue")


MEETINGS: list[Case] = [
    # The strategy meeting: the third working day after the London day of the 24-hour point, to its last second.
    alert_then_meeting("2026-06-07T12:00:00Z", "2026-06-11T22:59:59Z"),
    alert_then_meeting("2026-06-08T12:00:00Z", "2026-06-12T22:59:59Z"),
    alert_then_meeting("2026-06-09T12:00:00Z", "2026-06-15T22:59:59Z"),
    alert_then_meeting("2026-06-10T12:00:00Z", "2026-06-16T22:59:59Z"),
    alert_then_meeting("2026-06-11T12:00:00Z", "2026-06-17T22:59:59Z"),
    alert_then_meeting("2026-06-12T12:00:00Z", "2026-06-17T22:59:59Z"),
    alert_then_meeting("2026-06-13T12:00:00Z", "2026-06-17T22:59:59Z"),
    # Half past midnight in London is still the day before in UTC.
    alert_then_meeting("2026-06-08T23:30:00Z", "2026-06-15T22:59:59Z"),
    alert_then_meeting("2026-04-01T12:00:00Z", "2026-04-09T22:59:59Z"),
    alert_then_meeting("2026-12-23T12:00:00Z", "2026-12-31T23:59:59Z"),
    alert_then_meeting("2022-09-15T12:00:00Z", "2022-09-22T22:59:59Z"),
    alert_then_meeting("2023-05-04T12:00:00Z", "2023-05-11T22:59:59Z"),
    # The third day lies on the other side of a clock change.
    alert_then_meeting("2026-03-26T12:00:00Z", "2026-04-01T22:59:59Z"),
    alert_then_meeting("2026-10-22T12:00:00Z", "2026-10-28T23:59:59Z"),
    ("strategy_meeting", [REPORTED, fact("located 2026-06-10T19:00:00Z")], "2026-06-12T00:00:00Z", None, "not_started"),
    (
        "strategy_meeting",
        [REPORTED, fact("located 2026-06-10T21:00:00Z")],
        "2026-06-12T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "running",
    ),
    (
        "strategy_meeting",
        [REPORTED, fact("meeting_held 2026-06-15T22:59:59Z", meeting="strategy")],
        "2026-06-16T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "met",
    ),
    (
        "strategy_meeting",
        [REPORTED, fact("meeting_held 2026-06-15T23:00:00Z", meeting="strategy")],
        "2026-06-16T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "late",
    ),
    (
        "strategy_meeting",
        [REPORTED, fact("meeting_held 2026-06-12T00:00:00Z", meeting="planning")],
        "2026-06-16T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "overdue",
    ),
    (
        "strategy_meeting",
        [REPORTED, fact("meeting_not_needed 2026-06-12T00:00:00Z", meeting="strategy", reason="x")],
        "2026-06-16T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "not_needed",
    ),
    (
        "strategy_meeting",
        [REPORTED, fact("meeting_not_needed 2026-06-12T00:00:00Z", meeting="strategy")],
        "2026-06-16T00:00:00Z",
        "2026-06-15T22:59:59Z",
        "overdue",
    ),
]


@pytest.mark.parametrize("case", [*CASES, *MEETINGS], ids=lambda c: f"{c[0]}-{c[4]}")
def test_a_clock_says_what_it_must(case: Case) -> None:
    clock_id, facts, as_of, due, state = case
    clock = clocks_at(as_of, *facts)[clock_id]
    assert (clock.due and to_rfc3339(clock.due), clock.state.value) == (due, state)
    assert clock.because.endswith(".")
    assert clock.source.startswith("O")


OUT_OF_AREA = CHILD.model_copy(update={"out_of_area": True})


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ([fact("located 2026-06-10T06:00:00Z"), RETURNED], "2026-06-13T06:00:00Z"),
        ([fact("located 2026-06-10T06:00:00Z")], "2026-06-13T06:00:00Z"),
        ([RETURNED, fact("located 2026-06-10T09:00:00Z")], "2026-06-13T08:00:00Z"),
    ],
)
def test_out_of_area_the_interview_runs_from_found_or_back(facts: list[Fact], due: str) -> None:
    clock = clocks_at(PLAIN, REPORTED, *facts, child=OUT_OF_AREA)["rhi"]
    assert clock.due is not None
    assert to_rfc3339(clock.due) == due


EVERYBODY = {"rhi", "rhi_offer", "rhi_initiate", "rhi_from_referral", "long_term", "prevention_check", "return_plan"}
LOOKED_AFTER = {
    "iro_notice",
    "parent_notice",
    "absence_review",
    "carer_tells_authority",
    "school_notice",
    "photographs",
}
WITH_SOCIAL_WORKER = {"leadership_alert", "strategy_meeting", "strategy_on_return", "exploitation_screening"}
OUT_OF_AREA_ONLY = {"service_manager_notice", "host_notice", "rhi_share_host"}
NONE: set[str] = set()

WHO: dict[str, tuple[dict[str, object], set[str], set[str]]] = {
    "at home, no social worker": (
        {"allocated": False, "looked_after": False, "setting": Setting.FAMILY_HOME},
        EVERYBODY,
        LOOKED_AFTER | WITH_SOCIAL_WORKER | OUT_OF_AREA_ONLY | {"visit", "observations", "risk_plan_update"},
    ),
    "placed with parents": (
        {"setting": Setting.PLACED_WITH_PARENTS},
        EVERYBODY | LOOKED_AFTER | WITH_SOCIAL_WORKER | {"visit", "police_report_check"},
        {"observations"},
    ),
    "in a children's home": ({"setting": Setting.CHILDREN_HOME}, {"observations", "observations_on_return"}, {"visit"}),
    "out of area": ({"allocated": False, "out_of_area": True}, LOOKED_AFTER | OUT_OF_AREA_ONLY, WITH_SOCIAL_WORKER),
    "with an open case": ({"open_case": True}, {"network_told"}, NONE),
    "with no open case that anyone told of": ({}, NONE, {"network_told", "trafficking", "history_check"}),
    "seeking asylum alone": ({"unaccompanied": True}, {"trafficking"}, NONE),
    "feared to be trafficked": ({"trafficking_concern": True}, {"trafficking"}, NONE),
    "new to the area": ({"new_to_area": True}, {"history_check"}, NONE),
    "under a protection plan at home": (
        {"looked_after": False, "protection_plan": True},
        {"cpis_flag"},
        {"iro_notice"},
    ),
}


@pytest.mark.parametrize("who", WHO)
def test_a_clock_that_does_not_apply_is_left_out(who: str) -> None:
    changes, there, not_there = WHO[who]
    clocks = set(clocks_at(PLAIN, REPORTED, child=CHILD.model_copy(update=changes)))
    assert there <= clocks
    assert not not_there & clocks


def test_what_is_not_known_of_the_child_counts_as_what_owes_more() -> None:
    clocks = clocks_at(PLAIN, REPORTED, child=Child())
    assert set(clocks) == set(pack().clocks) - {"network_told", "trafficking", "history_check"}
    assert "nobody has said yet whether the child is looked after" in clocks["iro_notice"].because


def test_a_waiver_that_leaves_out_what_it_must_say_is_named() -> None:
    untold = fact("not_told 2026-06-10T00:00:00Z", role="parent", reason="invented")
    assert "does not say authorised_by" in clocks_at(PLAIN, REPORTED, untold)["parent_notice"].because


def test_a_waiver_of_something_else_is_not_named() -> None:
    school = fact("not_told 2026-06-10T00:00:00Z", role="school")
    clocks = clocks_at(PLAIN, REPORTED, school)
    assert "does not count" in clocks["school_notice"].because
    assert "does not count" not in clocks["parent_notice"].because


def test_a_pack_that_names_no_end_of_childhood_ends_no_clock_at_any_age() -> None:
    old = policies().pack("homeward", "2026.1")
    nearly = CHILD.model_copy(update={"born": parse_day("2008-06-10")})
    when = parse_instant("2026-06-20T00:00:00Z")
    clocks = {c.id: c for c in plan([REPORTED, RETURNED], nearly, old, calendar(), when)}
    assert clocks["rhi"].state == "overdue"


def test_past_the_known_calendar_a_working_day_clock_is_provisional_and_says_so() -> None:
    clock = clocks_at("2028-03-04T00:00:00Z", fact("reported 2028-03-01T12:00:00Z"))["strategy_meeting"]
    assert clock.provisional
    assert "Provisional" in clock.because
    assert not clocks_at(PLAIN, REPORTED)["leadership_alert"].provisional


def test_the_days_passed_over_are_listed_and_named() -> None:
    clock = clocks_at("2026-04-20T00:00:00Z", fact("reported 2026-04-01T12:00:00Z"))["strategy_meeting"]
    assert [day.name for day in clock.skipped] == ["Good Friday", "weekend", "weekend", "Easter Monday"]
    assert "Easter Monday" in clock.because


def test_each_weekend_passed_over_is_named_by_itself() -> None:
    reached = fact("repeat_reached 2026-11-24T01:00:00Z", rule="repeated")
    because = clocks_at("2026-11-25T00:00:00Z", reached)["planning_meeting"].because
    assert "Sat 28 Nov 2026 to Sun 29 Nov 2026 (weekend) and Sat 5 Dec 2026 to Sun 6 Dec 2026 (weekend)" in because
