"""The board as one person sees it: which children, in which order, what is owed next and who holds it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from activities.store import inbox
from activities.store.board import OpenEpisode, facts_in_force, grades_said, hosted_among
from activities.store.closeness import close_to_open
from activities.store.episode_search import NEVER
from activities.store.restricting import waiting_to_be_restricted
from activities.store.statements import batched
from starter.console.board_filters import NOT_ASSESSED, OURS, Filters
from starter.console.naming import children_called
from starter.console.next_steps import Holder, Holders, read_owed
from starter.console.reading import Reader
from starter.console.spoken import WITHOUT_NUMBER, Pressure, child_called, pressure
from starter.sight import asker_of, hidden_among, see_episode
from workflows.fact_kinds import FactKind
from workflows.facts import GONE_BY
from workflows.owed import Owed
from workflows.risk import Assessed, risk_of
from workflows.vocabulary import EpisodeStatus

ROWS: Final = 50
MOST_WAITING: Final = 20
"""As many reports that wait are named; the rest are counted."""

_COUNTED: Final = (EpisodeStatus.MISSING, EpisodeStatus.AWAY, EpisodeStatus.ABSENT, EpisodeStatus.LOCATED)
"""How a child stands who is not back, in the order in which they are counted."""

_IN_FLIGHT: Final = timedelta(seconds=10)
"""A report younger than this may be on its way to the engine still, and nothing is wrong."""


@dataclass(frozen=True)
class BoardRow:
    """A child on the board. Of one that is hidden only `status` is said. Instants are UTC.

    `owed` is all that is owed, the next of it first, with `holder`; `overdue` is how much of it is past its time.
    `only_reported`: since when the child is gone is known by the report alone.
    """

    episode: OpenEpisode
    hidden: bool
    called: str = WITHOUT_NUMBER
    owed: tuple[Owed, ...] = ()
    holder: Holder | None = None
    overdue: int = 0
    risks: tuple[Assessed, ...] = ()
    only_reported: bool = False

    @property
    def id(self) -> str:
        """The episode's id."""
        return self.episode.episode_id

    @property
    def away(self) -> bool:
        """Whether the child is not back yet."""
        return self.episode.status.gone

    @property
    def next(self) -> Owed | None:
        """What is owed next; None when nothing is, or only happens by itself."""
        return next((one for one in self.owed if not one.by_itself), None)

    @property
    def after(self) -> tuple[Owed, ...]:
        """What else is owed, after the next."""
        return tuple(one for one in self.owed if not one.by_itself)[1:]

    @property
    def comes(self) -> Owed | None:
        """What happens next by itself."""
        return next((one for one in self.owed if one.by_itself), None)

    def pressure(self, now: datetime) -> Pressure:
        """How pressing it is at `now` (UTC). A child who is not back is never calm for want of a time."""
        if self.hidden:
            return "none"
        due = self.next.due if self.next else None
        return "soon" if due is None and self.away else pressure(due, now)


@dataclass(frozen=True)
class Waiting:
    """A report that is kept, and for which no clock runs yet. `received_at` is UTC."""

    episode_id: str
    called: str
    hidden: bool
    received_at: datetime


@dataclass(frozen=True)
class Counts:
    """How many of an authority's children stand how, whatever is left out of the board.

    What is overdue and falls due is counted of those of whom whoever reads may see that.
    """

    away: int
    by_status: tuple[tuple[EpisodeStatus, int], ...]
    overdue: int
    soon: int
    open: int


@dataclass(frozen=True)
class Board:
    """The board as somebody sees it at a moment, `now` (UTC)."""

    now: datetime
    counts: Counts
    rows: tuple[BoardRow, ...]
    found: int
    page: int
    teams: tuple[str, ...]
    waiting: tuple[Waiting, ...]
    waiting_reports: int
    waiting_facts: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.found // ROWS))

    @property
    def first(self) -> int:
        """Which child is the first of the page, counted from 1."""
        return (self.page - 1) * ROWS + 1

    def shown(self) -> tuple[str, ...]:
        """The episodes that it shows more of than that they are there."""
        return tuple(
            dict.fromkeys(
                [one.id for one in self.rows if not one.hidden]
                + [one.episode_id for one in self.waiting if not one.hidden]
            )
        )


def pressing(episode: OpenEpisode, now: datetime) -> tuple[bool, bool, datetime, bool, str]:
    """By the time that is left, but that of what is overdue children who are not back come first.

    A child who is not back, and for whom nothing has a time, stands where 'now' does.
    """
    away, due = episode.status.gone, episode.due
    overdue = due is not None and due < now
    return not overdue, overdue and not away, due or (now if away else NEVER), not away, episode.episode_id


