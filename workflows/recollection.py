"""What an episode knew, put together again: from its rows when the engine has lost it, and its notices from itself.

Rows hold all that was decided, but for the moments between: when exactly a
notice was decided is taken to be when it lay in the tray, and a clock counts as
known since its first line on the timeline. Both only ever let a step that fell
due meanwhile be taken, and none be taken twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from workflows.chasing import TASK_OVERDUE, UNANSWERED, ChaseStep, times_of
from workflows.clocks import Clock
from workflows.contracts import Carried, EpisodeChanges, EpisodeInput, NoticeOrder, Rules, TaskRow, TimelineEntry
from workflows.facts import Known
from workflows.instants import Instant
from workflows.ladders import Aware, Climb, DueRung, rung_time
from workflows.names import notice_key, task_key
from workflows.orders import chase_order, correction_order, notice_order, return_order
from workflows.policy import Pack
from workflows.policy_rules import Rung
from workflows.progress import episode_row
from workflows.telling import RETURN_NOTICE, SentNotice, ToldBack, back_in_force
from workflows.vocabulary import EpisodeStatus, Role

_CORRECTED = "_corrected"
_LIFTED = "_lifted"
_BACK = "back"
_BACK_WITHDRAWN = "back_withdrawn"


class NoticeInTray(BaseModel):
    """A notice as its row and its recipients' have it. Instants are UTC.

    `of_absence` is None where nobody of the directory was told.
    """

    model_config = ConfigDict(frozen=True)
    key: str
    clock: str
    rung: str
    role: Role
    needs_ack: bool
    escalates: bool
    sent_at: Instant
    of_absence: bool | None = None
    undelivered_at: Instant | None = None

    @property
    def times(self) -> int:
        """Which climb of its rung it was."""
        return int(self.key.split("/")[3])


class InRows(BaseModel):
    """All that the rows hold of an episode, but for its facts."""

    model_config = ConfigDict(frozen=True)
    turn: int
    status: EpisodeStatus
    clocks: tuple[Clock, ...]
    tasks: tuple[TaskRow, ...]
    timeline: tuple[TimelineEntry, ...]
    notices: tuple[NoticeInTray, ...]
    facts: int


def carried_from_rows(start: EpisodeInput, rows: InRows, rules: Rules) -> Carried:
    """What an episode that the engine has lost goes on with. The facts of `start` begin with those of the rows."""
    return Carried(
        rules=rules,
        turn=rows.turn,
        climbs=tuple(_climbs(rows, rules.pack)),
        aware=_aware(rows),
        clocks=rows.clocks,
        tasks=rows.tasks,
        timeline=rows.timeline,
        refusals=tuple(line.text for line in rows.timeline if line.kind == "refused"),
        status=rows.status,
        looked_up=True,
        looked_at_directory=True,
        sent=tuple(_sent(start, rows)),
        told_back=tuple(_told_back(rows.notices)),
        written_entries=len(rows.timeline),
        written_facts=rows.facts,
    )


def _aware(rows: InRows) -> dict[str, Aware]:
    first: dict[str, datetime] = {}
    for line in rows.timeline:
        if line.kind == "state" and line.clock:
            first.setdefault(line.clock, line.recorded_at)
    return {
        clock.id: Aware(due=clock.due, since=first[clock.id])
        for clock in rows.clocks
        if clock.due and clock.id in first
    }


def _climbs(rows: InRows, pack: Pack) -> Iterable[Climb]:
    """The last climb of each rung: by its last notice, or by the line that says it was passed over."""
    keys = {notice.key for notice in rows.notices}
    climbs: dict[tuple[str, str], Climb] = {}
    steps = [(notice.sent_at, notice) for notice in rows.notices if _rung(pack, notice.clock, notice.rung)]
    passed = [(line.recorded_at, line) for line in rows.timeline if line.kind == "passed_over"]
    for at, step in sorted([*steps, *passed], key=lambda one: one[0]):
        if step.clock is None or step.rung is None:
            continue
        before = climbs.get((step.clock, step.rung))
        if isinstance(step, NoticeInTray):
            climb = Climb(clock=step.clock, rung=step.rung, at=at, times=step.times)
            climb = climb.model_copy(update={"corrected": _with_rung(step, _CORRECTED) in keys})
        else:
            times = before.times + 1 if before else 1
            climb = Climb(clock=step.clock, rung=step.rung, at=at, times=times, passed_over=True)
        climbs[step.clock, step.rung] = climb
    return climbs.values()


def _rung(pack: Pack, clock: str, rung: str) -> Rung | None:
    rule = pack.clocks.get(clock)
    return next((one for one in rule.ladder if one.rung == rung), None) if rule else None


def _with_rung(notice: NoticeInTray | SentNotice, suffix: str) -> str:
    """The key of the notice that speaks of another one."""
    episode, clock, rung, times, role = notice.key.split("/")
    return notice_key(episode, clock, f"{rung}{suffix}", int(times), role)


def _sent(start: EpisodeInput, rows: InRows) -> Iterable[SentNotice]:
    """The notices by which somebody was told of something, without those that speak of other notices."""
    keys = {notice.key for notice in rows.notices}
    lifted_at = _lifted_at(rows.notices)
    for notice in sorted(rows.notices, key=lambda one: (one.sent_at, one.key)):
        if notice.clock == RETURN_NOTICE or notice.rung.endswith((_CORRECTED, _LIFTED)):
            continue
        away = notice.of_absence
        asked_much, lifted = notice.needs_ack or notice.escalates, lifted_at.get((notice.clock, notice.role))
        yield SentNotice(
            key=notice.key,
            clock=notice.clock,
            rung=notice.rung,
            role=notice.role,
            at=notice.sent_at,
            of_absence=back_in_force(Known(start.facts, notice.sent_at)) is None if away is None else away,
            asked_much=asked_much,
            corrected=_with_rung(notice, _CORRECTED) in keys,
            undelivered_at=notice.undelivered_at,
            lifted=asked_much and lifted is not None and notice.sent_at <= lifted,
        )


def _lifted_at(notices: Iterable[NoticeInTray]) -> Mapping[tuple[str, Role], datetime]:
    lifted = [notice for notice in notices if notice.rung.endswith(_LIFTED)]
    return {(one.clock, one.role): one.sent_at for one in sorted(lifted, key=lambda one: one.sent_at)}


def _told_back(notices: Iterable[NoticeInTray]) -> Iterable[ToldBack]:
    told: dict[Role, ToldBack] = {}
    # Of two with one number, that the return was withdrawn comes after that of the return.
    for notice in sorted((one for one in notices if one.clock == RETURN_NOTICE), key=lambda one: (one.times, one.rung)):
        told[notice.role] = ToldBack(role=notice.role, times=notice.times, stands=notice.rung == _BACK)
    return told.values()


def closing_changes(knows: EpisodeInput, clocks_there: Sequence[str]) -> EpisodeChanges:
    """All that a closed episode knew last, as its last turn; `clocks_there` are the ids of the clocks in the rows.

    Raises ValueError for an episode that has not begun to know.
    """
    carried = knows.carried
    if carried is None:
        raise ValueError("the episode knows nothing yet")
    closed_at = carried.timeline[-1].recorded_at
    kept = {clock.id for clock in carried.clocks}
    return EpisodeChanges(
        turn=carried.turn,
        written_at=closed_at,
        episode=episode_row(knows, carried.rules, Known(knows.facts, closed_at), carried.status, None),
        facts=knows.facts,
        clocks=carried.clocks,
        dropped_clocks=tuple(one for one in clocks_there if one not in kept),
        timeline=carried.timeline,
        tasks=carried.tasks,
    )


# What an episode has told, by itself ----------------------------------------------------------------------------


class NoticeAgain(NamedTuple):
    """A notice that was decided and is to be written again; `stands`: what it asks for is still to be done."""

    order: NoticeOrder
    stands: bool


def notices_sent(knows: EpisodeInput) -> set[str]:
    """The keys of the notices that an episode has sent: of clocks, of chases, of the return, and corrections."""
    carried = knows.carried
    if carried is None:
        return set()
    keys = {notice.key for notice in carried.sent}
    if carried.rules.pack.correction_notice:
        keys |= {_with_rung(notice, _CORRECTED) for notice in carried.sent if notice.corrected}
    if carried.rules.pack.return_notice:
        episode = knows.episode_id
        for told in carried.told_back:
            keys.add(notice_key(episode, RETURN_NOTICE, _BACK, told.times, told.role))
            if not told.stands and carried.rules.pack.correction_notice:
                keys.add(notice_key(episode, RETURN_NOTICE, _BACK_WITHDRAWN, told.times, told.role))
    return keys


def notices_again(knows: EpisodeInput, keys: Iterable[str], now: datetime) -> list[NoticeAgain]:
    """Those of these notices of an episode, as they were ordered. `now` is UTC, the episode's own time.

    What it asked for stands unless it was corrected or lifted, or its clock is
    no longer owed; a notice that speaks of another one, or of the return,
    always stands.
    """
    carried, wanted = knows.carried, set(keys)
    if carried is None:
        return []
    pack, clocks = carried.rules.pack, {clock.id: clock for clock in carried.clocks}
    found: list[NoticeAgain] = []
    for notice in carried.sent:
        if notice.key in wanted and (order := _ordered(knows, notice, clocks, carried.tasks, pack)):
            clock = clocks.get(notice.clock)
            stands = not notice.corrected and not notice.lifted and (clock is None or clock.state.owed or _fired(clock))
            found.append(NoticeAgain(order.model_copy(update={"ordered_at": notice.at}), stands))
        if notice.corrected and _with_rung(notice, _CORRECTED) in wanted and pack.correction_notice:
            found.append(NoticeAgain(correction_order(knows, pack, notice, now), stands=True))
    return found + [again for told in carried.told_back for again in _back_again(knows, pack, told, wanted, now)]


def _fired(clock: Clock) -> bool:
    return clock.state.value == "fired"


def _ordered(
    knows: EpisodeInput, notice: SentNotice, clocks: Mapping[str, Clock], tasks: Sequence[TaskRow], pack: Pack
) -> NoticeOrder | None:
    clock, known = clocks.get(notice.clock), Known(knows.facts, notice.at)
    rung = _rung(pack, notice.clock, notice.rung)
    if rung is not None and clock is not None:
        at = rung_time(clock, rung) or notice.at
        due = DueRung(clock=clock, rung=rung, at=min(at, notice.at), times=times_of(notice), passed_over=False)
        order = notice_order(knows, due, known)
    else:
        step = _chase_step(knows.episode_id, notice, tasks, pack)
        order = chase_order(knows, step, clock, known) if step else None
    return order.model_copy(update={"of_absence": notice.of_absence}) if order else None


def _chase_step(episode: str, notice: SentNotice, tasks: Sequence[TaskRow], pack: Pack) -> ChaseStep | None:
    """The step of a chase that a notice stood for; None when the pack has no words for it any more."""
    if pack.chase is None:
        return None
    base, unanswered, number = notice.rung.partition(UNANSWERED)
    rung = _rung(pack, notice.clock, base)
    task = next((one for one in tasks if one.key == task_key(episode, notice.clock)), None)
    if unanswered and rung:
        says, reach = f"{pack.chase.unanswered_says}: {rung.says}", "deputies" if number == "1" else "holders"
    elif notice.rung.startswith(TASK_OVERDUE) and task:
        says, reach = f"{pack.chase.overdue_says}: {task.do}", "holders"
    else:
        return None
    about = {"clock": notice.clock, "rung": notice.rung, "times": times_of(notice), "role": notice.role}
    return ChaseStep.model_validate({**about, "reach": reach, "at": notice.at, "says": says})


def _back_again(
    knows: EpisodeInput, pack: Pack, told: ToldBack, wanted: set[str], now: datetime
) -> Iterable[NoticeAgain]:
    back = back_in_force(Known(knows.facts, now))
    before = told.model_copy(update={"times": told.times - 1})
    _, first = return_order(knows, pack, told.role, before, at=back.at if back else now, stands=True)
    _, withdrawn = return_order(knows, pack, told.role, told, at=now, stands=False)
    for order in (first, None if told.stands else withdrawn):
        if order and order.key in wanted:
            yield NoticeAgain(order, stands=True)
