"""Forms: each mistake by its field; one absence told by several is one episode; what is not sure waits for a person."""

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from activities.store import Store
from activities.store.tables import InboxTable
from starter.access import AccessRole, Principal
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands
from starter.intake.forms.kinds import FORMS, form_of
from starter.intake.forms.reading import check_possible
from starter.intake.forms.taking import FormOutcome, FormsIn
from tests.workflows.builders import policies
from workflows.facts import Fact
from workflows.instants import parse_instant
from workflows.plain_errors import BadInputError

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "intake"
HOME: dict[str, Any] = json.loads((EXAMPLES / "home-form.json").read_text(encoding="utf-8"))
POLICE: dict[str, Any] = json.loads((EXAMPLES / "police-form.json").read_text(encoding="utf-8"))
WHOLE = {"home": HOME, "police": POLICE}


def changed(form: dict[str, Any], /, **changes: Any) -> dict[str, Any]:
    """The form with fields set, by their paths with '__' between steps; None takes a field away."""
    made = deepcopy(form)
    for path, value in changes.items():
        *steps, last = path.split("__")
        place = made
        for step in steps:
            place = place[step]
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return made


async def no_engine() -> Episodes:
    raise EngineSilentError("the engine does not answer")


def sender(*roles: AccessRole, authority: str = "local") -> Principal:
    return Principal(id="s", name="Invented", kind="person", authority=authority, roles=frozenset(roles))


async def take(
    store: Store, data: dict[str, Any], authority: str = "local", *, role: AccessRole = AccessRole.DUTY, **how: Any
) -> FormOutcome:
    commands = Commands(store, policies(), authority, no_engine, said_by=str(role))
    forms = FormsIn(store, commands, sender(role, authority=authority))
    return await forms.take_in(form_of(data["form"]).read(data), NOW, **how)


async def inbox(store: Store) -> list[InboxTable]:
    async with store.session() as session:
        return list((await session.scalars(select(InboxTable).order_by(InboxTable.received_at, InboxTable.id))).all())


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("home", {"homme": {}}, "homme: there is no such field; did you mean 'home'?"),
        ("home", {"child__nmae": "x"}, "child.nmae: there is no such field"),
        ("home", {"child__reference": None}, "child.reference: must be given"),
        ("home", {"child__looked_after": "yes"}, "child.looked_after: must be true or false"),
        ("home", {"home__kind": "house"}, "home.kind: 'house' is unknown; use one of children_home"),
        ("home", {"last_seen__at": "2026-11-23"}, "last_seen.at: must be a date and time with an offset"),
        ("home", {"last_seen__at": "2026-11-25T10:00:00Z"}, "last_seen.at: this time lies in the future"),
        ("home", {"contacted": [{"at": "2026-11-23T20:20:00Z", "to": "dog"}]}, "contacted[0].to: 'dog' is unknown"),
        (
            "home",
            {"told": [{"at": "2026-11-23T20:20:00Z", "role": "police"}]},
            "told[0].role: that the police were told",
        ),
        ("home", {"reference": " "}, "reference: "),
        (
            "home",
            {"last_seen": None, "noticed": None, "police_told": None, "authority_told": None},
            "last_seen: must be given, or noticed",
        ),
        (
            "home",
            {"came_back": {"at": "2026-11-23T18:00:00Z"}},
            "last_seen.at: found on Mon 23 Nov 2026 18:00 GMT cannot",
        ),
        ("home", {"child__born": "2026-11-24"}, "last_seen.at: last seen on"),
        ("police", {"refrence": "x"}, "refrence: there is no such field; did you mean 'reference'?"),
        ("police", {"reported_at": None}, "reported_at: must be given"),
        ("police", {"grade__grade": "extreme"}, "grade.grade: 'extreme' is unknown; use one of no_apparent_risk"),
        ("police", {"prevention__outcome": "maybe"}, "prevention.outcome: 'maybe' is unknown; use one of done"),
        ("police", {"last_seen": {"at": "2026-11-24T03:00:00Z"}}, "last_seen.at: found on"),
        ("police", {"form": "home"}, "form: 'home' is unknown; use one of police"),
        ("police", {"located__place": "a\0b"}, "located.place: must be without the character NUL"),
    ],
)
def test_a_mistake_is_named_by_its_field(kind: str, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInputError) as refusal:
        check_possible(FORMS[kind].read(changed(WHOLE[kind], **changes)), "local", NOW)
    assert str(refusal.value).startswith(says)
    assert "\n" not in str(refusal.value)


