"""An episode as its pages show it: how it stands, what is owed by whom, what happened. Instants are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from activities.store.child_records import EpisodeOfChild, episodes_in_outline
from activities.store.directory import directory_for, everyone
from activities.store.inbox import MERGED_FROM, InboxItem
from activities.store.tasks import TaskView
from starter.access import Principal
from starter.api.asking import Asked
from starter.api.parts import Parts
from starter.api.problems import Problem, ProblemError
from starter.api.seeing import seen_episode
from starter.console.episode.detail_words import label_of
from starter.console.episode.kinds import OWN_PAGES, may_record
from starter.console.episode.said import happened_in_words, kind_in_words
from starter.console.kin_words import Others, said_of_others, tasks_in_words
from starter.console.next_steps import Holder, who_holds
from starter.console.spoken import child_called
from starter.episode_shown import Shown, show_episode
from starter.kin_sight import UNNAMED, others_named
from starter.sight import EpisodeSeen, child_is_hidden
from workflows.clocks import Clock
from workflows.directory import Directory
from workflows.fact_kinds import FactKind
from workflows.facts import Fact, Known
from workflows.names import duty_of
from workflows.owed import OpenTask, Owed, OwedClock, what_is_owed
from workflows.policy import Pack, Prompt
from workflows.policy_rules import Happening
from workflows.risk import Assessed, risk_of
from workflows.task_holding import completions
from workflows.vocabulary import ClockKind, ClockState, EpisodeStatus, Role, beginning_a_line, name_in_words

NOT_SAID: Final = "not said"
"""What stands where nobody said who recorded something."""


@dataclass(frozen=True)
class Way:
    """One way to record that something was done: what it is called, and where its form is."""

    words: str
    path: str


@dataclass(frozen=True)
class OwedNow:
    """Something that is owed now, who holds it, where its task is and how it is recorded. `clock` says why."""

    owed: Owed
    clock: Clock | None
    holder: Holder
    task_path: str | None
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class EpisodePage:
    """All that the pages of one episode show of it, as far as whoever asks may see it.

    `child_hidden`: what is kept of the child across episodes is not for them.
    """

    principal: Principal
    shown: Shown
    seen: EpisodeSeen
    now: datetime
    names: Mapping[str, str]
    directory: Directory
    others: Others = field(default_factory=dict[str, EpisodeOfChild])
    child_hidden: bool = False

    @property
    def id(self) -> str:
        """The episode's id."""
        return self.shown.id

    @property
    def path(self) -> str:
        """Where the episode's pages begin."""
        return f"/episodes/{self.id}"

    @property
    def reference(self) -> str | None:
        """The case system's reference for the child."""
        if self.shown.view:
            return self.shown.view.child_reference
        return self.shown.report.child.reference if self.shown.report else None

    @property
    def child_called(self) -> str:
        """How the child is named."""
        return child_called(self.reference, self.shown.report.answers.identity if self.shown.report else None)

    @property
    def status(self) -> EpisodeStatus | None:
        """How the episode stands; None while the engine has not begun it."""
        return EpisodeStatus(self.shown.view.episode["status"]) if self.shown.view else None

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more."""
        return bool(self.shown.view and self.shown.view.episode["closed_at"])

    @property
    def merged(self) -> bool:
        """Whether it was merged into another, and goes on there."""
        return bool(self.known.all(FactKind.MERGED))

    @property
    def merged_into(self) -> str | None:
        """The id of the episode in which this one goes on; None for whoever may not see that one."""
        merged = self.known.all(FactKind.MERGED)
        into = merged[-1].details["into"] if merged else UNNAMED
        return None if into == UNNAMED else into

    @property
    def took_over(self) -> bool:
        """Whether another record goes on in this one."""
        return any(map(self.was_taken_over, self.shown.view.facts if self.shown.view else []))

    def was_taken_over(self, fact: Fact) -> bool:
        """Whether another record had a fact before, or its report said it."""
        return fact.source.startswith(MERGED_FROM)

    @property
    def gone(self) -> bool:
        """Whether the child is not back, as far as is known."""
        return self.status is None or self.status.gone

    @property
    def known(self) -> Known:
        """What is known of it now."""
        return self.shown.known(self.now)

    @property
    def missing_since(self) -> datetime | None:
        """Since when the child was gone, by whatever is known."""
        return self.known.missing_since()

    @property
    def waiting(self) -> list[tuple[str, datetime, str | None]]:
        """What is kept and not yet applied: what it says, when it came, and why it waits where that is known."""
        return [(_said(one), one.received_at, one.reason) for one in self.shown.waiting]

    @property
    def nothing_runs(self) -> bool:
        """Whether no clock runs for it, and none is about to."""
        return self.shown.nothing_runs(self.now)

    @property
    def refused(self) -> str | None:
        """Why its report was refused, so that no clock will ever run by it; None where it was not."""
        return self.shown.refused

    @property
    def asked_for(self) -> list[str]:
        """What is not known yet, in words."""
        return [_asked_for(line) for line in self.shown.asked_for(self.now)]

    @property
    def risks(self) -> tuple[Assessed, ...]:
        """The assessments of risk that hold, the latest first."""
        return risk_of(self.known)

    @property
    def clocks(self) -> list[Clock]:
        """Its clocks."""
        return self.shown.view.clocks if self.shown.view else []

    @property
    def comes(self) -> list[Clock]:
        """What happens by itself at its time, unless it is prevented, the earliest first."""
        mine = [one for one in self.clocks if one.kind is ClockKind.FIRE_AT and one.state is ClockState.RUNNING]
        return sorted(mine, key=_first_due)

    @property
    def settled(self) -> list[Clock]:
        """The clocks by which nothing is owed any more."""
        waits = (ClockState.NOT_STARTED, ClockState.RUNNING, ClockState.OVERDUE)
        return sorted((one for one in self.clocks if one.state not in waits), key=_first_due)

    @property
    def not_started(self) -> list[Clock]:
        """The clocks that have no time yet."""
        return [one for one in self.clocks if one.state is ClockState.NOT_STARTED]

    def owed(self) -> list[OwedNow]:
        """What somebody owes now, the most pressing first."""
        running = [OwedClock(one.id, one.kind, one.due, one.title) for one in self.clocks if one.state.owed]
        tasks = [
            OpenTask(one.key, one.clock, one.role, one.do, one.due, one.holder)
            for one in self.tasks
            if one.state == "open"
        ]
        return [self._owed_now(one) for one in what_is_owed(self.id, running, tasks) if not one.by_itself]

    def _owed_now(self, owed: Owed) -> OwedNow:
        rule = self.pack.clocks.get(owed.clock or "")
        settled_by: tuple[Happening, ...] = ()
        if rule and rule.kind is not ClockKind.FIRE_AT:
            settled_by = (*rule.met_by, *rule.waived_by)
        elif owed.task and owed.role:
            settled_by = completions(duty_of(owed.task), owed.clock, owed.role, self.pack)
        ways = [self.way(one.fact, **one.where) for one in settled_by if may_record(self.principal, one.fact)]
        return OwedNow(
            owed=owed,
            clock=next((one for one in self.clocks if one.id == owed.clock), None),
            holder=who_holds(owed, rule, self.directory, self.names, self.now),
            task_path=f"{self.path}/tasks/{duty_of(owed.task)}" if owed.task else None,
            ways=tuple(dict.fromkeys(ways)),
        )

    @property
    def tasks(self) -> list[TaskView]:
        """Its tasks."""
        tasks = self.shown.view.tasks if self.shown.view else []
        return tasks_in_words((TaskView.model_validate(one) for one in tasks), self.others)

    def way(self, kind: FactKind, **details: str) -> Way:
        """The form that records a kind, with these details chosen."""
        query = f"?{urlencode(details)}" if details else ""
        return Way(kind_in_words(kind, details), f"{self.path}/record/{kind.value}{query}")

    @property
    def pack(self) -> Pack:
        """Its policy. Raises ProblemError while the engine has not begun it."""
        if self.shown.pack is None:
            raise ProblemError(Problem.NOT_FOUND)
        return self.shown.pack

    def called(self, reference: str) -> str:
        """Somebody by their name, where the directory knows it."""
        return self.names.get(reference, reference)

    def said_of_others(self, text: str) -> str:
        """A sentence that names the child's other absences by when they began, and not by an id."""
        return said_of_others(text, self.others)

    def named(self, fact: Fact) -> Fact:
        """A fact that names its task by what is to be done, and somebody by their name, as far as both are known."""
        said = dict(fact.details)
        if "person" in said:
            said["person"] = self.called(said["person"])
        if "task" in said:
            there = (one.do for one in self.tasks if duty_of(one.key) == said["task"])
            said["task"] = next(there, said["task"])
        return fact.model_copy(update={"details": said})

    def duty_called(self, clock_id: str) -> str:
        """A clock by its title, as the episode has it or its policy."""
        there = (one.title for one in self.clocks if one.id == clock_id)
        return next(there, self.shown.pack.title_of(clock_id) if self.shown.pack else name_in_words(clock_id))

    def repeat_called(self, rule_id: str) -> str:
        """A rule about repeated absences by its title, where the policy has it."""
        rule = self.shown.pack.repeats.get(rule_id) if self.shown.pack else None
        return rule.title.lower() if rule else rule_id.replace("_", " ")

    def prompts(self) -> list[tuple[str, Prompt]]:
        """What to ask and say now."""
        return self.shown.prompts(self.now)

    def in_force(self, fact: Fact) -> bool:
        """Whether a fact was neither withdrawn nor replaced."""
        facts = self.shown.view.facts if self.shown.view else []
        return all(one.corrects != fact.id for one in facts)

    def fact(self, fact_id: str) -> Fact:
        """A fact of the episode. Raises ProblemError when there is none of that id."""
        found = self.recorded(fact_id)
        if found is None:
            raise ProblemError(Problem.NOT_FOUND)
        return found

    def recorded(self, fact_id: str) -> Fact | None:
        """A fact of the episode, or None when there is none of that id."""
        facts = self.shown.view.facts if self.shown.view else []
        return next((one for one in facts if one.id == fact_id), None)


