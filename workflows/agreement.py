"""Where the database's rows and the engine's workflows can disagree, and what is done about each. Pure.

The engine's history is the truth about what was decided and when; the rows are
what people read. So an episode that runs writes its rows again, and never the
other way round; but what only the rows know, because the engine was restored
from an older backup, is told to the episode, so that nothing is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from workflows.clocks import Clock
from workflows.contracts import EpisodeInput, TaskRow
from workflows.facts import Fact
from workflows.recollection import notices_sent


class Disagreement(StrEnum):
    """A kind of disagreement. Its subject is an episode, unless AGREEMENTS says otherwise."""

    EPISODE_LOST = "episode_lost"
    EPISODE_ENDED_UNFINISHED = "episode_ended_unfinished"
    EPISODE_NOT_IN_ROWS = "episode_not_in_rows"
    CLOSED_NOT_IN_ROWS = "closed_not_in_rows"
    CLOSED_ONLY_IN_ROWS = "closed_only_in_rows"
    ROWS_OLDER = "rows_older"
    ROWS_AHEAD = "rows_ahead"
    FACT_NOT_IN_ROWS = "fact_not_in_rows"
    FACT_ONLY_IN_ROWS = "fact_only_in_rows"
    CLOCK_OTHERWISE = "clock_otherwise"
    LINE_NOT_IN_ROWS = "line_not_in_rows"
    TASK_OTHERWISE = "task_otherwise"
    TASK_ONLY_IN_ROWS = "task_only_in_rows"
    NOTICE_NOT_IN_ROWS = "notice_not_in_rows"
    REPORT_NOT_APPLIED = "report_not_applied"
    FACT_NOT_APPLIED = "fact_not_applied"
    WOKEN_LATE = "woken_late"
    SAID_KEPT_LONG = "said_kept_long"
    NOTICE_WAITS_FOR_NOBODY = "notice_waits_for_nobody"
    MESSAGE_NOT_SENT_BY_ANYBODY = "message_not_sent_by_anybody"
    RECEIPT_NOT_HEARD = "receipt_not_heard"
    SCHEDULE_OTHERWISE = "schedule_otherwise"
    POLICY_NOT_HELD = "policy_not_held"
    CALENDAR_OLDER = "calendar_older"


class Agreement(NamedTuple):
    """What is wrong when it does not hold, and what is done; each a sentence that says nothing about a child."""

    wrong: str
    done: str


_WRITTEN_AGAIN: Final = "The episode writes all it knows again."

AGREEMENTS: Final[Mapping[Disagreement, Agreement]] = {
    Disagreement.EPISODE_LOST: Agreement(
        "An episode is open in the rows, and the engine has no workflow of it.",
        "It begins again with its report, its facts and all that its rows remember; without a report it is reported.",
    ),
    Disagreement.EPISODE_ENDED_UNFINISHED: Agreement(
        "An episode is open in the rows, and its workflow was terminated, was cancelled, failed or ran out of time.",
        "It begins again with what the workflow knew last.",
    ),
    Disagreement.EPISODE_NOT_IN_ROWS: Agreement(
        "The engine knows an episode, and the rows do not.",
        "The episode writes all it knows again; for one that is closed its last answer is written.",
    ),
    Disagreement.CLOSED_NOT_IN_ROWS: Agreement(
        "An episode is closed, and its row says that it is open.",
        "The rows are brought to its end, by the closed workflow's own answer.",
    ),
    Disagreement.CLOSED_ONLY_IN_ROWS: Agreement("An episode runs, and its row says that it is closed.", _WRITTEN_AGAIN),
    Disagreement.ROWS_OLDER: Agreement(
        "The rows are of an earlier turn than the episode's last: they were restored, or a writing was lost.",
        _WRITTEN_AGAIN,
    ),
    Disagreement.ROWS_AHEAD: Agreement(
        "The rows are of a later turn than the episode's last: the engine was restored from an older backup.",
        "The episode is given the facts it has not, with their own ids, and writes all it knows again, from there on.",
    ),
    Disagreement.FACT_NOT_IN_ROWS: Agreement("An episode has a fact that is not in the rows.", _WRITTEN_AGAIN),
    Disagreement.FACT_ONLY_IN_ROWS: Agreement(
        "The rows have a fact that the episode has not.",
        "The episode is given it, with its own id; one that it refuses is reported.",
    ),
    Disagreement.CLOCK_OTHERWISE: Agreement(
        "A clock is not in the rows, or only there, or starts, is due or stands otherwise than in the episode.",
        _WRITTEN_AGAIN,
    ),
    Disagreement.LINE_NOT_IN_ROWS: Agreement("A line of the timeline is not in the rows.", _WRITTEN_AGAIN),
    Disagreement.TASK_OTHERWISE: Agreement(
        "A task is not in the rows, or is open there and done in the episode, or the reverse, or is somebody else's.",
        _WRITTEN_AGAIN,
    ),
    Disagreement.TASK_ONLY_IN_ROWS: Agreement(
        "A task is open in the rows, and the episode knows of no such task, so that nobody can complete it.",
        "It is reported: nobody but a person can know whether it is still to be done.",
    ),
    Disagreement.NOTICE_NOT_IN_ROWS: Agreement(
        "An episode has told somebody something, and no tray has it.",
        "It is put in the tray under its own key; it goes out only if what it asks for still stands.",
    ),
    Disagreement.REPORT_NOT_APPLIED: Agreement(
        "A report counts as applied, and neither the rows nor the engine know its episode.",
        "It is kept again, so that the relay applies it with the same ids.",
    ),
    Disagreement.FACT_NOT_APPLIED: Agreement(
        "A fact counts as applied, and neither the rows nor the episode have it.",
        "It is kept again, so that the relay applies it with the same id.",
    ),
    Disagreement.WOKEN_LATE: Agreement(
        "A clock is past its due time and still counts as running, and the episode should have woken by now.",
        "It is reported, with how late it is: workers are missing, or too few.",
    ),
    Disagreement.SAID_KEPT_LONG: Agreement(
        "Something that was said is still not applied, although the engine answers. Its subject is the item's id.",
        "It is reported: the relay goes on trying.",
    ),
    Disagreement.NOTICE_WAITS_FOR_NOBODY: Agreement(
        "A notice should have gone out to somebody whose postbox does not run. Its subject is the person's random id.",
        "The postbox is begun.",
    ),
    Disagreement.MESSAGE_NOT_SENT_BY_ANYBODY: Agreement(
        "A message is on its way by its row, and no workflow sends it. Its subject is an id derived from the message's,"
        " which is the key of its page.",
        "It is begun again, which tries nothing twice that a provider has; one that ended after it had arrived is"
        " written down as arrived; one that ended otherwise is reported.",
    ),
    Disagreement.RECEIPT_NOT_HEARD: Agreement(
        "A provider has said what became of a message, and the message does not know. Its subject is as above.",
        "The message is told.",
    ),
    Disagreement.SCHEDULE_OTHERWISE: Agreement(
        "A schedule is missing, or of other times than the settings. Its subject is the schedule's id.",
        "It is made as the settings say.",
    ),
    Disagreement.POLICY_NOT_HELD: Agreement(
        "An open episode lives by a policy that this worker does not hold. Its subject is the policy's version.",
        "It is reported, with how many episodes: put the pack in the folder of policies.",
    ),
    Disagreement.CALENDAR_OLDER: Agreement(
        "Open episodes count working days by an older calendar than this worker holds. Its subject is that calendar.",
        "Each of them is told to read its calendar anew.",
    ),
}

OF_EPISODES: Final = tuple(Disagreement)[: tuple(Disagreement).index(Disagreement.WOKEN_LATE) + 1]
"""The kinds whose subject is an episode."""

WRITTEN_AGAIN: Final = frozenset(
    (
        Disagreement.EPISODE_NOT_IN_ROWS,
        Disagreement.CLOSED_ONLY_IN_ROWS,
        Disagreement.ROWS_OLDER,
        Disagreement.ROWS_AHEAD,
        Disagreement.FACT_NOT_IN_ROWS,
        Disagreement.CLOCK_OTHERWISE,
        Disagreement.LINE_NOT_IN_ROWS,
        Disagreement.TASK_OTHERWISE,
    )
)
"""The kinds that an episode which runs mends by writing all it knows again."""

Standing = Literal["none", "running", "completed", "ended"]
"""How the engine stands to an episode: it has none, runs it, has brought it to its end, or ended it otherwise."""

ClockInRows = tuple[str, datetime | None, datetime | None]
"""A clock's state, start and due time (both UTC). Its words may be those of another version of the rules."""


