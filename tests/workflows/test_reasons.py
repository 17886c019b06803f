"""Why each clock stands as it does, in the words a manager reads: every kind of start, due time and standing, pinned.

Times are hours after Tuesday 9 June 2026, 21:00 in London, as in the protocol's cases.
"""

from datetime import timedelta

import pytest

from tests.workflows.builders import CHILD, calendar, pack
from tests.workflows.test_protocol_clocks import NEARLY_18, ZERO, said
from workflows.clocks import plan
from workflows.facts import Child
from workflows.instants import to_rfc3339

# what it shows: clock, child, facts, as of (hours), the reason, when and by which fact it was settled
REASONS: dict[str, tuple[str, Child, str, float, str, tuple[str | None, str | None]]] = {
    "waits": (
        "rhi",
        CHILD,
        "reported@0",
        1,
        "Not started: waits for returned.",
        (None, None),
    ),
    "runs": (
        "iro_notice",
        CHILD,
        "authority_told@0",
        1,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told. 24 hours later is Wed 10 Jun 2026 "
        "21:00 BST. Running: waits for told (independent reviewing officer).",
        (None, None),
    ),
    "preferred not known": (
        "iro_notice",
        CHILD,
        "noticed@0",
        1,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was noticed to be gone, since no time is known "
        "for: authority told or reported to the police. 24 hours later is Wed 10 Jun 2026 21:00 "
        "BST. Running: waits for told (independent reviewing officer).",
        (None, None),
    ),
    "earliest of several": (
        "leadership_alert",
        CHILD,
        "last_seen@-2; reported@0",
        1,
        "Starts Tue 9 Jun 2026 19:00 BST, when the child was last seen, the earliest known of last seen "
        "and reported to the police. 24 hours later is Wed 10 Jun 2026 19:00 BST. Comes then, unless "
        "first found or returned.",
        (None, None),
    ),
    "cancelled": (
        "leadership_alert",
        CHILD,
        "reported@0; located@5",
        30,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was reported to the police, the earliest known "
        "of last seen and reported to the police. 24 hours later is Wed 10 Jun 2026 21:00 BST. "
        "No longer needed: found Wed 10 Jun 2026 02:00 BST, before then.",
        ("2026-06-10T01:00:00Z", "f1"),
    ),
    "fired": (
        "leadership_alert",
        CHILD,
        "reported@0",
        30,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was reported to the police, the earliest known "
        "of last seen and reported to the police. 24 hours later is Wed 10 Jun 2026 21:00 BST. Time "
        "reached: nothing had called it off by Wed 10 Jun 2026 21:00 BST.",
        (None, None),
    ),
    "fires at once": (
        "adult_handover",
        NEARLY_18,
        "reported@0",
        60,
        "Starts Fri 12 Jun 2026, the child's 18th birthday. Due at once. Time reached: nothing had "
        "called it off by Fri 12 Jun 2026 00:00 BST.",
        (None, None),
    ),
    "suppressed fire": (
        "leadership_alert",
        CHILD,
        "reported@0; clock_suppressed@5 clock=leadership_alert reason=x recorded_by=A authorised_by=B.Madeup",
        30,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was reported to the police, the earliest known "
        "of last seen and reported to the police. 24 hours later is Wed 10 Jun 2026 21:00 BST. "
        "Clock suppressed (leadership alert) Wed 10 Jun 2026 02:00 BST; reason: x; authorised by "
        "B.Madeup.",
        ("2026-06-10T01:00:00Z", "f1"),
    ),
    "ended before firing": (
        "leadership_alert",
        CHILD,
        "reported@0; died@5",
        30,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was reported to the police, the earliest known "
        "of last seen and reported to the police. 24 hours later is Wed 10 Jun 2026 21:00 BST. "
        "Ended: died Wed 10 Jun 2026 02:00 BST.",
        ("2026-06-10T01:00:00Z", "f1"),
    ),
    "grown before firing": (
        "long_term",
        NEARLY_18,
        "reported@0",
        60,
        "Starts Tue 9 Jun 2026 21:00 BST, when the child was reported to the police, the earliest known "
        "of last seen and reported to the police. 28 days of 24 hours later is Tue 7 Jul 2026 21:00 "
        "BST. Ended Fri 12 Jun 2026 00:00 BST, when the child turned 18; what was still owed is for "
        "adult services to know.",
        ("2026-06-11T23:00:00Z", None),
    ),
    "started by a clock": (
        "strategy_meeting",
        CHILD,
        "reported@0",
        25,
        "Starts Wed 10 Jun 2026 21:00 BST, when 'Senior leadership alert' came with the child still "
        "missing. 3 working days after that day, passing over Sat 13 Jun 2026 to Sun 14 Jun 2026 "
        "(weekend): Mon 15 Jun 2026, end of the day. Running: waits for meeting held (strategy).",
        (None, None),
    ),
    "all of several": (
        "strategy_on_return",
        CHILD,
        "reported@0; returned@30",
        31,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned, with which all of these were known: "
        "'Senior leadership alert' and returned. 1 working day after that day: Fri 12 Jun 2026, end of "
        "the day. Running: waits for meeting held (strategy), meeting held (return), taken up in a "
        "meeting that was already planned (strategy) or meeting recorded as not needed (strategy) that "
        "says reason.",
        (None, None),
    ),
    "overdue": (
        "rhi",
        CHILD,
        "reported@0; returned@30",
        110,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Overdue: still waits for return home interview completed.",
        (None, None),
    ),
    "met": (
        "rhi",
        CHILD,
        "reported@0; returned@30; rhi_completed@60",
        110,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Done in time: return home interview completed Fri 12 Jun 2026 09:00 BST.",
        ("2026-06-12T08:00:00Z", "f2"),
    ),
    "late after declined": (
        "rhi",
        CHILD,
        "reported@0; returned@30; rhi_declined@40; rhi_completed@110",
        120,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Done late: return home interview completed Sun 14 Jun 2026 11:00 BST (return home "
        "interview declined before that, Thu 11 Jun 2026 13:00 BST).",
        ("2026-06-14T10:00:00Z", "f3"),
    ),
    "declined": (
        "rhi",
        CHILD,
        "reported@0; returned@30; rhi_declined@40",
        120,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Lifted: return home interview declined Thu 11 Jun 2026 13:00 BST.",
        ("2026-06-11T12:00:00Z", "f2"),
    ),
    "grown up": (
        "rhi",
        NEARLY_18,
        "reported@0; returned@30",
        60,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Ended Fri 12 Jun 2026 00:00 BST, when the child turned 18; what was still owed "
        "is for adult services to know.",
        ("2026-06-11T23:00:00Z", None),
    ),
    "merged": (
        "rhi",
        CHILD,
        "reported@0; returned@30; merged@40 into=x",
        60,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Ended: merged into another episode Thu 11 Jun 2026 13:00 BST.",
        ("2026-06-11T12:00:00Z", "f2"),
    ),
    "voided": (
        "rhi",
        CHILD,
        "reported@0; returned@30; clock_voided@40 clock=rhi reason=x recorded_by=A authorised_by=B.Madeup",
        60,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Clock voided (rhi) Thu 11 Jun 2026 13:00 BST; reason: x; authorised by "
        "B.Madeup.",
        ("2026-06-11T12:00:00Z", "f2"),
    ),
    "suppressed": (
        "rhi",
        CHILD,
        "reported@0; returned@30; clock_suppressed@40 clock=rhi reason=x recorded_by=A authorised_by=B.Madeup",
        60,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Clock suppressed (rhi) Thu 11 Jun 2026 13:00 BST; reason: x; authorised by "
        "B.Madeup.",
        ("2026-06-11T12:00:00Z", "f2"),
    ),
    "extended": (
        "rhi",
        CHILD,
        "reported@0; returned@30; clock_extended@40 clock=rhi reason=x until=2026-06-15T12:00:00Z "
        "recorded_by=A authorised_by=B.Madeup",
        60,
        "Starts Thu 11 Jun 2026 03:00 BST, when the child returned. 72 hours later is Sun 14 Jun "
        "2026 03:00 BST. Extended to Mon 15 Jun 2026 13:00 BST; reason: x; authorised by B.Madeup. "
        "Running: waits for return home interview completed.",
        (None, None),
    ),
    "review runs": (
        "absence_review",
        CHILD,
        "authority_told@0",
        1,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). 2 hours "
        "later is Tue 9 Jun 2026 23:00 BST. Running: waits for absence reviewed, allowed to stay where "
        "found or contact attempted that says review by, again and again until reported to the police or "
        "returned.",
        (None, None),
    ),
    "review overdue": (
        "absence_review",
        CHILD,
        "authority_told@0",
        3,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). 2 hours "
        "later is Tue 9 Jun 2026 23:00 BST. Overdue: still waits for absence reviewed, allowed to stay "
        "where found or contact attempted that says review by.",
        (None, None),
    ),
    "review done once": (
        "absence_review",
        CHILD,
        "authority_told@0; absence_reviewed@1 decision=wait",
        2,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). Reviewed once, "
        "last Tue 9 Jun 2026 22:00 BST (absence reviewed (wait)). 2 hours later is Wed 10 Jun "
        "2026 00:00 BST. Running: waits for absence reviewed, allowed to stay where found or contact "
        "attempted that says review by, again and again until reported to the police or returned.",
        (None, None),
    ),
    "review chose": (
        "absence_review",
        CHILD,
        "authority_told@0; absence_reviewed@1 decision=wait; absence_reviewed@1.5 decision=wait "
        "review_by=2026-06-10T04:00:00Z",
        2,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). Reviewed 2 times, "
        "last Tue 9 Jun 2026 22:30 BST (absence reviewed (wait)). The next is due Wed 10 Jun 2026 05:00 "
        "BST, as was decided then. Running: waits for absence reviewed, allowed to stay where found or "
        "contact attempted that says review by, again and again until reported to the police or "
        "returned.",
        (None, None),
    ),
    "review ended": (
        "absence_review",
        CHILD,
        "authority_told@0; reported@1",
        2,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). 2 hours "
        "later is Tue 9 Jun 2026 23:00 BST. Ended: reported to the police Tue 9 Jun 2026 22:00 BST.",
        ("2026-06-09T21:00:00Z", "f1"),
    ),
    "review suppressed": (
        "absence_review",
        CHILD,
        "authority_told@0; clock_suppressed@1 clock=absence_review reason=x recorded_by=A authorised_by=B.Madeup",
        9,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). 2 hours "
        "later is Tue 9 Jun 2026 23:00 BST. Clock suppressed (absence review) Tue 9 Jun 2026 22:00 BST; "
        "reason: x; authorised by B.Madeup.",
        ("2026-06-09T21:00:00Z", "f1"),
    ),
    "review ended by error": (
        "absence_review",
        CHILD,
        "authority_told@0; recorded_in_error@1 reason=x",
        9,
        "Starts Tue 9 Jun 2026 21:00 BST: authority told, the earliest known of noticed to be gone, "
        "authority told, absence categorised (absent) and absence categorised (away). 2 hours "
        "later is Tue 9 Jun 2026 23:00 BST. Ended: episode recorded in error Tue 9 Jun 2026 22:00 BST.",
        ("2026-06-09T21:00:00Z", "f1"),
    ),
}


@pytest.mark.parametrize("case", REASONS)
def test_a_clock_gives_its_reason(case: str) -> None:
    clock_id, child, facts, hours, because, settled = REASONS[case]
    clocks = plan(said(facts), child, pack(), calendar(), ZERO + timedelta(hours=hours))
    clock = next(one for one in clocks if one.id == clock_id)
    assert clock.because == because
    assert (to_rfc3339(clock.settled_at) if clock.settled_at else None, clock.settled_by) == settled