def can_be_withdrawn(shown: EpisodePage, fact: Fact) -> bool:
    """Whether something that was recorded can be taken back: what became of tasks has a page of its own."""
    return fact.kind not in OWN_PAGES and shown.in_force(fact) and not shown.closed


def can_be_replaced(shown: EpisodePage, fact: Fact) -> bool:
    """Whether something that was recorded can be corrected: what has an id of another form can only be withdrawn."""
    try:
        UUID(fact.id)
    except ValueError:
        return False
    return can_be_withdrawn(shown, fact)


def _asked_for(line: str) -> str:
    """A line of what a report left open, whose circumstances of a child have no words of their own."""
    name, colon, words = line.partition(": ")
    said = words if colon else label_of(FactKind.DESCRIBED, name.removeprefix("child.")).label
    return beginning_a_line(said)


def _said(item: InboxItem) -> str:
    if item.kind == "report":
        return "The report"
    fact = Fact.model_validate(item.body)
    return beginning_a_line(happened_in_words(fact.kind, fact.details))


def _first_due(clock: Clock) -> tuple[bool, str, str]:
    return clock.due is None, clock.due.isoformat() if clock.due else "", clock.title


async def episode_page(parts: Parts, asked: Asked, episode_id: str) -> EpisodePage:
    """An episode, whole, for whoever asks. Raises ProblemError: not found, or need to know."""
    async with parts.store.snapshot() as session:
        seen = await seen_episode(session, asked, episode_id)
        shown = await show_episode(session, parts.policies, asked.principal, episode_id, asked.now)
        if shown.view is None and shown.report is None:
            raise ProblemError(Problem.NOT_FOUND)
        directory = await directory_for(session, asked.authority, seen.child_id, Role, asked.now)
        names = {row.reference: row.name for row in await everyone(session, asked.authority)}
        named = others_named(shown.view) if shown.view else frozenset[str]()
        others = await episodes_in_outline(session, asked.authority, named)
        child = seen.child_id
        hidden = child is not None and await child_is_hidden(session, asked.principal, child, asked.now)
    return EpisodePage(asked.principal, shown, seen, asked.now, names, directory, others, hidden)
