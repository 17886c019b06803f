"""Referrals: a provider sees its own and the least of them; what it answers becomes a fact, once."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store.directory import PersonEntry, add, person_id, put_person
from activities.store.episodes import write_changes
from activities.store.inbox import InboxItem, keep
from activities.store.tables import HoldingTable, InboxTable
from starter.client import EngineSilentError, Episodes, FactRefusedError
from starter.commands import Commands
from starter.referrals import BECOMES, NoSuchReferralError, Referrals, read_answer, referral_id
from tests.store.rows import AUTHORITY, changes
from tests.workflows.builders import CHILD, clocks_at, fact, pack, policies
from workflows.fact_kinds import FactKind
from workflows.facts import Fact
from workflows.plain_errors import BadInputError
from workflows.vocabulary import DELAY_REASONS, EpisodeStatus

NOW = datetime(2026, 6, 12, 12, tzinfo=UTC)
OURS, OTHERS = "Invented Interviews", "Another Provider"
BACK = fact("returned 2026-06-11T08:00:00Z")
HANDED = fact("referred 2026-06-11T09:00:00Z", to=OURS, by="SECRET NAME")
SECRETS = (
    fact("last_seen 2026-06-10T08:00:00Z", place="SECRET PLACE"),
    fact("observed 2026-06-10T08:00:00Z", moment="leaving", clothing="SECRET COAT"),
)


async def silent() -> Episodes:
    raise EngineSilentError("the engine does not answer")


def of(store: Store, provider: str = OURS, authority: str = AUTHORITY, connect: Any = silent) -> Referrals:
    commands = Commands(store, policies(), authority, connect)
    return Referrals(store, policies(), commands, authority, provider)


async def an_episode(
    store: Store, *facts: Fact, episode: str = "e1", status: EpisodeStatus = EpisodeStatus.RETURNED, **child: Any
) -> str:
    """An invented child's episode with these facts, as its workflow writes it; our referral's id."""
    everything = (*SECRETS, *facts)
    row = changes(1).episode.model_copy(update={"episode_id": episode, "status": status, "policy_version": _version()})
    clock = clocks_at("2026-06-12T12:00:00Z", *everything)["rhi"]
    async with store.session() as session:
        turn = changes(1).model_copy(update={"episode": row, "facts": everything, "clocks": (clock,)})
        await write_changes(session, turn)
        body = {"report": {"child": {**CHILD.model_dump(mode="json"), "reference": "SECRET-1", **child}}}
        report = {"id": f"report-of-{episode}", "authority": AUTHORITY, "kind": "report", "episode_id": episode}
        kept = {"digest": episode, "body": body, "state": "applied", "urgency": 0, "received_at": NOW}
        await keep(session, InboxItem.model_validate(report | kept))
    return referral_id(episode, OURS)


def _version() -> str:
    return pack().version


async def test_a_referral_is_the_least_that_an_interviewer_needs(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED, out_of_area=True)
    (listed,) = await of(store).every(NOW)
    assert listed.model_dump(mode="json") == {
        "id": its,
        "episode_id": "e1",
        "handed_over_at": "2026-06-11T09:00:00Z",
        "returned_at": "2026-06-11T08:00:00Z",
        "owed_by": "2026-06-14T08:00:00Z",
        "why": "72 hours after Thu 11 Jun 2026 09:00 BST: Sun 14 Jun 2026 09:00 BST.",
        "out_of_area": True,
        "state": "handed_over",
        "written_up": False,
        "contact": None,
    }
    shown = await of(store).one(its, NOW)
    assert "SECRET" not in shown.model_dump_json() + listed.model_dump_json()


async def test_what_was_extended_and_what_is_known_to_the_day_is_said_without_peoples_words(store: Store) -> None:
    day = fact("returned 2026-06-10T23:00:00Z", known_to="day")
    until = "2026-06-20T12:00:00Z"
    longer = fact(
        "clock_extended 2026-06-12T08:00:00Z", clock="rhi", until=until, reason="SECRET", authorised_by="SECRET"
    )
    its = await an_episode(store, day, HANDED, longer)
    shown = await of(store).one(its, NOW)
    assert shown.why == (
        "72 hours after Thu 11 Jun 2026 00:00 BST (known to the day only): Sun 14 Jun 2026 00:00 BST. "
        "Extended to Sat 20 Jun 2026 13:00 BST."
    )


async def test_nothing_is_owed_while_the_child_is_away(store: Store) -> None:
    its = await an_episode(store, HANDED, status=EpisodeStatus.MISSING)
    shown = await of(store).one(its, NOW)
    assert (shown.returned_at, shown.owed_by) == (None, None)
    assert shown.why.startswith("Nothing is owed yet")


@pytest.mark.parametrize(
    ("facts", "state", "written_up"),
    [
        ((), "handed_over", False),
        (("rhi_offered 2026-06-11T10:00:00Z",), "offered", False),
        (("rhi_offered 2026-06-11T10:00:00Z", "rhi_accepted 2026-06-11T11:00:00Z"), "accepted", False),
        (("rhi_declined 2026-06-11T11:00:00Z",), "declined", False),
        (("rhi_declined 2026-06-11T11:00:00Z", "rhi_accepted 2026-06-11T12:00:00Z"), "accepted", False),
        (("rhi_accepted 2026-06-11T11:00:00Z", "rhi_declined 2026-06-11T12:00:00Z"), "declined", False),
        (("rhi_declined 2026-06-11T11:00:00Z", "rhi_completed 2026-06-11T10:00:00Z"), "done", False),
        (("rhi_completed 2026-06-11T10:00:00Z", "rhi_written_up 2026-06-11T12:00:00Z"), "done", True),
    ],
)
async def test_how_an_interview_stands(store: Store, facts: tuple[str, ...], state: str, written_up: bool) -> None:
    its = await an_episode(store, BACK, HANDED, *(fact(words) for words in facts))
    shown = await of(store).one(its, NOW)
    assert (shown.state, shown.written_up) == (state, written_up)


@pytest.mark.parametrize(
    ("answer", "state"), [("accepted", "accepted"), ("declined", "declined"), ("thinking", "offered")]
)
async def test_an_offer_that_was_answered_at_once_says_so(store: Store, answer: str, state: str) -> None:
    its = await an_episode(store, BACK, HANDED, fact("rhi_offered 2026-06-11T10:00:00Z", answer=answer))
    assert (await of(store).one(its, NOW)).state == state


async def test_anothers_referral_or_none_is_not_there(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED)
    theirs = await an_episode(store, BACK, fact("referred 2026-06-11T09:00:00Z", to=OTHERS), episode="e2")
    nobodys = await an_episode(store, BACK, episode="e3")
    assert [one.id for one in await of(store).every(NOW)] == [its]
    assert [one.episode_id for one in await of(store, OTHERS).every(NOW)] == ["e2"]
    answer = read_answer({"answer": "accepted", "at": "2026-06-12T11:00:00Z"})
    elsewhere = of(store, authority="elsewhere")
    assert await elsewhere.every(NOW) == []
    for asking, referral in (
        (of(store), theirs),
        (of(store), referral_id("e2", OTHERS)),
        (of(store), nobodys),
        (of(store), "e1"),
        (of(store, OTHERS), its),
        (elsewhere, its),
    ):
        with pytest.raises(NoSuchReferralError, match=r"^referral: there is no such referral$"):
            await asking.one(referral, NOW)
        with pytest.raises(NoSuchReferralError):
            await asking.answer(referral, answer, NOW)
    async with store.session() as session:
        assert (await session.scalars(select(InboxTable).where(InboxTable.kind == "fact"))).all() == []


@pytest.mark.parametrize("status", [EpisodeStatus.RECORDED_IN_ERROR, EpisodeStatus.MERGED, EpisodeStatus.DECEASED])
async def test_an_episode_that_was_none_is_no_referral(store: Store, status: EpisodeStatus) -> None:
    await an_episode(store, BACK, HANDED, status=status)
    assert await of(store).every(NOW) == []


async def test_a_referral_that_is_taken_back_is_not_there(store: Store) -> None:
    await an_episode(store, BACK, HANDED, fact("withdrawn 2026-06-11T10:00:00Z", fact=HANDED.id))
    assert await of(store).every(NOW) == []


async def test_whom_to_ask_is_on_record_for_the_authority(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED)
    async with store.session() as session:
        entry = PersonEntry(reference="duty", name="Invented Duty", email="duty@invented.example")
        await put_person(session, AUTHORITY, entry)
        holding = {"authority": AUTHORITY, "role": "duty_team", "scope": "authority", "held_for": ""}
        await add(session, HoldingTable, holding | {"person_id": await person_id(session, AUTHORITY, "duty")})
    contact = (await of(store).one(its, NOW)).contact
    assert contact is not None
    assert (contact.name, contact.role, contact.email) == ("Invented Duty", "duty team", "duty@invented.example")


ANSWERS: dict[str, dict[str, Any]] = {
    "offered": {"channel": "telephone", "to": "the child"},
    "accepted": {},
    "declined": {"declined_by": "child", "reason": "does not want to", "discussed_with": "the carer"},
    "delayed": {"reason": "could_not_reach"},
    "done": {"interviewer": "independent", "channel": "face to face", "place": "at school", "alone": "yes"},
    "written_up": {},
}


@pytest.mark.parametrize("answer", ANSWERS)
async def test_each_answer_becomes_its_fact_once(store: Store, answer: str) -> None:
    its = await an_episode(store, BACK, HANDED)
    said = read_answer({"answer": answer, "at": "2026-06-12T11:00:00Z", **ANSWERS[answer]})
    first = await of(store).answer(its, said, NOW)
    again = await of(store).answer(its, said, NOW)
    assert (first.state, first.again, first.episode_id) == ("kept", False, "e1")
    assert (again.id, again.again) == (first.id, True)
    async with store.session() as session:
        (kept,) = (await session.scalars(select(InboxTable).where(InboxTable.kind == "fact"))).all()
    written = Fact.model_validate(kept.body)
    assert (written.kind, written.source, written.recorded_by) == (BECOMES[answer], "interview provider", OURS)
    assert written.details == {**ANSWERS[answer], "by": OURS}
    if answer in ("offered", "accepted", "declined", "done"):
        assert (await of(store).one(its, NOW)).state == answer, "what waits for the engine counts"


async def test_a_key_stands_for_one_answer(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED)
    offered = read_answer({"answer": "offered", "at": "2026-06-12T11:00:00Z"})
    first = await of(store).answer(its, offered, NOW, key="k1")
    assert (await of(store).answer(its, offered, NOW, key="k1")).id == first.id
    assert (await of(store).answer(its, offered, NOW, key="k2")).id != first.id
    with pytest.raises(BadInputError, match=r"^key: "):
        await of(store).answer(its, read_answer({"answer": "accepted", "at": "2026-06-12T11:00:00Z"}), NOW, key="k1")


async def test_what_the_episode_refuses_is_refused(store: Store) -> None:
    class Refuses:
        async def record(self, *_: object) -> None:
            raise FactRefusedError("at: cannot be")

    async def connect() -> Any:
        return Refuses()

    its = await an_episode(store, BACK, HANDED)
    outcome = await of(store, connect=connect).answer(
        its, read_answer({"answer": "accepted", "at": "2026-06-12T11:00:00Z"}), NOW
    )
    assert (outcome.state, outcome.reason) == ("refused", "at: cannot be")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "answer: must be one of offered"),
        ({"answer": "lost", "at": "2026-06-12T11:00:00Z"}, "answer: must be one of offered"),
        ({"answer": "accepted"}, "at: must be given"),
        ({"answer": "accepted", "at": "yesterday"}, "at: must be a date and time with an offset"),
        ({"answer": "accepted", "at": "2026-06-12T11:00:00Z", "note": "x"}, "note: there is no such field"),
        (
            {"answer": "declined", "at": "2026-06-12T11:00:00Z", "declined_by": "child", "reason": "x"},
            "discussed_with: ",
        ),
        (
            {"answer": "delayed", "at": "2026-06-12T11:00:00Z", "reason": "x"},
            f"reason: 'x' is unknown; use one of {DELAY_REASONS[0]}",
        ),
        (
            {"answer": "done", "at": "2026-06-12T11:00:00Z", "interviewer": "dog", "channel": "x"},
            "interviewer: 'dog' is",
        ),
        ({"answer": "accepted", "at": "2026-06-12T11:00:00Z", "by": "a\0"}, "by: must be without the character NUL"),
    ],
)
def test_an_answer_that_cannot_be_used_names_the_field(said: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        read_answer(said)
    assert str(refusal.value).startswith(says)


async def test_an_answer_of_the_future_is_refused(store: Store) -> None:
    its = await an_episode(store, BACK, HANDED)
    with pytest.raises(BadInputError, match=r"^at: this time lies in the future"):
        await of(store).answer(its, read_answer({"answer": "accepted", "at": "2026-06-12T13:00:00Z"}), NOW)


def test_every_answer_is_a_fact_about_the_interview() -> None:
    assert all(kind.value.startswith("rhi_") for kind in BECOMES.values())
    assert FactKind.REFERRED not in BECOMES.values()
