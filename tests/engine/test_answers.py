"""Answers on the real engine: what stops a climb and what does not, by every way in; who knew what in the end."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal
from uuid import uuid4

import pytest

from activities.store.answers import tray_of
from activities.store.directory import PersonEntry, person_id, put_person
from activities.store.episodes import EpisodeView
from activities.store.post import messages_to
from starter.answers import Answers
from starter.applying import Outcome
from starter.client import Episodes
from starter.commands import Commands
from starter.rehearsal import Stage, cast_everyone
from starter.who_knew import post_events, who_knew
from tests.engine.conftest import Providers, Theatre
from tests.engine.correspondence import Correspondent
from tests.engine.plays import NOON, fact, hours, live, rounded, told_and_chased
from tests.standins.faults import refuses
from workflows.vocabulary import Role

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALERT = "leadership_alert"
CLIMB = [
    ("alert", "senior_leader", 24.0),
    ("alert_unanswered_1", "senior_leader", 24.5),
    ("escalate", "duty_manager", 26.0),
    ("escalate_unanswered_1", "duty_manager", 26.5),
    ("escalate_unanswered_2", "service_manager", 27.0),
    ("escalate_unanswered_3", "senior_leader", 27.5),
]
"""What a leadership alert comes to when nobody answers: (rung, role, hours after the report)."""

WARNED = [("warn", "team_manager", 20.0)]


class Town:
    """An authority of its own: one invented person for each role, known by the role's name."""

    def __init__(self, theatre: Theatre, stage: Stage) -> None:
        self._theatre = theatre
        self.stage = stage
        stage.authority = f"town-{uuid4().hex[:8]}"

        async def reach() -> Episodes:
            return stage.episodes

        commands = Commands(theatre.store, theatre.policies, stage.authority, reach)
        self.answers = Answers(theatre.store, commands)

    async def cast(self, **channels: str) -> None:
        """Have somebody hold each role; those named here are reached outside their trays too."""
        async with self._theatre.store.session() as session:
            await cast_everyone(session, self.stage.authority)
            for role, channel in channels.items():
                entry = PersonEntry(reference=role, name=f"Invented {role}", channels=channel)
                email = f"{self.stage.authority}-{role}@invented.example"
                entry = entry.model_copy(update={"email": email, "mobile": "+447700900123"})
                await put_person(session, self.stage.authority, entry)

    async def person(self, role: str) -> str:
        async with self._theatre.store.session() as session:
            person = await person_id(session, self.stage.authority, role)
        assert person is not None
        return person

    async def correspondent(self, role: str) -> Correspondent:
        return Correspondent(self._theatre, await self.person(role), self.stage.authority, role)

    async def notices(self, role: str, clock: str = ALERT) -> list[str]:
        """The keys of what lies in the tray of who holds a role and wants an answer about a clock."""
        person = await self.person(role)
        async with self._theatre.store.session() as session:
            lying = await tray_of(session, person)
        return [one.line.notice for one in lying if one.line.clock == clock and one.line.asks == "answer"]

    async def answer(self, role: str, way: Literal["tray", "page"] = "tray") -> list[Outcome]:
        """Have who holds a role answer what wants an answer about the alert: from the tray, or by the last message."""
        person = await self.person(role)
        if way == "tray":
            return await self.answers.to_notices(person, await self.notices(role), self.stage.now)
        async with self._theatre.store.session() as session:
            last = (await messages_to(session, person))[-1]
        return await self.answers.to_message(last.id, self.stage.now)

    async def at(self, after: float) -> EpisodeView:
        """How it all stands so many hours after the report."""
        await self.stage.advance_to(NOON + hours(after))
        return await self.stage.view()

    async def begin(self, *facts: Any, until_hours: float = 1) -> EpisodeView:
        return await live(self.stage, until_hours, fact("reported", 0), *facts)


@pytest.fixture
async def town(theatre: Theatre, stage_at: Callable[..., Stage]) -> Town:
    return Town(theatre, stage_at(NOON))


def alerted(view: EpisodeView) -> list[tuple[str, str, float]]:
    return [one for one in rounded(told_and_chased(view, ALERT)) if one not in WARNED]


async def test_nobody_answering_an_alert_takes_it_up_every_rung(town: Town) -> None:
    await town.cast()
    await town.begin()
    assert alerted(await town.at(40)) == CLIMB


