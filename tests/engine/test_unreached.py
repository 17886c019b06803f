"""A notice that reaches nobody is seen on its episode, becomes a task, and is chased at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.episodes import EpisodeView
from activities.store.tables import HoldingTable
from starter.rehearsal import Stage, cast_everyone
from tests.engine.conftest import Providers, Theatre, on_both
from tests.engine.correspondence import until
from tests.engine.plays import LOOKED_AFTER, NOON, fact, hours, live, scenario, told_and_chased
from tests.standins.faults import refuses
from workflows.instants import parse_instant
from workflows.post_contracts import Posted
from workflows.vocabulary import Role

pytestmark = [pytest.mark.asyncio(loop_scope="session"), on_both]
StageAt = Callable[[datetime], Stage]


async def reach(stage: Stage, role: Role, email: str) -> None:
    """Have the holder of a role in a stage's authority, and nobody else, have an e-mail address."""
    async with stage.store.session() as session:
        await cast_everyone(session, stage.authority)
        entry = PersonEntry(reference=role.value, name="Invented", email=email, channels="email")
        await put_person(session, stage.authority, entry)


async def until_told(stage: Stage, true: Callable[[EpisodeView], bool]) -> EpisodeView:
    async def is_so() -> bool:
        return true(await stage.view())

    await until(is_so)
    return await stage.view()


async def test_nobody_reached_is_on_the_timeline_a_task_and_chased_and_undone_when_somebody_is(
    stage_at: StageAt, providers: Providers
) -> None:
    stage = stage_at(NOON)
    stage.authority = "unreached-town"
    await reach(stage, Role.SOCIAL_WORKER, "nobody@invented.example")
    providers.notify.sends.always = refuses(400, "BadRequestError")
    providers.smtp.recipients.always = refuses(550)
    await stage.begin(scenario(), (fact("reported", 0),))
    await stage.advance_to(NOON + hours(0.01))
    view = await until_told(stage, lambda seen: any("No channel reached" in line.text for line in seen.timeline))
    # One for each notice that was in the message: how many are seen first depends on the moment of looking.
    tasks = {(one["role"], one["state"]) for one in view.tasks if "No message reached" in one["do"]}
    assert tasks == {("duty_manager", "open")}
    assert "Invented" not in f"{view.timeline}", "whom it did not reach is in the directory, not on the timeline"
    # An "ask" wants no answer, and yet its deputy, and the role above, are asked: it reached nobody.
    await stage.advance_to(NOON + hours(1))
    view = await stage.view()
    chased = [(rung, role) for rung, role, _ in told_and_chased(view, "iro_notice")]
    assert chased == [
        ("ask", "social_worker"),
        ("ask_unanswered_1", "social_worker"),
        ("ask_unanswered_2", "team_manager"),
    ]
    key = next(n["key"] for n in view.notices if n["clock"] == "iro_notice" and n["rung"] == "ask")
    task_of = {one["key"]: one["state"] for one in view.tasks if "No message reached" in one["do"]}
    async with stage.store.session() as session:
        person = await person_id(session, stage.authority, Role.SOCIAL_WORKER.value)
    assert person is not None
    reached = Posted(notice=key, person=person, role=Role.SOCIAL_WORKER, reached=True, nobody=False)
    await stage.handle.signal("notice_posted", reached)
    view = await until_told(stage, lambda seen: any("was reached after all" in line.text for line in seen.timeline))
    now_of = {one["key"]: one["state"] for one in view.tasks if "No message reached" in one["do"]}
    assert sorted(now_of.values()).count("done") == 1
    assert set(now_of) >= set(task_of)


