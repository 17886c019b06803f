"""The ledger of a storm: what callers were told beside what rows, engine and providers hold and the rules expected."""

import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from activities.store.tables import (
    ChildTable,
    DispatchTable,
    EpisodeTable,
    InboxTable,
    MessageTable,
    NoticeTable,
    RecipientTable,
)
from tests.faults.storm_book import Book
from tests.faults.storm_expected import (
    Story,
    by_key,
    chases_missed,
    in_pieces,
    is_rung,
    overtaken_after,
    owed,
    still_asked,
    was_owed_when_sent,
)
from tests.faults.storm_found import Found, learned_at
from workflows.chasing import UNANSWERED
from workflows.contracts import NoticeOrder

LONGEST_AWAY: Final = timedelta(seconds=120)
"""How long, at most, the engine, the workers or the database were away in one piece, and what had heaped up by then."""

OF_OUR_OWN: Final = ("repeat_reached", "rhi_delayed")
"""Facts that Homeward records by itself."""


@dataclass
class Ledger:
    """Numbers, and for each that must be none the lines that say what it counts."""

    counts: dict[str, int] = field(default_factory=dict[str, int])
    late: list[float] = field(default_factory=list[float])
    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))

    @property
    def well(self) -> bool:
        """Whether nothing is lost, doubled, falsely refused or kept from what was broken."""
        return not any(self.wrong.values())

    def lines(self) -> Iterator[str]:
        """The ledger as people read it."""
        for name, number in self.counts.items():
            yield f"{name:<58}{number:>8}"
        if self.late:
            late = sorted(self.late)
            at = {"half": 0.5, "19 of 20": 0.95, "99 of 100": 0.99}
            parts = [f"{words} within {late[int((len(late) - 1) * share)]:.1f} s" for words, share in at.items()]
            yield f"rungs late by: {', '.join(parts)}, the latest {late[-1]:.1f} s"
        for name, lines in self.wrong.items():
            for line in lines[:20]:
                yield f"WRONG  {name}: {line}"


@dataclass(frozen=True)
class Aftermath:
    """All that a ledger is drawn up from: what callers were told, what there is, what was owed `until` (UTC) when.

    `stored` and `mailed` are the references that Notify and the mail server have.
    """

    book: Book
    found: Found
    stories: Sequence[Story]
    until: datetime
    stored: Sequence[str]
    mailed: Sequence[str]
    came: Counter[str]
    not_made: Sequence[str]
    could_not_begin: int
    ended: Sequence[str]


def drawn_up(after: Aftermath) -> Ledger:
    """The ledger of a storm."""
    ledger = Ledger()
    _episodes(ledger, after.book, after.found)
    _facts(ledger, after.book, after.found)
    _refusals(ledger, after.book, after.found)
    _notices(ledger, after.found, after.stories, after.until)
    _broken(ledger, after.book, after.found)
    _provided(ledger, after)
    _weather(ledger, after)
    return ledger


def _episodes(ledger: Ledger, book: Book, found: Found) -> None:
    rows = {row.id for row in found.of(EpisodeTable)}
    ledger.counts["episodes that callers were told of"] = len(book.episodes)
    ledger.counts["episodes in the rows"] = len(rows)
    ledger.counts["episodes in the engine"] = found.workflows
    ledger.wrong["episode lost"] += sorted(set(book.episodes) - rows)
    if not book.unanswered:
        ledger.wrong["episode nobody reported"] += sorted(rows - set(book.episodes))
    ledger.wrong["episode that does not answer"] += sorted(rows - set(found.remembered))
    if found.workflows != len(rows):
        ledger.wrong["episode in one place only"].append(f"{len(rows)} in the rows, {found.workflows} in the engine")


def _facts(ledger: Ledger, book: Book, found: Found) -> None:
    facts, lines = found.facts(), found.lines()
    there = {(episode, fact.kind.value, fact.at) for episode, some in facts.items() for fact in some}
    ids = {(episode, fact.id) for episode, some in facts.items() for fact in some}
    said = {(one.episode, one.kind, one.at): one for one in book.accepted}
    ledger.counts["facts accepted"] = sum(not one.may_be_refused for one in said.values())
    ledger.counts["facts present"] = sum(what in there and not one.may_be_refused for what, one in said.items())
    for what, one in said.items():
        if what not in there and not one.may_be_refused:
            ledger.wrong["fact lost"].append(f"{one.kind} of {one.episode}, {one.fact_id or 'in a report'}")
        elif one.fact_id and (one.episode, one.fact_id) not in ids and not one.may_be_refused:
            ledger.wrong["fact under another id"].append(f"{one.kind} of {one.episode}, {one.fact_id}")
    everyone = [(episode, f.kind.value, f.at) for episode, some in facts.items() for f in some if not _ours(f)]
    ledger.wrong["fact doubled"] += [f"{kind} of {e}" for (e, kind, _), n in Counter(everyone).items() if n > 1]
    if not book.unanswered:
        ledger.wrong["fact nobody said"] += [f"{kind} of {e}" for e, kind, _ in set(everyone) - set(said)]
    for episode, carried in found.remembered.items():
        if {fact.id for fact in carried.facts} != {fact.id for fact in facts[episode]}:
            ledger.wrong["facts of rows and engine differ"].append(episode)
    ledger.counts["facts lost"] = len(ledger.wrong["fact lost"])
    ledger.counts["facts doubled"] = len(ledger.wrong["fact doubled"])
    learned = {episode: learned_at(some) for episode, some in lines.items()}
    for one in book.accepted:
        at = learned[one.episode].get(one.fact_id) if one.fact_id and one.applied else None
        if at and at > one.answered_at:
            ledger.wrong["fact called applied before it was"].append(f"{one.kind} of {one.episode}")