@dataclass(frozen=True)
class RowsOfEpisode:
    """An episode as the rows have it. `turn` is None when it has no row; times are UTC.

    `said_applied` are the facts that the inbox calls applied.
    """

    turn: int | None = None
    closed: bool = False
    woken_late: bool = False
    facts: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    clocks: Mapping[str, ClockInRows] = field(default_factory=dict[str, ClockInRows])
    lines: frozenset[int] = frozenset()
    tasks: Mapping[str, TaskRow] = field(default_factory=dict[str, TaskRow])
    notices: frozenset[str] = frozenset()
    report_applied: bool = False
    said_applied: frozenset[str] = frozenset()


@dataclass(frozen=True)
class EngineOfEpisode:
    """An episode as the engine has it. `knows` is its own answer; None when nobody answers for it."""

    standing: Standing
    knows: EpisodeInput | None = None


def in_rows(clock: Clock) -> ClockInRows:
    """What a clock's row says that is compared."""
    return clock.state.value, clock.start, clock.due


def differences(rows: RowsOfEpisode, engine: EngineOfEpisode) -> tuple[Disagreement, ...]:
    """Where the rows and the engine disagree about an episode, in the order of the enum.

    Nothing is said of what only a workflow that does not answer could tell.
    """
    return tuple(kind for kind in Disagreement if kind in _differences(rows, engine))