async def test_one_of_two_who_was_not_reached_is_a_task_and_the_other_still_has_time_to_answer(
    stage_at: StageAt,
) -> None:
    stage = stage_at(NOON)
    view = await live(stage, 0.1, fact("reported", 0))
    key = next(n["key"] for n in view.notices if n["clock"] == "iro_notice" and n["rung"] == "ask")
    one = Posted(notice=key, person="p-1", role=Role.SOCIAL_WORKER, reached=False, nobody=False)
    for _ in range(5):
        await stage.handle.signal("notice_posted", one)
    view = await until_told(stage, lambda seen: any("No channel reached" in line.text for line in seen.timeline))
    assert sum("No channel reached" in line.text for line in view.timeline) == 1
    assert sum("No message reached" in task["do"] for task in view.tasks) == 1
    assert [rung for rung, _, _ in told_and_chased(view, "iro_notice")] == ["ask"]


async def hold(stage: Stage, name: str, since: str | None, until: str | None) -> None:
    async with stage.store.session() as session:
        await put_person(session, stage.authority, PersonEntry(reference=name, name=name))
        person = await person_id(session, stage.authority, name)
        moments = {"since": parse_instant(since) if since else None, "until": parse_instant(until) if until else None}
        held = {"authority": stage.authority, "role": Role.TEAM_MANAGER.value, "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, {**held, **moments, "person_id": person})


def told_by_name(view: EpisodeView, clock: str) -> list[tuple[str, list[str]]]:
    return [
        (n["rung"], sorted(one["name"] for one in view.recipients if one["notice"] == n["key"]))
        for n in view.notices
        if n["clock"] == clock and n["role"] in ("team_manager", "service_manager")
    ]


@pytest.mark.parametrize(
    ("begins", "change"),
    [
        # The hour that is lived through twice, the one that is not there, and a plain Wednesday.
        ("2026-10-24T12:30:00+01:00", "2026-10-25T01:30:00+01:00"),
        ("2026-10-24T13:30:00+01:00", "2026-10-25T01:30:00+00:00"),
        ("2026-03-28T12:30:00+00:00", "2026-03-29T02:30:00+01:00"),
        ("2026-06-10T12:30:00+01:00", "2026-06-11T01:30:00+01:00"),
    ],
)
async def test_who_holds_a_role_at_the_very_moment_is_told_even_when_the_clocks_change_then(
    stage_at: StageAt, theatre: Theatre, begins: str, change: str
) -> None:
    """The escalation of a return's missing interview offer falls due at the very moment of the change of managers."""
    at = parse_instant(change)
    stage = theatre.stage(parse_instant(begins))
    stage.authority = f"clocks-{begins[5:10]}-{change[14:16]}{change[-5:-3]}"
    await hold(stage, "early", None, change)
    await hold(stage, "late", change, None)
    returned = at - timedelta(hours=24)
    facts = [fact("reported", 0), fact("returned", 0)]
    moved = tuple(one.model_copy(update={"at": returned, "recorded_at": returned}) for one in facts)
    await stage.begin(scenario(LOOKED_AFTER), moved)
    await stage.advance_to(at + timedelta(minutes=1))
    told = dict(told_by_name(await stage.view(), "rhi_offer"))
    assert told["escalate"] == ["late"]


async def test_a_directory_that_changes_in_mid_climb_moves_what_comes_after_and_nothing_before(
    stage_at: StageAt,
) -> None:
    stage = stage_at(NOON)
    stage.authority = "changing-town"
    await hold(stage, "first", None, None)
    await stage.begin(scenario(), (fact("reported", 0), fact("returned", 0)))
    await stage.advance_to(NOON + hours(24.1))
    view = await stage.view()
    assert dict(told_by_name(view, "rhi_offer")) == {"escalate": ["first"]}
    async with stage.store.session() as session:
        service = PersonEntry(reference="service", name="service", deputies="")
        await put_person(session, stage.authority, service)
        person = await person_id(session, stage.authority, "service")
        held = {"authority": stage.authority, "role": "service_manager", "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, {**held, "since": None, "until": None, "person_id": person})
    await stage.advance_to(NOON + hours(33))
    told = dict(told_by_name(await stage.view(), "rhi_offer"))
    assert told["escalate"] == ["first"]
    assert told["escalate_unanswered_2"] == ["service"]
