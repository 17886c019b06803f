"""The clocks that the four packs hold together: each met, late, lifted, ended or overdue, worked out by hand.

Times are hours after Tuesday 9 June 2026, 20:00 UTC (21:00 in London), when the
invented child was reported missing. Fact and details are written as 'told@3
role=iro'. Working days are counted on the calendar page of June 2026: no bank
holiday falls in it.
"""

from datetime import timedelta

import pytest

from tests.workflows.builders import CHILD, calendar, pack
from workflows.clocks import plan
from workflows.facts import Child, Fact, fact_from_outside
from workflows.instants import parse_instant, to_rfc3339
from workflows.vocabulary import Setting

ZERO = parse_instant("2026-06-09T20:00:00Z")

PWP = CHILD.model_copy(update={"setting": Setting.PLACED_WITH_PARENTS})
HOME = CHILD.model_copy(update={"setting": Setting.CHILDREN_HOME})
AWAY = CHILD.model_copy(update={"out_of_area": True})
OPEN = CHILD.model_copy(update={"open_case": True})
ALONE = CHILD.model_copy(update={"unaccompanied": True})
NEW = CHILD.model_copy(update={"new_to_area": True})
NEARLY_18 = CHILD.model_copy(update={"born": parse_instant("2008-06-12T12:00:00Z").date()})


def said(words: str) -> list[Fact]:
    facts: list[Fact] = []
    for number, one in enumerate(words.split("; ")):
        head, *details = one.split()
        kind, _, hours = head.partition("@")
        at = to_rfc3339(ZERO + timedelta(hours=float(hours)))
        pairs = dict(pair.split("=", 1) for pair in details)
        facts.append(fact_from_outside({"kind": kind, "at": at, **pairs}, id=f"f{number}"))
    return facts


R = "reported@0"
BACK = "reported@0; returned@30"
TWO = "reason=x recorded_by=A authorised_by=B"
TALKED = f"{BACK}; rhi_completed@60"
DAY_1, DAY_2, DAY_3, DAY_5 = "06-11", "06-12", "06-15", "06-17"


def end(day: str) -> str:
    """The end of a working day in London, in UTC."""
    return f"2026-{day}T22:59:59Z"