def _ours(fact: Any) -> bool:
    return fact.kind.value in OF_OUR_OWN


def _refusals(ledger: Ledger, book: Book, found: Found) -> None:
    """What was kept and then refused: rightly, where the caller said what cannot be, and visible on its episode."""
    lines = found.lines()
    refused = [row for row in found.of(InboxTable) if row.state == "refused"]
    impossible = {one.fact_id for one in book.accepted if one.may_be_refused}
    ledger.counts["impossible facts refused at once"] = book.refused_rightly
    ledger.counts["impossible facts kept, then refused"] = sum(row.id in impossible for row in refused)
    for row in refused:
        accepted = any(one.fact_id == row.id for one in book.accepted)
        if accepted and row.id not in impossible:
            ledger.wrong["accepted, then refused"].append(f"{row.body['kind']} of {row.episode_id}: {row.reason}")
        if accepted and not any(line.body["kind"] == "refused" for line in lines[row.episode_id]):
            ledger.wrong["refused, and nobody sees it"].append(f"{row.body['kind']} of {row.episode_id}")
    shown = Counter(
        (row.episode_id, row.body["text"]) for some in lines.values() for row in some if row.body["kind"] == "refused"
    )
    ledger.wrong["refusal shown twice"] += [f"{text} of {episode}" for (episode, text), n in shown.items() if n > 1]
    ledger.wrong["refused falsely"] += book.refused_falsely
    ledger.counts["good facts and reports refused"] = len(book.refused_falsely) + len(
        ledger.wrong["accepted, then refused"]
    )
    ledger.wrong["impossible, and taken"] += book.taken_falsely
    ledger.wrong["two answers to one key"] += book.unlike_answers
    ledger.wrong["never answered"] += book.unanswered
    ledger.wrong["failed in a way nobody foresaw"] += book.unforeseen
    waiting = [row for row in found.of(InboxTable) if row.state == "kept"]
    ledger.wrong["kept and never applied"] += [f"{row.kind} of {row.episode_id}: {row.reason}" for row in waiting]


def _notices(ledger: Ledger, found: Found, stories: Sequence[Story], until: datetime) -> None:
    expected = _expected(stories, until)
    sent = {row.key: row for row in found.of(NoticeTable)}
    passed = _passed_over(found)
    rungs: Counter[str] = Counter()
    told_early = "rungs told by a task that the engine lost"
    ledger.counts |= dict.fromkeys((told_early, "returns and corrections due", "returns and corrections told"), 0)
    for story in stories:
        orders = by_key(expected[story.episode])
        mine = {key: row for key, row in sent.items() if row.episode_id == story.episode}
        for order in orders.values():
            if is_rung(order, story.rules):
                rungs[_became(ledger, story, order, mine, passed)] += 1
        _unexpected(ledger, story, orders, mine, until)
        _others(ledger, story, orders, mine)
        knows = found.remembered.get(story.episode)
        if knows is None:
            continue
        remembers = [one.key for one in knows.carried.sent] if knows.carried else []
        ledger.wrong["notice that only the episode knows"] += [key for key in remembers if key not in sent]
        ledger.wrong["chase lost"] += [f"{step} of {story.episode}" for step in chases_missed(knows, until)]
    ledger.counts["rungs due"] = rungs.total()
    for how in ("fired once", "lost", "overtaken by a fact while nobody could act", "spoken for by a later rung"):
        ledger.counts[f"rungs {how}"] = rungs[how]
    ledger.counts["rungs doubled"] = len(ledger.wrong["rung doubled"])
    ledger.counts["chases of silence told"] = sum(UNANSWERED in row.rung for row in sent.values())
    ledger.counts["chases of silence lost"] = len(ledger.wrong["chase lost"])
    ledger.counts["notices in all"] = len(sent)


def _expected(stories: Sequence[Story], until: datetime) -> dict[str, list[NoticeOrder]]:
    # Spawned: a fork of a process that has threads may never go on.
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        pieces = pool.map(partial(_owed_by, until=until), in_pieces(stories))
        return {episode: orders for piece in pieces for episode, orders in piece}


def _owed_by(stories: Sequence[Story], until: datetime) -> list[tuple[str, list[NoticeOrder]]]:
    return [(story.episode, owed(story, until)) for story in stories]


def _passed_over(found: Found) -> set[tuple[str, str, str]]:
    return {
        (episode, row.body["clock"], row.body["rung"])
        for episode, rows in found.lines().items()
        for row in rows
        if row.body["kind"] == "passed_over"
    }