def test_a_form_must_be_an_object_and_its_kind_one_there_is() -> None:
    with pytest.raises(BadInputError, match="form: must be an object"):
        FORMS["home"].read([])
    with pytest.raises(BadInputError, match="kind: there is no form 'school'; use one of home, police"):
        form_of("school")


@pytest.mark.parametrize("kind", FORMS)
def test_a_forms_schema_names_its_fields_and_refuses_others(kind: str) -> None:
    schema = form_of(kind).schema()
    assert schema["additionalProperties"] is False
    assert set(WHOLE[kind]) <= set(schema["properties"])
    assert "reference" in schema["required"]


async def test_a_homes_form_begins_an_episode_with_all_it_tells(store: Store) -> None:
    outcome = await take(store, HOME)
    assert outcome.state == "begun"
    assert {fact.state for fact in outcome.facts} == {"kept"}
    (item,) = await inbox(store)
    report, facts = item.body["report"], [Fact.model_validate(one) for one in item.body["facts"]]
    assert (
        report["child"] | {"reference": "INVENTED-7", "setting": "children_home", "out_of_area": True}
        == report["child"]
    )
    assert (report["last_seen"], report["reported"]) == ("2026-11-23T19:10:00Z", "2026-11-23T20:40:00Z")
    assert (report["authority_told"], report["police_reference"]) == ("2026-11-23T20:45:00Z", "INV-0123456")
    assert report["answers"]["description"] == "grey hooded top, black trainers"
    assert report["answers"]["reporter"] == "A. Nobody, senior on shift; Invented House; extension 1"
    assert {fact.kind.value for fact in facts} == {"categorised", "observed", "searched", "contact_attempted", "told"}
    assert {(fact.source, fact.recorded_by) for fact in facts} == {("home form", "Invented House")}
    assert next(f.details for f in facts if f.kind == "told") == {
        "role": "parent",
        "channel": "phone",
        "by": "A. Nobody",
    }


async def test_the_forces_form_about_the_same_report_adds_to_the_episode(store: Store) -> None:
    begun = await take(store, HOME)
    added = await take(store, changed(POLICE, reference="inv 0123456"))
    assert (added.state, added.why, added.episode_id) == ("added", "the same police reference", begun.episode_id)
    told = {row.body["kind"]: row.body["details"] for row in await inbox(store) if row.kind == "fact"}
    assert set(told) == {"reported", "located", "returned", "categorised", "risk_assessed", "prevention_check"}
    assert told["risk_assessed"] | {"view": "police", "grade": "medium"} == told["risk_assessed"]
    assert told["categorised"]["view"] == "police"
    assert told["prevention_check"] == {"outcome": "done", "by": "a patrol"}
    assert len([row for row in await inbox(store) if row.kind == "report"]) == 1
    assert added.not_taken_up == ("identity",)


@pytest.mark.parametrize("first", ["home", "police"])
async def test_a_form_sent_again_adds_nothing_and_with_more_in_it_what_is_new(store: Store, first: str) -> None:
    await take(store, WHOLE[first])
    before = len(await inbox(store))
    again = await take(store, WHOLE[first])
    assert (again.state, {fact.state for fact in again.facts}) == ("added", {"there_already"})
    assert again.not_taken_up == ()
    assert len(await inbox(store)) == before
    if first == "home":
        more = await take(store, changed(HOME, came_back={"at": "2026-11-24T02:05:00Z", "by": "B. Nobody"}))
        assert {fact.kind for fact in more.facts if fact.state != "there_already"} == {"located", "returned"}


async def test_a_reference_that_comes_later_is_not_taken_for_what_is_there(store: Store) -> None:
    await take(store, changed(HOME, police_told__reference=None))
    more = await take(store, HOME)
    assert [fact.field for fact in more.facts if fact.state != "there_already"] == ["police_told.at"]


CHILD = {"child__reference": "INVENTED-7"}
OTHER_REFERENCE = {"reference": "INV-OTHER"}


