"""Nobody answers: the deputy is asked, then each role upward, until somebody does or nothing is owed."""

from datetime import timedelta

import pytest

from tests.workflows.builders import clocks_at, fact, pack
from workflows.chasing import OverdueTask, not_taken, overdue, unanswered
from workflows.clocks import Clock
from workflows.facts import Known
from workflows.instants import parse_instant
from workflows.policy import Chase, Pack
from workflows.telling import SentNotice
from workflows.vocabulary import Role

CHASE = Chase.model_validate(
    {
        "unanswered_after_minutes": 10,
        "unanswered_after_return_minutes": 30,
        "unanswered_says": "Nobody has answered yet",
        "overdue_again_after_hours": 24,
        "overdue_says": "Overdue",
        "undelivered_says": "Nobody was reached",
        "upward": {
            "interview_provider": "team_manager",
            "team_manager": "service_manager",
            "service_manager": "senior_leader",
        },
        "obligations": ["O01"],
        "source": [{"document": "hw", "section": "invented"}],
    }
)
RETURNED = fact("returned 2026-06-10T12:00:00Z")
LATE = parse_instant("2026-06-13T12:00:00Z")


def chasing() -> Pack:
    return pack().model_copy(update={"chase": CHASE})


def sent(rung: str = "escalate") -> SentNotice:
    about = {"clock": "rhi", "rung": rung, "role": "team_manager", "at": LATE, "of_absence": False, "asked_much": True}
    return SentNotice.model_validate({"key": f"e/rhi/{rung}/1/team_manager", **about})


Step = tuple[str, str, str, float]


def steps(*more: str, **details: str) -> list[Step]:
    facts = [fact("reported 2026-06-10T08:00:00Z"), RETURNED, *(fact(words, **details) for words in more)]
    as_of = "2026-06-13T18:00:00Z"
    clocks = tuple(clocks_at(as_of, *facts).values())
    return chase_of(sent(), clocks, Known(facts, parse_instant(as_of)))


def chase_of(notice: SentNotice, clocks: tuple[Clock, ...], known: Known, late_minutes: float = 0) -> list[Step]:
    """The whole chase of a notice, each step taken so many minutes after its time."""
    notices, steps = [notice], list[Step]()
    while found := unanswered(notices, clocks, chasing(), known):
        [step] = found
        steps.append((step.rung, step.role, step.reach, (step.at - LATE) / timedelta(minutes=1)))
        about = {"clock": step.clock, "rung": step.rung, "role": step.role, "of_absence": False, "asked_much": True}
        at = step.at + timedelta(minutes=late_minutes)
        key = f"e/{step.clock}/{step.rung}/{step.times}/{step.role}"
        notices.append(SentNotice.model_validate({"key": key, "at": at, **about}))
    return steps


def test_silence_goes_to_the_deputy_and_then_upward() -> None:
    assert steps() == [
        ("escalate_unanswered_1", "team_manager", "deputies", 30),
        ("escalate_unanswered_2", "service_manager", "holders", 60),
        ("escalate_unanswered_3", "senior_leader", "holders", 90),
    ]


def rhi_overdue() -> tuple[tuple[Clock, ...], Known]:
    facts = [fact("reported 2026-06-10T08:00:00Z"), RETURNED]
    return tuple(clocks_at("2026-06-13T18:00:00Z", *facts).values()), Known(
        facts, parse_instant("2026-06-13T18:00:00Z")
    )


def test_each_step_has_its_time_from_when_the_one_before_was_really_taken() -> None:
    assert [minutes for *_, minutes in chase_of(sent(), *rhi_overdue(), late_minutes=100)] == [30, 160, 290]


def test_what_was_sent_while_the_child_was_away_is_chased_faster() -> None:
    away = sent().model_copy(update={"of_absence": True})
    assert [minutes for *_, minutes in chase_of(away, *rhi_overdue())] == [10, 20, 30]