Case = tuple[str, Child, str, float, float | str | None, str]
CASES: list[Case] = [
    # clock, child, facts, as of (hours), due (hours, or an instant), state
    ("visit", PWP, f"{BACK}; visited@102", 110, 102, "met"),
    ("visit", PWP, BACK, 103, 102, "overdue"),
    ("service_manager_notice", AWAY, f"authority_told@-1; {R}; told@23 role=service_manager", 24, 23, "met"),
    ("service_manager_notice", AWAY, R, 25, 24, "overdue"),
    ("rhi_initiate", CHILD, BACK, 31, 102, "running"),
    ("rhi_initiate", CHILD, f"{BACK}; rhi_started@100", 110, 102, "met"),
    ("rhi_initiate", CHILD, f"{BACK}; rhi_completed@103", 110, 102, "late"),
    ("rhi_initiate", CHILD, f"{BACK}; rhi_declined@40", 110, 102, "declined"),
    ("rhi_initiate", CHILD, BACK, 103, 102, "overdue"),
    ("prevention_check", CHILD, f"{R}; located@5", 6, 77, "running"),
    ("prevention_check", CHILD, f"{R}; located@5; prevention_check@9 outcome=done", 80, 77, "met"),
    ("prevention_check", CHILD, f"{R}; located@5; prevention_check@9 outcome=not_done", 80, 77, "overdue"),
    (
        "prevention_check",
        CHILD,
        f"{R}; located@5; prevention_check@9 outcome=exception exception=agreed_strategy",
        80,
        77,
        "not_needed",
    ),
    ("prevention_check", CHILD, f"{R}; located@5; prevention_check@9 outcome=exception", 80, 77, "overdue"),
    ("prevention_check", CHILD, "noticed@0; located@5", 80, None, "not_started"),
    ("carer_tells_authority", CHILD, "noticed@0", 2, 1, "overdue"),
    ("carer_tells_authority", CHILD, "noticed@0; authority_told@1", 2, 1, "met"),
    ("carer_tells_authority", CHILD, "categorised@0 category=away; told@0.5 role=out_of_hours_team", 2, 1, "met"),
    ("network_told", OPEN, "authority_told@0", 25, 24, "overdue"),
    ("network_told", OPEN, "authority_told@0; told@4 role=network", 25, 24, "met"),
    ("network_told", OPEN, "authority_told@0; not_told@4 role=network reason=x authorised_by=y", 25, 24, "suppressed"),
    ("absence_review", CHILD, "authority_told@0", 1, 2, "running"),
    ("absence_review", CHILD, "authority_told@0", 3, 2, "overdue"),
    ("absence_review", CHILD, "authority_told@0; absence_reviewed@1.5 decision=wait", 3, 3.5, "running"),
    (
        "absence_review",
        CHILD,
        "authority_told@0; absence_reviewed@1.5 decision=wait review_by=2026-06-10T04:00:00Z",
        3,
        8,
        "running",
    ),
    (
        "absence_review",
        CHILD,
        "authority_told@0; contact_attempted@1 to=child review_by=2026-06-10T00:00:00Z",
        4.5,
        4,
        "overdue",
    ),
    ("absence_review", CHILD, "authority_told@0; contact_attempted@1 to=child answered=no", 1.5, 2, "running"),
    ("absence_review", CHILD, "authority_told@0; allowed_to_stay@1 reason=x", 2, 3, "running"),
    ("absence_review", CHILD, "authority_told@0; reported@1.5", 9, 2, "ended"),
    ("absence_review", CHILD, "authority_told@0; returned@1.5", 9, 2, "ended"),
    ("police_report_check", PWP, "authority_told@0", 3, 2, "overdue"),
    ("police_report_check", PWP, "authority_told@0; police_report_checked@1 police_ref=x", 3, 2, "met"),
    ("activity_force_told", CHILD, "lost_on_activity@0", 2, 1, "overdue"),
    ("activity_force_told", CHILD, "lost_on_activity@0; told@0.5 role=host_police", 2, 1, "met"),
    ("activity_force_agreed", CHILD, "lost_on_activity@0; reported@1", 2, 5, "running"),
    ("activity_force_agreed", CHILD, "lost_on_activity@0; reported@1; force_agreed@4 force=x", 6, 5, "met"),
    ("activity_force_agreed", CHILD, "lost_on_activity@0", 9, None, "not_started"),
    ("trafficking", ALONE, R, 25, 24, "overdue"),
    ("trafficking", ALONE, f"{R}; trafficking_considered@20 outcome=referred", 25, 24, "met"),
    ("harm_referral", CHILD, f"{R}; harm_feared@10 about=crime", 15, 14, "overdue"),
    ("harm_referral", CHILD, f"{R}; harm_feared@10; referral_made@12 to=children's-services", 15, 14, "met"),
    ("police_challenge", CHILD, f"{R}; response_challenged@2", 5, 4, "overdue"),
    ("police_challenge", CHILD, f"{R}; response_challenged@2; challenge_settled@3 outcome=response_sent", 5, 4, "met"),
    ("police_challenge", CHILD, f"{R}; response_challenged@2; returned@3", 5, 4, "not_needed"),
    ("response_review", CHILD, f"{BACK}; response_review_asked@40 about=police_delay", 41, end("06-25"), "running"),
    (
        "response_review",
        CHILD,
        f"{BACK}; response_review_asked@40 about=needless_report; response_reviewed@90 outcome=talked",
        99,
        end("06-25"),
        "met",
    ),
    ("media_strategy", CHILD, f"{R}; publicity_considered@20", 45, 44, "overdue"),
    (
        "media_strategy",
        CHILD,
        f"{R}; publicity_considered@20; media_decided@30 decision=publish decided_by=police",
        45,
        44,
        "met",
    ),
    ("return_plan", CHILD, R, 2, 1, "overdue"),
    ("return_plan", CHILD, f"{R}; return_planned@0.5 transport=x", 2, 1, "met"),
    ("return_plan", CHILD, f"{R}; returned@0.75", 2, 1, "not_needed"),
    ("safety_evaluation", CHILD, f"{R}; located@5", 10, 9, "overdue"),
    ("safety_evaluation", CHILD, f"{R}; located@5; safety_evaluated@6 outcome=not_safe", 10, 9, "met"),
    ("refusal_parents_asked", CHILD, f"{BACK}; rhi_declined@40", 41, end("06-16"), "running"),
    ("refusal_parents_asked", CHILD, f"{BACK}; rhi_declined@40; parents_asked@50", 60, end("06-16"), "met"),
    ("refusal_considered", CHILD, f"{BACK}; rhi_declined@40; refusal_considered@50", 60, end("06-16"), "met"),
    ("refusal_support", CHILD, f"{BACK}; rhi_declined@40; support_offered@50", 60, end("06-18"), "met"),
    ("refusal_support", CHILD, f"{BACK}; rhi_declined@40", 300, end("06-18"), "overdue"),
    ("rhi_record", CHILD, TALKED, 61, end("06-17"), "running"),
    ("rhi_record", CHILD, f"{TALKED}; rhi_written_up@70", 80, end("06-17"), "met"),
    ("rhi_share_police", CHILD, f"{TALKED}; rhi_shared@70 with=police", 80, end("06-17"), "met"),
    ("rhi_share_police", CHILD, f"{TALKED}; rhi_shared@70 with=school", 80, end("06-17"), "running"),
    ("rhi_share_host", AWAY, f"{TALKED}; rhi_shared@70 with=host_authority", 80, end("06-17"), "met"),
    ("follow_up_support", CHILD, TALKED, 80, None, "not_started"),
    ("follow_up_support", CHILD, f"{BACK}; rhi_completed@60 follow_up=yes", 80, end("06-19"), "running"),
    (
        "follow_up_support",
        CHILD,
        f"{BACK}; rhi_completed@60 follow_up=yes; support_offered@70",
        80,
        end("06-19"),
        "met",
    ),
    ("earlier_interviews", CHILD, f"repeat_reached@-1 rule=earlier_interviews; {BACK}", 31, 102, "running"),
    ("earlier_interviews", CHILD, "repeat_reached@-1 rule=earlier_interviews; reported@0", 31, None, "not_started"),
    (
        "earlier_interviews",
        CHILD,
        f"repeat_reached@-1 rule=earlier_interviews; {BACK}; earlier_interviews_used@90",
        110,
        102,
        "met",
    ),
    ("planning_meeting", CHILD, "repeat_reached@0 rule=repeated", 1, end("06-23"), "running"),
    ("planning_meeting", CHILD, "repeat_reached@0 rule=earlier_interviews", 1, None, "not_started"),
    (
        "planning_meeting",
        CHILD,
        "repeat_reached@0 rule=repeated; meeting_held@50 meeting=planning covered=a,b,j",
        60,
        end("06-23"),
        "met",
    ),
    (
        "planning_meeting",
        CHILD,
        "repeat_reached@0 rule=repeated; meeting_attached@50 meeting=planning to=core-group",
        60,
        end("06-23"),
        "met",
    ),
    (
        "planning_meeting",
        CHILD,
        "repeat_reached@0 rule=repeated; meeting_held@50 meeting=strategy",
        999,
        end("06-23"),
        "overdue",
    ),
    ("safety_plan", CHILD, "meeting_held@0 meeting=planning", 1, end("06-16"), "running"),
    (
        "safety_plan",
        CHILD,
        "meeting_held@0 meeting=planning; safety_plan_agreed@9 childs_part=yes",
        10,
        end("06-16"),
        "met",
    ),
    ("cpis_flag", CHILD, "meeting_held@0 meeting=planning; cpis_checked@2 active=yes", 10, end("06-10"), "met"),
    ("cpis_flag", CHILD, "meeting_held@0 meeting=planning; cpis_checked@2 active=no", 10, end("06-10"), "running"),
    (
        "care_plan_review",
        CHILD,
        "repeat_reached@0 rule=repeated; care_plan_considered@9 decision=early",
        10,
        end("06-23"),
        "met",
    ),
    ("photographs", CHILD, "appearance_changed@0; photographs_taken@9", 10, end("06-10"), "met"),
    ("philomena_transfer", CHILD, "placement_moved@0", 99, end("06-10"), "overdue"),
    ("philomena_transfer", CHILD, "placement_moved@0; philomena_transferred@9", 10, end("06-10"), "met"),
    ("strategy_on_return", CHILD, f"{R}; returned@20", 31, None, "not_started"),
    ("strategy_on_return", CHILD, BACK, 31, end(DAY_2), "running"),
    ("strategy_on_return", CHILD, f"{BACK}; meeting_held@40 meeting=return", 41, end(DAY_2), "met"),
    ("strategy_on_return", CHILD, f"{BACK}; meeting_not_needed@40 meeting=strategy reason=back", 41, end(DAY_2), "met"),
    (
        "strategy_meeting",
        CHILD,
        f"{BACK}; meeting_attached@40 meeting=strategy to=return",
        41,
        end(DAY_3),
        "not_needed",
    ),
    ("exploitation_screening", CHILD, R, 25, end(DAY_3), "running"),
    ("exploitation_screening", CHILD, R, 20, None, "not_started"),
    ("exploitation_screening", CHILD, f"repeat_reached@0 rule=repeated; {R}", 1, end(DAY_2), "running"),
    ("exploitation_screening", CHILD, f"{R}; exploitation_screened@30 outcome=none", 31, end(DAY_3), "met"),
    ("triggers", CHILD, f"{BACK}; triggers_recorded@40", 41, end("06-18"), "met"),
    ("risk_plan_update", CHILD, f"{BACK}; risk_plan_updated@40", 41, end("06-18"), "met"),
    ("long_term_review", CHILD, R, 28 * 24 + 1, 56 * 24, "running"),
    ("long_term_review", CHILD, R, 56 * 24 + 1, 56 * 24, "overdue"),
    ("long_term_review", CHILD, f"{R}; long_term_reviewed@1000", 1001, 1000 + 28 * 24, "running"),
    ("long_term_review", CHILD, f"{R}; long_term_reviewed@1000; located@1100", 1200, 1000 + 28 * 24, "ended"),
    ("risk_assessment", CHILD, R, 5, 4, "overdue"),
    ("risk_assessment", CHILD, f"{R}; risk_assessed@3 view=authority grade=medium", 5, 4, "met"),
    ("risk_assessment", CHILD, f"{R}; risk_assessed@3 view=police grade=medium", 3.5, 4, "running"),
    ("risk_assessment", CHILD, f"{R}; risk_assessed@3 view=police grade=medium", 5, 4, "overdue"),
    ("grade_challenge", CHILD, f"{R}; risk_assessed@3 view=police grade=low", 3.5, 4, "running"),
    (
        "grade_challenge",
        CHILD,
        f"{R}; risk_assessed@3 view=police grade=low; grade_questioned@3.5 outcome=raised",
        5,
        4,
        "met",
    ),
    ("grade_challenge", CHILD, f"{R}; risk_assessed@3 view=authority grade=low", 5, None, "not_started"),
    ("grade_challenge", CHILD, f"{R}; risk_assessed@3 view=police grade=high", 5, None, "not_started"),
    ("host_notice", AWAY, f"{R}; told@3 role=host_authority", 5, 24, "met"),
    ("school_notice", CHILD, f"{R}; told@3 role=school", 5, end("06-10"), "met"),
    ("school_notice", CHILD, f"{R}; not_told@3 role=school reason=none", 5, end("06-10"), "suppressed"),
    ("observations", HOME, "noticed@0; observed@1 moment=leaving clothing=x", 3, 2, "met"),
    ("observations", HOME, "noticed@0; observed@1 moment=return", 3, 2, "overdue"),
    ("observations_on_return", HOME, f"{BACK}; observed@31 moment=return mood=x", 40, 34, "met"),
    ("history_check", NEW, f"{R}; history_checked@9", 10, end("06-11"), "met"),
    ("encourage_reporting", CHILD, "found_unreported@0 known_from=x", 10, end("06-12"), "running"),
    ("encourage_reporting", CHILD, "found_unreported@0; reporting_encouraged@9", 10, end("06-12"), "met"),
    ("rhi_offer_from_referral", CHILD, f"{BACK}; referred@40; rhi_offered@100", 110, 112, "met"),
    ("adult_handover", NEARLY_18, R, 30, None, "not_started"),
    ("adult_handover", NEARLY_18, R, 60, "2026-06-11T23:00:00Z", "fired"),
    ("adult_handover", NEARLY_18, f"{R}; returned@30", 60, "2026-06-11T23:00:00Z", "cancelled"),
    ("rhi", NEARLY_18, BACK, 60, 102, "ended"),
    ("long_term", NEARLY_18, R, 28 * 24 + 1, 28 * 24, "ended"),
    ("leadership_alert", NEARLY_18, R, 60, 24, "fired"),
    ("leadership_alert", CHILD, f"{R}; recorded_in_error@4 reason=x", 30, 24, "ended"),
    ("leadership_alert", CHILD, f"{R}; recorded_in_error@25 reason=x", 30, 24, "fired"),
    ("rhi", NEARLY_18, f"{BACK}; rhi_completed@45", 60, 102, "met"),
    ("rhi", CHILD, f"{BACK}; recorded_in_error@40 reason=x", 200, 102, "ended"),
    ("rhi", CHILD, f"{BACK}; merged@40 into=other", 200, 102, "ended"),
    ("rhi", CHILD, f"{BACK}; died@40", 200, 102, "ended"),
    ("rhi", CHILD, f"{BACK}; rhi_completed@50 interviewer=foster_carer", 200, 102, "overdue"),
    ("rhi", CHILD, f"{BACK}; rhi_completed@50 interviewer=social_worker", 200, 102, "met"),
    ("absence_review", CHILD, "authority_told@0", 2, 2, "running"),
    (
        "absence_review",
        CHILD,
        "authority_told@0; absence_reviewed@0 decision=wait review_by=2026-06-09T21:00:00Z",
        1,
        1,
        "running",
    ),
    ("adult_handover", NEARLY_18, R, 51, "2026-06-11T23:00:00Z", "fired"),
    ("rhi", NEARLY_18, BACK, 51, 102, "ended"),
    ("rhi", NEARLY_18, BACK, 50.9, 102, "running"),
    ("leadership_alert", NEARLY_18, "reported@27", 60, 51, "fired"),
    ("leadership_alert", NEARLY_18, "reported@27.5", 60, 51.5, "ended"),
    ("leadership_alert", CHILD, f"{R}; died@24", 30, 24, "fired"),
    (
        "leadership_alert",
        CHILD,
        f"{R}; clock_suppressed@24 clock=leadership_alert reason=x recorded_by=A authorised_by=B",
        30,
        24,
        "fired",
    ),
    ("rhi", CHILD, f"{BACK}; rhi_delayed@50 reason=missing_again", 60, 102, "running"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[5]}-{case[2]}"[:90])
def test_a_clock_of_the_protocol_says_what_it_must(case: Case) -> None:
    clock_id, child, facts, hours, due, state = case
    clocks = {c.id: c for c in plan(said(facts), child, pack(), calendar(), ZERO + timedelta(hours=hours))}
    clock = clocks[clock_id]
    expected = to_rfc3339(ZERO + timedelta(hours=due)) if isinstance(due, int | float) else due
    assert (to_rfc3339(clock.due) if clock.due else None, clock.state.value) == (expected, state), clock.because
    assert clock.because.endswith(".")


def test_every_clock_of_the_pack_has_its_case() -> None:
    from tests.workflows.test_clocks import CASES as OLDER

    assert {case[0] for case in CASES} | {case[0] for case in OLDER} == set(pack().clocks)