async def read_board(reader: Reader, filters: Filters, everything: Sequence[OpenEpisode]) -> Board:
    """The board for whoever reads; `everything` is open in their authority, the most pressing first.

    However many rows there are, the store is asked the same few times.
    """
    session, now = reader.session, reader.now
    everything, hidden = await as_far_as_seen(reader, everything)
    found = [one for one in everything if filters.take(one, now)]
    if filters.about_children:
        found = await _about_children(reader, [one for one in found if one.episode_id not in hidden], filters)
    page = min(filters.page, max(1, -(-len(found) // ROWS)))
    of_page = found[(page - 1) * ROWS : page * ROWS]
    kept = await inbox.reports_without_clock(session, reader.authority, now - _IN_FLIGHT, MOST_WAITING)
    return Board(
        now=now,
        counts=_counts(everything, now),
        rows=await board_rows(reader, of_page, await hidden_of(reader, of_page)),
        found=len(found),
        page=page,
        teams=tuple(sorted({one.team for one in everything if one.team})),
        waiting=await waiting_reports(reader, kept.reports),
        waiting_reports=kept.count,
        waiting_facts=kept.facts,
    )


async def as_far_as_seen(
    reader: Reader, everything: Sequence[OpenEpisode]
) -> tuple[Sequence[OpenEpisode], frozenset[str]]:
    """Open episodes, the most pressing first, as far as whoever reads may know of them; and which are hidden.

    Of a hidden one that is how it stands. So neither its place among the others, nor a filter, nor a count tells when
    something of it falls due, or of which team the child is.
    """
    restricting = await waiting_to_be_restricted(reader.session, reader.authority, reader.now)
    close = [one for one in everything if one.need_to_know or one.episode_id in restricting]
    hidden = await hidden_of(reader, close)
    if not hidden:
        return everything, hidden
    known = [_only_there(one) if one.episode_id in hidden else one for one in everything]
    return sorted(known, key=lambda one: pressing(one, reader.now)), hidden


def _only_there(episode: OpenEpisode) -> OpenEpisode:
    return replace(episode, team=None, missing_since=None, returned_at=None, due=None, soon=False)


async def hidden_of(reader: Reader, episodes: Sequence[OpenEpisode]) -> frozenset[str]:
    """Those of the episodes of which whoever reads may see only that they are there."""
    found: set[str] = set()
    # Whether a child is need to know is asked of the store, not of what was read before.
    for some in batched([one.episode_id for one in episodes]):
        found |= await hidden_among(reader.session, reader.principal, some, reader.now)
    return frozenset(found)


async def board_rows(
    reader: Reader, episodes: Sequence[OpenEpisode], hidden: frozenset[str], known: Holders | None = None
) -> tuple[BoardRow, ...]:
    """These episodes as rows, in their order; of those that are hidden no more than how they stand.

    `known`: who holds what, as far as it was read for others on the page.
    """
    session, now = reader.session, reader.now
    whole = [one for one in episodes if one.episode_id not in hidden]
    ids = [one.episode_id for one in whole]
    owed = await read_owed(reader, ids)
    holders = await Holders.read(reader, whole, [one for those in owed.values() for one in those[:1]], known=known)
    facts = await facts_in_force(session, ids, (FactKind.RISK_ASSESSED, *GONE_BY), now)
    called = await children_called(session, reader.authority, ids)

    def row(episode: OpenEpisode) -> BoardRow:
        id = episode.episode_id
        if id in hidden:
            return BoardRow(episode, hidden=True)
        return BoardRow(
            episode,
            hidden=False,
            called=called[id],
            owed=tuple(owed[id]),
            holder=holders.of(episode, owed[id][0]) if owed[id] else None,
            overdue=sum(not one.by_itself and one.due is not None and one.due < now for one in owed[id]),
            risks=risk_of(facts[id]),
            only_reported=facts[id].only_reported(),
        )

    return tuple(row(episode) for episode in episodes)


async def _about_children(reader: Reader, found: Sequence[OpenEpisode], filters: Filters) -> list[OpenEpisode]:
    """Those that fit what is asked for of children; none of them is hidden: else that would tell it."""
    session, now = reader.session, reader.now
    kept = [one for one in found if filters.team in ("", one.team)]
    if filters.mine:
        mine = await close_to_open(session, asker_of(reader.principal), now)
        kept = [one for one in kept if one.episode_id in mine]
    if filters.risk:
        at_risk = await _of_grade(reader, [one.episode_id for one in kept], filters.risk)
        kept = [one for one in kept if one.episode_id in at_risk]
    if filters.authority:
        others = await hosted_among(session, reader.authority, [one.episode_id for one in kept], now)
        kept = [one for one in kept if (one.episode_id in others) is (filters.authority != OURS)]
    return kept


async def _of_grade(reader: Reader, ids: Sequence[str], wanted: str) -> set[str]:
    """Those of these episodes in which an assessment of risk came to that grade and is in force, or none did.

    What facts say is read only where they could say it.
    """
    graded = await grades_said(reader.session, reader.authority, reader.now)
    none = wanted == NOT_ASSESSED
    found = {id for id in ids if none and id not in graded}
    doubtful = [id for id in ids if (None if none else wanted) in graded.get(id, ())]
    facts = await facts_in_force(reader.session, doubtful, (FactKind.RISK_ASSESSED,), reader.now)
    for id, known in facts.items():
        if wanted in ({one.grade or NOT_ASSESSED for one in risk_of(known)} or {NOT_ASSESSED}):
            found.add(id)
    return found


def _counts(everything: Sequence[OpenEpisode], now: datetime) -> Counts:
    standing = Counter(one.status for one in everything)
    by_status = tuple((status, standing[status]) for status in _COUNTED if standing[status])
    return Counts(
        away=sum(count for _, count in by_status),
        by_status=by_status,
        overdue=sum(one.due is not None and one.due < now for one in everything),
        soon=sum(one.soon for one in everything),
        open=len(everything),
    )


async def waiting_reports(reader: Reader, kept: Sequence[inbox.InboxItem]) -> tuple[Waiting, ...]:
    """Reports for which no clock runs, as whoever reads may see them."""
    found: list[Waiting] = []
    for item in kept:
        seen = await see_episode(reader.session, reader.principal, item.episode_id, reader.now)
        hidden = seen.sight != "whole"
        report = item.body["report"]
        called = child_called(report["child"].get("reference"), report.get("answers", {}).get("identity"))
        found.append(Waiting(item.episode_id, "" if hidden else called, hidden, item.received_at))
    return tuple(found)
