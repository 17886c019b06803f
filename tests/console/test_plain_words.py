"""No page of the console speaks the machine's language: no id, no name of a field, no rule's own word, for any role."""

import re
from html import unescape
from io import BytesIO
from uuid import uuid4

import pytest
from pypdf import PdfReader

from activities.store import Store, audit
from activities.store.directory import PersonEntry, put_person
from activities.store.statements import upsert
from activities.store.tables import TimelineTable
from starter.access import AccessRole, Permission
from starter.child_records import FORMS, read_form, record_version
from starter.console.allowed import ROLE_NAMES, may_not_in_words
from starter.console.asking import ConsoleRoute
from starter.console.episode.kinds import OWN_PAGES
from starter.referrals import referral_id
from tests.api.callers import HERE, Service, principal
from tests.api.test_access import everything
from tests.api.town import NOW, holds, task, told
from tests.console.absences import absence, ago
from tests.console.test_audit import entry
from tests.console.test_operations import trouble
from tests.workflows.builders import CHILD, calendar, fact, pack
from workflows.clocks import plan
from workflows.fact_kinds import FACTS, FactKind
from workflows.facts import Fact
from workflows.names import UNRETURNED_DUTY
from workflows.progress import Timeline

OTHER = "9c2f6a0e-1111-4222-8333-444455556666"
KEPT = {
    "placement": {"placed_on": "2026-01-02", "setting": "foster", "out_of_area": False},
    "photographs": {"face_on": "2026-01-02"},
}
PROVIDER = "Invented Interviews"
UUID_LIKE = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]+\b")
SNAKE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
NAMED_BY_ID = re.compile(r"\b(?:iro|rhi)\b")
FOR_THE_FILES = re.compile(r'<(pre|code|\w+ class="[^"]*(?:hw-id|hw-data)[^"]*").*?</(?:pre|code|span|dd|th|td)>', re.S)
"""What is shown on purpose as files, commands and other systems have it."""


def of_every_kind(others: dict[str, str]) -> list[Fact]:
    """A fact of each kind that people record, with each of its details."""
    named = {"clock": "iro_notice", "rule": "repeated", "task": "iro_notice", "person": "W1", "policy": "homeward"}
    named |= {"version": "2026.3", "authorised_by": "W1", **others}
    found: list[Fact] = []
    for place, kind in enumerate(FactKind):
        if kind in OWN_PAGES or kind in (FactKind.RECORDED_IN_ERROR, FactKind.DIED):
            continue
        details: dict[str, str] = {}
        for name, detail in FACTS[kind].details.items():
            by_form = {"day": "2026-06-01", "instant": "2026-06-11T09:00:00Z", "many": ",".join(detail.choices[:2])}
            words = named.get(name, f"Invented words {place}")
            details[name] = by_form.get(detail.form) or (detail.choices[-1] if detail.choices else words)
        found.append(fact(f"{kind.value} {ago(30 - place / 10)} {uuid4()}", **details))
    return found


async def town_of_everything(store: Store) -> dict[str, str]:
    """An absence with all that can be on its pages, and what else there can be; what stands in addresses."""
    async with store.session() as session:
        await put_person(session, HERE, PersonEntry(reference="W1", name="Invented Worker"))
    await holds(store, "W1", "social_worker", "INV-1")
    facts = of_every_kind({"episode": OTHER, "interview": OTHER, "action": OTHER, "to": PROVIDER})
    first = facts[0]
    again = first.model_copy(update={"id": str(uuid4()), "replaces": first.id, "known_to": "day"})
    mine = await absence(store, *facts, again)
    await write_timeline(store, mine, [*facts, again])
    await task(store, mine, "iro_notice", do="Tell the independent reviewing officer", holder="W1")
    await task(
        store,
        mine,
        f"{UNRETURNED_DUTY}{OTHER}",
        clock=None,
        do=f"Episode {OTHER} of the same child has no return recorded: record it",
    )
    await told(store, mine, "W1", "visit")
    async with store.session() as session:
        for kind in FORMS:
            await record_version(session, HERE, "INV-1", read_form(kind, KEPT.get(kind, {})), by="W1", now=NOW)
        for one in (entry(30, name="Invented One", subjects=(mine, OTHER)), entry(10, outcome="refused")):
            await audit.append(session, one)
    await trouble(store)
    handed = await absence(store, *(one for one in facts if one.kind in (FactKind.REPORTED, FactKind.REFERRED)))
    return {
        "episode_id": mine,
        "duty": "iro_notice",
        "fact_id": first.id,
        "clock": "parent_notice",
        "kind": "told",
        "record_kind": "photographs",
        "name": "homeward",
        "deed": "reconcile",
        "referral_id": referral_id(handed, PROVIDER),
        "answer": "offered",
    }