@pytest.mark.parametrize("rung", range(len(CLIMB)), ids=[rung for rung, *_ in CLIMB])
async def test_an_answer_stops_the_climb_at_whichever_rung_it_comes(town: Town, rung: int) -> None:
    name, role, after = CLIMB[rung]
    await town.cast()
    await town.begin()
    await town.at(after + 0.2)
    (outcome,) = await town.answer(role)
    assert (outcome.state, outcome.again) == ("applied", False)
    view = await town.at(40)
    assert alerted(view) == CLIMB[: rung + 1]
    answered = [(n["rung"], n["acknowledged_by"]) for n in view.notices if n["clock"] == ALERT and n["needs_ack"]]
    assert answered == [(one, role) for one, *_ in CLIMB[: rung + 1]], "one answer answers for the clock"
    (row,) = [row for row in who_knew(view) if row.clock == ALERT and row.rung == name]
    assert (row.person, row.acknowledged_by, row.read is not None) == (role, role, True)


@pytest.mark.parametrize("way", ["tray", "page"])
async def test_the_page_and_the_tray_do_the_same(town: Town, way: Literal["tray", "page"]) -> None:
    await town.cast(senior_leader="email")
    await town.begin()
    await town.at(24.2)
    await (await town.correspondent("senior_leader")).message()
    (first,) = await town.answer("senior_leader", way)
    (again,) = await town.answers.to_notices(
        await town.person("senior_leader"), [_key(town, "alert", "senior_leader")], town.stage.now
    )
    assert (first.state, first.again, again.state, again.again) == ("applied", False, "applied", True)
    assert again.id == first.id
    view = await town.at(40)
    assert alerted(view) == CLIMB[:1]
    (answer,) = [one for one in view.facts if one.kind == "acknowledged"]
    assert answer.details == {"clock": ALERT, "role": "senior_leader", "by": "senior_leader"}
    assert answer.recorded_by == "senior_leader"
    assert await town.notices("senior_leader") == []


def _key(town: Town, rung: str, role: str) -> str:
    return f"{town.stage.episode_id}/{ALERT}/{rung}/1/{role}"


async def test_delivery_alone_stops_nothing(town: Town) -> None:
    await town.cast(senior_leader="email", duty_manager="email")
    await town.begin()
    await town.at(24.2)
    leader = await town.correspondent("senior_leader")
    await (await leader.message()).signal("receipt", args=["notify_email", "delivered"])
    await leader.reaches("reached")
    assert alerted(await town.at(40)) == CLIMB


async def test_two_who_answer_at_once_are_both_heard_and_the_first_counts(town: Town) -> None:
    await town.cast()
    await town.begin()
    await town.at(26.2)
    manager, leader = await town.person("duty_manager"), await town.person("senior_leader")
    mine, theirs = await town.notices("duty_manager"), await town.notices("senior_leader")
    first = await town.answers.to_notices(manager, mine, town.stage.now)
    second = await town.answers.to_notices(leader, theirs, town.stage.now + timedelta(minutes=1))
    assert len(theirs) == 2, "both notices of one clock are one answer"
    assert [one.state for one in (*first, *second)] == ["applied", "applied"]
    view = await town.at(40)
    assert alerted(view) == CLIMB[:3]
    by = {n["rung"]: n["acknowledged_by"] for n in view.notices if n["clock"] == ALERT and n["needs_ack"]}
    assert by == {"alert": "duty_manager", "alert_unanswered_1": "duty_manager", "escalate": "duty_manager"}


async def test_an_answer_that_is_taken_back_can_be_given_again(town: Town) -> None:
    await town.cast()
    await town.begin()
    await town.at(26.2)
    (first,) = await town.answer("duty_manager")
    await town.stage.record(fact("withdrawn", 26.25, fact=first.id, reason="invented"))
    await town.at(26.3)
    assert len(await town.notices("duty_manager")) == 1, "it is asked for again"
    (second,) = await town.answer("duty_manager")
    assert (second.state, second.again, second.id != first.id) == ("applied", False, True)
    view = await town.at(40)
    assert alerted(view) == CLIMB[:3]
    assert {n["acknowledged_by"] for n in view.notices if n["rung"] == "escalate" and n["clock"] == ALERT} == {
        "duty_manager"
    }


async def test_an_answer_taken_back_for_good_lets_the_climb_go_on(town: Town) -> None:
    await town.cast()
    await town.begin()
    await town.at(26.2)
    (first,) = await town.answer("duty_manager")
    await town.stage.record(fact("withdrawn", 26.2, fact=first.id, reason="invented"))
    view = await town.at(40)
    assert alerted(view) == CLIMB
    assert not [n for n in view.notices if n["acknowledged_at"]]