@pytest.mark.parametrize(
    ("rung", "lost_after", "expected"),
    [
        ("escalate", 5, [("team_manager", 5), ("service_manager", 35), ("senior_leader", 65)]),
        ("escalate", 90, [("team_manager", 30), ("service_manager", 60), ("senior_leader", 90)]),
        ("ask", 5, [("interview_provider", 5), ("team_manager", 35)]),
        ("ask", None, []),
    ],
)
def test_a_notice_that_reached_nobody_is_chased_at_once(
    rung: str, lost_after: int | None, expected: list[tuple[str, float]]
) -> None:
    role = "interview_provider" if rung == "ask" else "team_manager"
    lost = LATE + timedelta(minutes=lost_after) if lost_after is not None else None
    key = f"e/rhi/{rung}/1/{role}"
    notice = sent(rung).model_copy(update={"role": Role(role), "key": key, "undelivered_at": lost})
    assert [(step[1], step[3]) for step in chase_of(notice, *rhi_overdue())] == expected


@pytest.mark.parametrize(
    ("said", "details", "asks_on"),
    [
        ("acknowledged 2026-06-13T12:10:00Z", {"clock": "rhi", "role": "team_manager"}, False),
        ("acknowledged 2026-06-13T11:10:00Z", {"clock": "rhi", "role": "team_manager"}, True),
        ("acknowledged 2026-06-13T12:10:00Z", {"clock": "rhi_offer", "role": "team_manager"}, True),
        ("rhi_completed 2026-06-13T12:20:00Z", {}, False),
    ],
)
def test_an_answer_stops_the_climb(said: str, details: dict[str, str], asks_on: bool) -> None:
    assert bool(steps(said, **details)) is asks_on


def test_a_rung_that_asks_for_no_answer_is_not_chased() -> None:
    facts = [fact("reported 2026-06-10T08:00:00Z"), RETURNED]
    clocks = tuple(clocks_at("2026-06-13T18:00:00Z", *facts).values())
    assert unanswered([sent("ask")], clocks, chasing(), Known(facts, LATE)) == []
    assert unanswered([sent()], clocks, pack().model_copy(update={"chase": None}), Known(facts, LATE)) == []


def test_an_overdue_task_climbs_and_one_with_a_ladder_climbs_by_that() -> None:
    opened = LATE - timedelta(days=2)
    task = OverdueTask(duty="action-1", role=Role.TEAM_MANAGER, do="Call back", due=LATE, opened_at=opened)
    found = overdue([task, task.model_copy(update={"duty": "rhi"})], chasing())
    assert [(s.rung, s.role, s.at - LATE) for s in found] == [
        ("task_overdue_1", "service_manager", timedelta(0)),
        ("task_overdue_2", "senior_leader", timedelta(days=1)),
    ]
    late = overdue([task.model_copy(update={"opened_at": LATE + timedelta(hours=1)})], chasing())
    assert late[0].at == LATE + timedelta(hours=25)


def test_a_step_is_taken_once_and_again_when_its_time_moves_later() -> None:
    task = OverdueTask(duty="action-1", role=Role.TEAM_MANAGER, do="x", due=LATE, opened_at=LATE - timedelta(days=1))
    (first, second) = not_taken(overdue([task], chasing()), {})
    taken = {(first.clock, first.rung, 1, first.role): LATE}
    assert not_taken([first], taken) == []
    moved = first.model_copy(update={"at": LATE + timedelta(hours=1)})
    assert [s.times for s in not_taken([moved, second], taken)] == [2, 1]


def test_a_chain_that_leads_round_is_refused() -> None:
    with pytest.raises(ValueError, match="in a circle"):
        Chase.model_validate(CHASE.model_dump() | {"upward": {"iro": "team_manager", "team_manager": "iro"}})


def test_whoever_is_not_to_be_told_is_passed_by_at_no_loss_of_time() -> None:
    clocks, known = rhi_overdue()
    ruled = fact("not_told 2026-06-10T09:00:00Z", role="service_manager", reason="x", authorised_by="y")
    told_after_all = fact("told 2026-06-10T10:00:00Z", role="service_manager")
    quiet = Known([*known.facts, ruled], known.as_of)
    assert [(step[1], step[3]) for step in chase_of(sent(), clocks, quiet)] == [
        ("team_manager", 30),
        ("senior_leader", 60),
    ]
    assert len(chase_of(sent(), clocks, Known([*quiet.facts, told_after_all], known.as_of))) == 3