def _became(
    ledger: Ledger, story: Story, order: NoticeOrder, sent: Mapping[str, Any], passed: set[tuple[str, str, str]]
) -> str:
    """What became of a rung that was due."""
    came_due = order.ordered_at or order.at
    if order.key in sent:
        late = max(timedelta(), sent[order.key].sent_at - came_due)
        if late < LONGEST_AWAY or overtaken_after(story, order) is None:
            # A rung that was overtaken, and is owed again since what overtook it was withdrawn, waited for nobody.
            ledger.late.append(late.total_seconds())
        return "fired once"
    if any((row.clock, row.rung) == (order.clock, order.rung) and row.sent_at >= order.at for row in sent.values()):
        # Told so late that it stands for the time to which the clock has moved as well.
        return "fired once"
    gone = overtaken_after(story, order)
    if gone is not None and gone < LONGEST_AWAY:
        return "overtaken by a fact while nobody could act"
    later = [row.sent_at for row in sent.values() if row.clock == order.clock and row.sent_at >= came_due]
    passed_over = (story.episode, order.clock, order.rung) in passed
    if later and (passed_over or not still_asked(story, order, min(later))):
        # By the time that somebody could act the next step had come as well, and a warning of it would be none.
        return "spoken for by a later rung"
    ledger.wrong["rung lost"].append(f"{order.key} due {came_due}, overtaken after {gone}")
    return "lost"


def _unexpected(
    ledger: Ledger, story: Story, orders: Mapping[str, NoticeOrder], sent: Mapping[str, Any], until: datetime
) -> None:
    """Rungs that were told and not owed, or owed once and told twice."""
    climbs = {(order.clock, order.rung) for order in orders.values()}
    for key, row in sent.items():
        rule = story.rules.pack.clocks.get(row.clock)
        of_a_ladder = rule is not None and any(rung.rung == row.rung for rung in rule.ladder)
        if of_a_ladder and key not in orders and row.sent_at < until:
            twice = (row.clock, row.rung) in climbs
            if not twice and was_owed_when_sent(story, (row.clock, row.rung, row.at), row.sent_at):
                ledger.counts["rungs told by a task that the engine lost"] += 1
                continue
            ledger.wrong["rung doubled" if twice else "rung that was not owed"].append(f"{key} sent {row.sent_at}")


def _others(ledger: Ledger, story: Story, orders: Mapping[str, NoticeOrder], sent: Mapping[str, Any]) -> None:
    """Returns and corrections: whom they are for depends on who was told when, so they are only counted."""
    for key, order in orders.items():
        if not is_rung(order, story.rules) and UNANSWERED not in order.rung:
            ledger.counts["returns and corrections due"] += 1
            ledger.counts["returns and corrections told"] += key in sent


def _broken(ledger: Ledger, book: Book, found: Found) -> None:
    ledger.counts["malformed inputs"] = book.broken_sent.total()
    ledger.counts["malformed inputs refused"] = book.broken_refused.total()
    ledger.wrong["malformed, and not refused"] += book.broken_taken
    kept = [row.reference for row in found.of(ChildTable) if row.reference.startswith("BROKEN")]
    ledger.wrong["malformed, and kept"] += kept


def _provided(ledger: Ledger, after: Aftermath) -> None:
    """What went out to people by the providers."""
    found, by_notify, by_mail = after.found, Counter(after.stored), Counter(after.mailed)
    messages = {row.id: row for row in found.of(MessageTable)}
    ledger.counts["notices to people that went into messages"] = sum(
        row.message_id is not None for row in found.of(RecipientTable)
    )
    ledger.counts["messages"] = len(messages)
    ledger.counts["messages by Notify, each once"] = sum(n == 1 for n in by_notify.values())
    ledger.counts["letters by the mail server"] = by_mail.total()
    ledger.counts["letters sent again, as the same letter"] = by_mail.total() - len(by_mail)
    ledger.counts["messages given up, which is shown"] = sum(one.state == "given_up" for one in messages.values())
    ledger.wrong["message twice by Notify"] += [reference for reference, n in by_notify.items() if n > 1]
    have = {reference[:36] for reference in (*by_notify, *by_mail)}
    reached = {id_ for id_, row in messages.items() if row.state == "reached"}
    taken = {row.message_id for row in found.of(DispatchTable) if row.taken_at}
    ledger.wrong["message that no provider has"] += sorted((reached | taken) - have)


def _weather(ledger: Ledger, after: Aftermath) -> None:
    for name, times in sorted(after.came.items()):
        ledger.counts[f"trouble: {name}"] = times
    for how, times in sorted(after.book.times_failed.items()):
        ledger.counts[f"asked again, {how}"] = times
    ledger.wrong["trouble that could not be made"] += after.not_made
    ledger.counts["processes that could not begin, and were started again"] = after.could_not_begin
    ledger.counts["processes that ended by themselves"] = len(after.ended)
    ledger.wrong["process that ended by itself"] += after.ended