@pytest.mark.parametrize(
    ("home", "police", "state", "why"),
    [
        ({}, {}, "added", "the same police reference"),
        ({}, {"child__reference": "INVENTED-8"}, "needs_a_person", "is another child's"),
        ({}, {"child__born": "2012-01-01"}, "needs_a_person", "has another date of birth"),
        ({"police_told": None}, CHILD, "added", "the same child, and the same absence"),
        ({"police_told__reference": None}, CHILD, "added", "the same child, and the same absence"),
        ({}, {**CHILD, **OTHER_REFERENCE}, "needs_a_person", "has another police reference"),
        ({"police_told": None}, {**CHILD, "child__born": "2012-01-01"}, "needs_a_person", "has another date of birth"),
        ({"police_told": None}, {"child__reference": "INVENTED-8"}, "begun", "no episode of the child"),
        ({"police_told": None}, {}, "needs_a_person", "a child is away who may be the same"),
        ({"police_told": None}, {"child__born": None}, "needs_a_person", "neither number nor date of birth"),
        ({"police_told": None}, {"child__born": "2012-01-01"}, "begun", "no child whom you may see is away"),
        # The child was back before the police were told of what can only be another absence.
        (
            {"police_told": None, "came_back": {"at": "2026-11-23T20:30:00Z"}},
            CHILD,
            "begun",
            "no episode of the child",
        ),
        # Reported two days before the home knew of it: not this absence, yet the child is away by it.
        (
            {"police_told": None},
            {**CHILD, "reported_at": "2026-11-21T20:40:00Z", "grade": None},
            "needs_a_person",
            "is away already",
        ),
    ],
)
async def test_where_the_forces_form_belongs(
    store: Store, home: dict[str, Any], police: dict[str, Any], state: str, why: str
) -> None:
    begun = await take(store, changed(HOME, **home))
    before = len(await inbox(store))
    outcome = await take(store, changed(POLICE, **police))
    assert (outcome.state, why in outcome.why) == (state, True), outcome
    if state == "needs_a_person":
        assert outcome.candidates == (begun.episode_id,)
        assert len(await inbox(store)) == before, "nothing is recorded"
    else:
        assert (outcome.episode_id == begun.episode_id) == (state == "added")


async def test_a_person_says_what_a_form_leaves_open(store: Store) -> None:
    begun = await take(store, changed(HOME, police_told=None))
    assert (await take(store, POLICE)).state == "needs_a_person"
    there = await take(store, POLICE, episode=begun.episode_id)
    assert (there.state, there.why, there.episode_id) == ("added", "a person said so", begun.episode_id)
    new = await take(store, changed(POLICE, reference="INV-2"), new=True)
    assert (new.state, new.episode_id != begun.episode_id) == ("begun", True)
    with pytest.raises(BadInputError, match="not both"):
        await take(store, POLICE, episode=begun.episode_id, new=True)


async def test_another_authoritys_episodes_are_as_if_they_were_not_there(store: Store) -> None:
    begun = await take(store, HOME)
    theirs = await take(store, POLICE, "elsewhere")
    assert theirs.state == "begun"
    with pytest.raises(BadInputError, match="there is no episode"):
        await take(store, POLICE, "elsewhere", episode=begun.episode_id)
    assert (await take(store, HOME, "elsewhere")).episode_id != begun.episode_id


async def test_a_dry_run_records_nothing(store: Store) -> None:
    would = await take(store, HOME, dry_run=True)
    assert (would.state, {fact.state for fact in would.facts}) == ("would_begin", {"new"})
    assert await inbox(store) == []
    await take(store, HOME)
    before = len(await inbox(store))
    assert (await take(store, POLICE, dry_run=True)).state == "would_add"
    assert len(await inbox(store)) == before


async def test_two_forms_at_once_about_one_child_are_one_episode(store: Store) -> None:
    police: Callable[[], dict[str, Any]] = lambda: changed(POLICE, **CHILD)  # noqa: E731
    one, other = await asyncio.gather(take(store, HOME), take(store, police()))
    assert one.episode_id == other.episode_id
    assert {one.state, other.state} == {"begun", "added"}


def test_a_time_is_read_as_it_is_written() -> None:
    form = FORMS["police"].read(changed(POLICE, reported_at="2026-11-23T21:40:00+01:00"))
    assert form.gone[0] == parse_instant("2026-11-23T20:40:00Z")