def _differences(rows: RowsOfEpisode, engine: EngineOfEpisode) -> set[Disagreement]:
    if engine.standing == "none":
        if rows.turn is None:
            return {Disagreement.REPORT_NOT_APPLIED} if rows.report_applied else set()
        return set() if rows.closed else {Disagreement.EPISODE_LOST}
    if engine.standing == "ended":
        return set() if rows.closed else {Disagreement.EPISODE_ENDED_UNFINISHED}
    found = {Disagreement.WOKEN_LATE} if rows.woken_late and engine.standing == "running" else set[Disagreement]()
    knows = engine.knows
    if knows is None or knows.carried is None:
        return found
    if rows.said_applied - rows.facts.keys() - {fact.id for fact in knows.facts}:
        found.add(Disagreement.FACT_NOT_APPLIED)
    if rows.turn is None:
        return found | {Disagreement.EPISODE_NOT_IN_ROWS}
    if rows.closed is (engine.standing == "running"):
        found.add(Disagreement.CLOSED_ONLY_IN_ROWS if rows.closed else Disagreement.CLOSED_NOT_IN_ROWS)
    return found | _of_contents(rows, rows.turn, knows)


def _of_contents(rows: RowsOfEpisode, turn: int, knows: EpisodeInput) -> set[Disagreement]:
    carried = knows.carried
    if carried is None:
        return set()
    facts, tasks = {fact.id for fact in knows.facts}, {task.key: task for task in carried.tasks}
    open_there = {key for key, task in rows.tasks.items() if task.state == "open"}
    holds = {
        Disagreement.ROWS_OLDER: turn < carried.turn,
        Disagreement.ROWS_AHEAD: turn > carried.turn,
        Disagreement.FACT_NOT_IN_ROWS: bool(facts - rows.facts.keys()),
        Disagreement.FACT_ONLY_IN_ROWS: bool(rows.facts.keys() - facts),
        Disagreement.CLOCK_OTHERWISE: dict(rows.clocks) != {clock.id: in_rows(clock) for clock in carried.clocks},
        Disagreement.LINE_NOT_IN_ROWS: bool({line.number for line in carried.timeline} - rows.lines),
        Disagreement.TASK_OTHERWISE: any(_otherwise(rows.tasks.get(key), task) for key, task in tasks.items()),
        Disagreement.TASK_ONLY_IN_ROWS: bool(open_there - tasks.keys()),
        Disagreement.NOTICE_NOT_IN_ROWS: bool(notices_sent(knows) - rows.notices),
    }
    return {kind for kind, so in holds.items() if so}


def _otherwise(there: TaskRow | None, task: TaskRow) -> bool:
    return there is None or (there.state, there.holder, there.due) != (task.state, task.holder, task.due)