async def write_timeline(store: Store, episode: str, facts: list[Fact]) -> None:
    """Lines of each kind, as workflows write them."""
    lines = Timeline()
    for one in facts:
        lines.add_fact(one, NOW)
    for clock in plan(facts, CHILD, pack(), calendar(), NOW):
        lines.add_clock(None, clock, NOW)
    late = {"clock": "iro_notice", "rung": "ask", "role": "social_worker"}
    spoken_for = "Independent reviewing officer told: 'ask' passed before this was known; a later step speaks for it"
    lines.add("passed_over", NOW, NOW, spoken_for, **late)
    kept_from = "Independent reviewing officer told: 'ask' does not go to the social worker, who is not to be told"
    lines.add("passed_over", NOW, NOW, kept_from, **late)
    other = f"Another episode of this child: {OTHER} (recorded_in_error, its interview still owed)"
    lines.add("earlier_episode", NOW, NOW, other)
    not_told = f"Episode {OTHER} could not be told that the child is missing again"
    lines.add("earlier_episode", NOW, NOW, not_told)
    lines.add("rules", NOW, NOW, "Policy homeward 2026.3, calendar england 2026-11")
    lines.add("status", NOW, NOW, "Episode: missing")
    lines.add("told", NOW, NOW, "No channel reached the social worker", role="social_worker")
    async with store.session() as session:
        for line in lines.entries:
            row = {"episode_id": episode, "number": line.number, "at": line.at, "recorded_at": line.recorded_at}
            await upsert(session, TimelineTable, row | {"body": line.model_dump(mode="json")})


def words_of(html: str) -> str:
    """What is read on a page, but for what is there for files and other systems."""
    shown = re.sub(r'<details[^>]* id="as-written".*?</details>', " ", html, flags=re.S)
    shown = re.sub(r"<(script|style|head|svg)\b.*?</\1>", " ", shown, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", FOR_THE_FILES.sub(" ", shown))))


def machine_words(words: str) -> list[str]:
    """Ids, and names that no person would say."""
    return sorted({found for one in (UUID_LIKE, SNAKE, NAMED_BY_ID) for found in one.findall(words)})


def addresses(path: str, known: dict[str, str]) -> list[str]:
    """A page's addresses: of a form of any kind, one of each kind."""
    named = re.sub(r"{(\w+)[^}]*}", lambda name: known.get(name[1], f"{{{name[1]}}}"), path)
    kinds = [kind for kind in FactKind if kind not in OWN_PAGES]
    return [named.replace("{kind}", kind) for kind in kinds] if "{kind}" in named else [named]


@pytest.mark.parametrize("role", AccessRole)
async def test_no_page_speaks_the_machines_language(service_then: Service, role: AccessRole) -> None:
    known = await town_of_everything(service_then.store)
    pages = [
        one for one in everything(service_then.app) if isinstance(one, ConsoleRoute) and "GET" in (one.methods or ())
    ]
    wanted = [one for route in pages for one in addresses(route.path, known) if not one.endswith((".pdf", "/changes"))]
    found: dict[str, list[str]] = {}
    shown = 0
    async with service_then.caller(role, name="Invented Worker", person="W1", provider=PROVIDER) as client:
        for path in wanted:
            answer = await client.get(path)
            shown += answer.status_code == 200
            words = machine_words(words_of(answer.text))
            # What stands still has no other name: an operator may know no child.
            if words and not (path == "/operations" and not any(map(SNAKE.match, words))):
                found[path] = words
    assert not found
    assert shown >= 4, "its own pages were among them"


TIMELINE = (
    "Independent reviewing officer told: the notice “The independent reviewing officer is to be told” was not sent, "
    "since its time had passed before this was known; a later one speaks for it",
    "Independent reviewing officer told: the notice “The independent reviewing officer is to be told” does not go to "
    "the social worker, who is not to be told",
    "Another record of this child: another absence (recorded in error, its interview still owed)",
    "It could not be noted on another absence that the child is missing again",
    "The policy is “Homeward default policy for England”, version 2026.3; working days by the calendar of England",
    "The child now counts as: missing",
    "Last seen, known to the day only, in place of last seen, ",
    "Plan for the child's return: done late, due ",
    "Decided: held back (“Independent reviewing officer told”)",
    "Told Who was told: Administrator",
)


async def test_a_timeline_says_what_happened_and_not_how_the_engine_notes_it(service_then: Service) -> None:
    known = await town_of_everything(service_then.store)
    async with service_then.caller(AccessRole.MANAGER, person="W1") as client:
        words = words_of((await client.get(f"/episodes/{known['episode_id']}/timeline")).text)
        paper = await client.get(f"/episodes/{known['episode_id']}/chronology.pdf")
    for line in TIMELINE:
        assert line in words, line
    printed = " ".join(one.extract_text() for one in PdfReader(BytesIO(paper.content)).pages)
    assert machine_words(printed) == []


async def test_a_task_about_an_absence_that_is_not_here_names_it_by_no_id(service_then: Service) -> None:
    known = await town_of_everything(service_then.store)
    async with service_then.caller(AccessRole.MANAGER, person="W1") as client:
        page = (await client.get(f"/episodes/{known['episode_id']}/tasks/{UNRETURNED_DUTY}{OTHER}")).text
    assert "No return is recorded for another absence of the same child: record it" in words_of(page)


async def test_whoever_may_not_is_told_whose_it_is_and_what_they_are(one_service: Service) -> None:
    async with one_service.caller(AccessRole.OPERATOR, AccessRole.AUDITOR) as client:
        words = words_of((await client.get("/episodes")).text)
        account = words_of((await client.get("/account")).text)
    expected = "practitioners, managers, leaders, independent reviewing officers and duty desks"
    assert f"“See children's absences” is for {expected}. You are signed in as: operator and auditor." in words
    assert "Operator and auditor" in account


@pytest.mark.parametrize("permission", Permission)
def test_every_permission_is_somebodys_in_words(permission: Permission) -> None:
    assert set(ROLE_NAMES) == set(AccessRole)
    assert machine_words(may_not_in_words(principal(AccessRole.OPERATOR), permission)) == []