async def test_the_table_says_what_failed_and_what_took_over(town: Town, providers: Providers) -> None:
    await town.cast(senior_leader="email")
    await town.begin()
    providers.notify.sends.next(refuses(400, "BadRequestError"))
    await town.at(24.1)
    leader = await town.correspondent("senior_leader")
    await leader.reaches("reached")
    await town.answer("senior_leader")
    view = await town.at(25)
    rows = {row.way: row for row in who_knew(view) if row.clock == ALERT and row.role is Role.SENIOR_LEADER}
    assert {way: row.standing for way, row in rows.items()} == {
        "notify_email": "failed: BadRequestError 400",
        "smtp": "taken, not yet known to be delivered",
    }
    assert (rows["notify_email"].sent, rows["smtp"].sent is not None) == (None, True)
    assert {row.acknowledged_by for row in rows.values()} == {"senior_leader"}
    assert [event.text for event in post_events(view)] == [
        "E-mail (GOV.UK Notify) to the senior leader failed (BadRequestError 400): e-mail is next",
        "Sent to the senior leader by e-mail",
    ]
    others = {row.standing for row in who_knew(view) if row.role is not Role.SENIOR_LEADER}
    assert others == {"in the tray"}
    assert "@" not in view.model_dump_json(include={"dispatches", "messages", "recipients"})


async def test_who_is_not_to_be_told_hears_nothing_by_no_way(town: Town) -> None:
    """Neither the alert, nor what climbs for want of an answer, nor the return."""
    ruled = fact("not_told", 1, role="senior_leader", reason="invented", authorised_by="Invented manager")
    await town.cast(senior_leader="email")
    await town.begin(ruled, until_hours=40)
    view = await town.at(40)
    assert alerted(view) == [one for one in CLIMB if one[1] != "senior_leader"]
    await town.stage.record(fact("located", 40))
    await town.stage.record(fact("returned", 40))
    view = await town.at(41)
    assert [one["person"] for one in view.recipients if one["person"] == "senior_leader"] == []
    assert "senior_leader" not in {n["role"] for n in view.notices}
    back = {n["role"] for n in view.notices if n["clock"] == "return_notice"}
    assert back >= {"duty_manager", "service_manager", "team_manager"}
    assert await (await town.correspondent("senior_leader")).messages() == []


async def test_who_is_no_longer_to_be_told_is_not_told_of_a_mistake_either(town: Town) -> None:
    await town.cast()
    await town.begin(until_hours=24.1)
    ruled = fact("not_told", 24.1, role="senior_leader", reason="invented", authorised_by="Invented manager")
    await town.stage.record(ruled)
    await town.stage.record(fact("located", 23).model_copy(update={"recorded_at": NOON + hours(24.2)}))
    view = await town.at(26)
    assert [(n["clock"], n["rung"]) for n in view.notices if n["role"] == "senior_leader"] == [(ALERT, "alert")]


async def test_whoever_was_chased_is_told_once_that_a_clock_is_lifted_and_nobody_else(town: Town) -> None:
    await town.cast()
    await town.begin(fact("returned", 5), until_hours=86)
    before = rounded(told_and_chased(await town.stage.view(), "rhi"))
    assert before == [
        ("ask", "interview_provider", 5.0),
        ("warn", "interview_provider", 53.0),
        ("escalate", "team_manager", 77.0),
        ("escalate_unanswered_1", "team_manager", 81.0),
        ("escalate_unanswered_2", "service_manager", 85.0),
    ]
    two = {"reason": "invented", "recorded_by": "Invented A", "authorised_by": "Invented B"}
    await town.stage.record(fact("clock_suppressed", 86, clock="rhi", **two))
    view = await town.at(120)
    after = [(n["rung"], n["role"]) for n in view.notices if n["clock"] == "rhi"][len(before) :]
    assert sorted(after) == [
        ("escalate_lifted", "team_manager"),
        ("escalate_unanswered_2_lifted", "service_manager"),
    ]
    keys = {n["key"] for n in view.notices if n["rung"].endswith("_lifted")}
    assert {one["person"] for one in view.recipients if one["notice"] in keys} == {"team_manager", "service_manager"}


async def test_what_is_asked_again_for_a_later_time_wants_an_answer_of_its_own(town: Town) -> None:
    """A correction moves the alert past its answer: who was told of another time is asked anew, and may answer anew."""
    await town.cast()
    await town.begin(until_hours=24.1)
    (first,) = await town.answer("senior_leader")
    view = await town.at(24.2)
    wrong = next(one for one in view.facts if one.kind == "reported")
    right = fact("reported", 2).model_copy(update={"replaces": wrong.id})
    await town.stage.record(right)
    await town.at(26.1)
    (again,) = await town.answer("senior_leader")
    assert (again.state, again.again, again.id != first.id) == ("applied", False, True)
    view = await town.at(40)
    by = {n["key"].split("/", 2)[2]: n["acknowledged_by"] for n in view.notices if n["clock"] == ALERT}
    assert by["alert/2/senior_leader"] == "senior_leader"
