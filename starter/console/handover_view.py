"""What the next shift needs to know of an authority's open episodes, as one person may see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from activities.store import inbox
from activities.store.board import (
    OpenEpisode,
    facts_in_force,
    names_of_people,
)
from activities.store.directory import directory_for
from activities.store.handover import (
    NoticeTold,
    SaidOfTask,
    notices_about,
    notices_without_effect,
    said_of_tasks,
    tasks_of_ended_records,
)
from activities.store.steps import Window, first_owed
from activities.store.tasks import TaskView
from starter.console.board_view import (
    MOST_WAITING,
    BoardRow,
    Waiting,
    as_far_as_seen,
    board_rows,
    waiting_reports,
)
from starter.console.kin_words import others_in_duties, said_of_others, tasks_in_words
from starter.console.naming import children_called
from starter.console.next_steps import Holder, Holders, as_seen, holder_of
from starter.console.reading import Reader
from starter.kin_sight import duties_left_out
from starter.sight import hidden_among
from workflows.directory import STANDS_IN
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.names import duty_of, task_key
from workflows.owed import Owed
from workflows.vocabulary import Role

MOST_CHILDREN: Final = 100
MOST_OWING: Final = 200
MOST_LINES: Final = 100
"""As many lines of each kind are on the page; that there are more is said."""

_KNOWN: Final = (FactKind.LAST_SEEN, FactKind.CONTACT_ATTEMPTED, FactKind.REPORTED)


@dataclass(frozen=True)
class AwayNow:
    """A child who is not back: the row of the board, and what is known of where they were seen last, and of whom."""

    row: BoardRow
    last_seen: Fact | None = None
    contact: Fact | None = None
    police: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Step:
    """Something that is owed, who holds it, and who was told of it."""

    episode: OpenEpisode
    owed: Owed
    holder: Holder
    told: tuple[NoticeTold, ...] = ()


@dataclass(frozen=True)
class Steps:
    """What is overdue and what falls due, the earliest first; whether there is more than is here."""

    overdue: tuple[Step, ...]
    due: tuple[Step, ...]
    more: bool


@dataclass(frozen=True)
class TaskLeft:
    """A task of a record that goes on in another or was a mistake; `taken_by` is whoever has taken it, by name."""

    task: TaskView
    taken_by: str | None


@dataclass(frozen=True)
class OnCall:
    """Who is reached for a role now, and who is on call for it next, from when on (UTC)."""

    role: Role
    now: Holder
    next: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True)
class Handover:
    """What one shift tells the next; `begins` and `ends` are the next one's, in UTC.

    `called` says how children are named, by their episodes.
    """

    begins: datetime
    ends: datetime
    away: tuple[AwayNow, ...]
    away_count: int
    steps: Steps
    left: tuple[TaskLeft, ...]
    notices: tuple[NoticeTold, ...]
    said: tuple[SaidOfTask, ...]
    on_call: tuple[OnCall, ...]
    waiting: tuple[Waiting, ...]
    waiting_reports: int
    waiting_facts: int
    hidden: int
    called: Mapping[str, str]
    names: Mapping[str, str]

    def shown(self) -> tuple[str, ...]:
        """The episodes that it shows more of than that they are there."""
        shown = [one.row.id for one in self.away if not one.row.hidden]
        shown += [one.owed.episode_id for one in (*self.steps.overdue, *self.steps.due)]
        shown += [one.episode_id for one in (*self.notices, *self.said)]
        shown += [one.task.episode_id for one in self.left]
        return tuple(dict.fromkeys(shown + [one.episode_id for one in self.waiting if not one.hidden]))


async def read_handover(reader: Reader, hours: int, everything: Sequence[OpenEpisode]) -> Handover:
    """What the next shift of so many hours needs, as whoever reads may see it.

    `everything` is open in their authority, the most pressing first.
    """
    session, authority, now = reader.session, reader.authority, reader.now
    shift = timedelta(hours=hours)
    everything, hidden = await as_far_as_seen(reader, everything)
    seen = {one.episode_id: one for one in everything if one.episode_id not in hidden}
    away = [one for one in everything if one.status.gone]
    late, ahead = await _owed_first(reader, seen, hidden, now + shift)
    of_steps = [seen[one.episode_id] for one in (*late, *ahead)]
    not_back = [one for one in away[:MOST_CHILDREN] if one.episode_id in seen]
    holders = await Holders.read(reader, [*of_steps, *not_back], [*late, *ahead])
    steps = await _steps(reader, seen, holders, late, ahead)
    notices = [one for one in await notices_without_effect(session, authority, MOST_LINES) if one.episode_id in seen]
    said = [one for one in await said_of_tasks(session, authority, now - shift, MOST_LINES) if one.episode_id in seen]
    duties = {one.clock for one in notices} | {one.fact.details["task"] for one in said}
    untold = await duties_left_out(session, reader.principal, duties, now)
    notices = [one for one in notices if one.clock not in untold]
    said = await _in_words(reader, [one for one in said if one.fact.details["task"] not in untold])
    left = await _left(reader)
    kept = await inbox.reports_without_clock(session, authority, now, MOST_WAITING)
    spoken_of = {one.episode.episode_id for one in (*steps.overdue, *steps.due)}
    spoken_of |= {one.episode_id for one in (*notices, *said)} | {one.task.episode_id for one in left}
    told = [notice for step in steps.overdue for notice in step.told]
    return Handover(
        begins=now,
        ends=now + shift,
        away=await _away(reader, away[:MOST_CHILDREN], hidden, holders),
        away_count=len(away),
        steps=steps,
        left=left,
        notices=tuple(notices),
        said=tuple(said),
        on_call=await _on_call(reader, now + shift),
        waiting=await waiting_reports(reader, kept.reports),
        waiting_reports=kept.count,
        waiting_facts=kept.facts,
        hidden=len(hidden),
        called=await children_called(session, authority, sorted(spoken_of)),
        names=await names_of_people(session, authority, _named(said, told)),
    )


async def _in_words(reader: Reader, said: Sequence[SaidOfTask]) -> list[SaidOfTask]:
    """What was done with tasks, each called as people know it."""
    keys = [task_key(one.episode_id, one.fact.details["task"]) for one in said]
    others = await others_in_duties(reader.session, reader.authority, keys)
    return [replace(one, do=said_of_others(one.do, others) if one.do else None) for one in said]


async def _left(reader: Reader) -> tuple[TaskLeft, ...]:
    """What is to be done still of records that no board shows."""
    found = await tasks_of_ended_records(reader.session, reader.authority, MOST_LINES)
    hidden = await hidden_among(reader.session, reader.principal, {one.episode_id for one in found}, reader.now)
    duties = {duty_of(one.key) for one in found}
    untold = await duties_left_out(reader.session, reader.principal, duties, reader.now)
    seen = [one for one in found if one.episode_id not in hidden and duty_of(one.key) not in untold]
    others = await others_in_duties(reader.session, reader.authority, [one.key for one in seen])
    holders = sorted({one.holder for one in seen if one.holder})
    names = await names_of_people(reader.session, reader.authority, holders)
    told = tasks_in_words(seen, others)
    return tuple(TaskLeft(one, names.get(one.holder, one.holder) if one.holder else None) for one in told)


def _named(said: Sequence[SaidOfTask], told: Sequence[NoticeTold]) -> list[str]:
    """The references of people by which they are spoken of."""
    people = {one.answered_by for one in told}
    people |= {name for one in said for name in (one.fact.recorded_by, one.fact.details.get("person"))}
    return sorted(name for name in people if name)


async def _away(
    reader: Reader, episodes: Sequence[OpenEpisode], hidden: frozenset[str], holders: Holders
) -> tuple[AwayNow, ...]:
    rows = await board_rows(reader, episodes, hidden, holders)
    whole = [row.id for row in rows if not row.hidden]
    known = await facts_in_force(reader.session, whole, _KNOWN, reader.now)
    return tuple(AwayNow(row) if row.hidden else _of_child(row, known[row.id]) for row in rows)


def _of_child(row: BoardRow, known: Known) -> AwayNow:
    seen, tried = known.all(FactKind.LAST_SEEN), known.all(FactKind.CONTACT_ATTEMPTED)
    police = tuple(fact for fact in known.all(FactKind.REPORTED) if fact.details.get("police_ref"))
    return AwayNow(row, seen[-1] if seen else None, tried[-1] if tried else None, police)


async def _owed_first(
    reader: Reader, seen: Mapping[str, OpenEpisode], hidden: frozenset[str], ends: datetime
) -> tuple[list[Owed], list[Owed]]:
    """What is overdue, and what falls due before an instant (UTC), the earliest first: one more than is on the page."""
    session, authority, now = reader.session, reader.authority, reader.now
    owing = sorted((one.due, one.episode_id) for one in seen.values() if one.due is not None and one.due < now)
    # What has been overdue longest is owed in one of the episodes that have had something overdue for longest.
    longest = [id for _, id in owing[:MOST_OWING]]
    late = await first_owed(session, authority, Window(None, now, to_the_end=False, among=longest), MOST_LINES + 1)
    ahead = await first_owed(session, authority, Window(now, ends, but=hidden), MOST_LINES + 1)
    # An episode that opened since what is open was read is on the next page.
    ahead = [one for one in ahead if one.episode_id in seen]
    return await as_seen(reader, late), await as_seen(reader, ahead)


async def _steps(
    reader: Reader, seen: Mapping[str, OpenEpisode], holders: Holders, late: Sequence[Owed], ahead: Sequence[Owed]
) -> Steps:
    """What is overdue and what falls due, with who was told of what is overdue."""
    overdue, coming = late[:MOST_LINES], ahead[:MOST_LINES]
    told = await notices_about(reader.session, reader.authority, {_about(one) for one in overdue})

    def step(one: Owed) -> Step:
        episode = seen[one.episode_id]
        return Step(episode, one, holders.of(episode, one), tuple(told.get(_about(one), ())))

    return Steps(
        overdue=tuple(step(one) for one in overdue),
        due=tuple(step(one) for one in coming),
        more=len(late) > MOST_LINES or len(ahead) > MOST_LINES,
    )


def _about(owed: Owed) -> tuple[str, str]:
    return owed.episode_id, owed.clock or ""


async def _on_call(reader: Reader, ends: datetime) -> tuple[OnCall, ...]:
    """Who is reached now and on call next, for each role with a rota, and for those that stand in for all others."""
    now = reader.now
    directory = await directory_for(reader.session, reader.authority, None, Role, now)
    names = {person.id: person.name for person in directory.people}
    rota = {shift.role for shift in directory.shifts if shift.since is None or shift.since <= ends}
    found: list[OnCall] = []
    for role in (one for one in Role if one in rota or one in STANDS_IN):
        later = [one for one in directory.shifts if one.role is role and one.since and now < one.since <= ends]
        next_up = sorted((one.since, names[one.person]) for one in later if one.since)
        found.append(OnCall(role, holder_of(role, directory, now), tuple((name, since) for since, name in next_up)))
    return tuple(found)
