"""Runs of intake over both databases: broken off and gone on with, the engine away, two at once, another authority."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from sqlalchemy import func, select

from activities.store import Store, StoreUnavailableError
from activities.store.intake import (
    IntakeLine,
    finish_run,
    lines_of,
    progress_of,
    run_by_id,
    run_of,
    runs,
    write_lines,
)
from activities.store.tables import ChildTable, InboxTable, IntakeLineTable
from starter.client import EngineSilentError, Episodes
from starter.commands import Commands, ReadReport
from starter.intake import runs as runs_module
from starter.intake.runs import Export, IntakeRuns
from starter.intake.table import RowVerdict, read_export
from starter.intake.what_would_run import clocks_that_would_run
from tests.starter.exports import ENDED, MAPPING, NOW, export
from tests.starter.exports_at_length import long_export
from tests.workflows.builders import policies
from workflows.contracts import EpisodeInput
from workflows.plain_errors import BadInputError

POLICIES = policies()
FILE = Export(long_export(250).encode(), MAPPING)


class Engine:
    """An engine that notes which episodes were begun; silent from some call on, or for good."""

    def __init__(self, *, answers: int | None = None) -> None:
        self.begun: list[EpisodeInput] = []
        self.answers = answers
        self.asked = 0

    async def connect(self) -> Episodes:
        return cast("Episodes", self)

    async def begin(self, start: EpisodeInput) -> bool:
        self.asked += 1
        silent = self.answers is not None and self.asked > self.answers
        await asyncio.sleep(0)
        if silent:
            raise EngineSilentError("the engine did not answer")
        new = start.episode_id not in {one.episode_id for one in self.begun}
        self.begun.append(start)
        return new


def intake(store: Store, engine: Engine, authority: str = "local") -> IntakeRuns:
    return IntakeRuns(store, Commands(store, POLICIES, authority, engine.connect), authority)


async def inbox_rows(store: Store) -> list[InboxTable]:
    async with store.session() as session:
        return list((await session.scalars(select(InboxTable).order_by(InboxTable.id))).all())


async def lines(store: Store, run_id: str) -> list[IntakeLine]:
    async with store.session() as session:
        return await lines_of(session, run_id)


async def test_a_whole_run_gives_each_line_its_outcome_and_each_taken_row_one_episode(store: Store) -> None:
    engine = Engine()
    seen: list[tuple[int, int]] = []

    def see(done: int, lines: int) -> None:
        seen.append((done, lines))

    taken = await intake(store, engine).take_in(FILE, "Invented Clerk", NOW, see)
    verdicts = {v.line: v for v in read_export(FILE.content.decode(), MAPPING, NOW)}
    written = await lines(store, taken.progress.run.id)
    assert {n.line: (n.verdict, n.why) for n in written} == {
        line: (v.verdict, v.why or "; ".join(v.notes)) for line, v in verdicts.items()
    }
    assert [n.added for n in written] == [verdicts[n.line].report is not None for n in written]
    assert {n.episode_id for n in written if n.added} == {one.episode_id for one in engine.begun}
    assert taken.progress.added == len(engine.begun) == len({one.episode_id for one in engine.begun})
    assert (taken.progress.done, taken.progress.kept, taken.progress.there_already) == (250, 0, 0)
    assert {row.state for row in await inbox_rows(store)} == {"applied"}
    assert seen == [(0, 250), (100, 250), (200, 250), (250, 250)]
    assert (taken.progress.run.begun_by, taken.whole_before) == ("Invented Clerk", False)


async def test_no_rows_content_is_kept_in_a_run(store: Store) -> None:
    taken = await intake(store, Engine()).take_in(FILE, "x", NOW)
    said = " ".join(n.why for n in await lines(store, taken.progress.run.id))
    assert "INVENTED" not in said
    assert "INVENTED" not in taken.progress.model_dump_json()


async def test_the_same_file_again_adds_nothing_and_says_so(store: Store) -> None:
    engine = Engine()
    first = await intake(store, engine).take_in(FILE, "x", NOW)
    before = [(row.id, row.episode_id) for row in await inbox_rows(store)]
    again = await intake(store, engine).take_in(FILE, "y", datetime.now(UTC))
    assert again.whole_before
    assert (again.progress.run.id, again.progress.added) == (first.progress.run.id, first.progress.added)
    assert [(row.id, row.episode_id) for row in await inbox_rows(store)] == before
    assert engine.asked == len(before)


async def test_rows_of_another_file_that_are_there_already_are_not_doubled(store: Store) -> None:
    engine = Engine()
    await intake(store, engine).take_in(Export(export({}, ENDED).encode(), MAPPING), "x", NOW)
    more = Export(export({"Team": "Team 9"}, {}, ENDED).encode(), MAPPING)
    second = await intake(store, engine).take_in(more, "x", datetime.now(UTC))
    assert [n.added for n in await lines(store, second.progress.run.id)] == [True, False, False]
    assert (second.progress.added, second.progress.there_already, len(engine.begun)) == (1, 2, 3)


@pytest.mark.parametrize("breaks_at", [0, 1, 2])
async def test_a_run_whose_database_goes_away_goes_on_where_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch, breaks_at: int
) -> None:
    whole_engine = Engine()
    batches = 0

    async def breaks(*what: Any) -> None:
        nonlocal batches
        await write_lines(*what)
        batches += 1
        if batches > breaks_at:
            raise StoreUnavailableError("the database cannot be used now: invented")

    with monkeypatch.context() as broken:
        broken.setattr(runs_module, "write_lines", breaks)
        with pytest.raises(StoreUnavailableError):
            await intake(store, whole_engine).take_in(FILE, "x", NOW)
    async with store.session() as session:
        run = await run_of(session, "local", FILE.digest)
        assert run is not None
        assert (await progress_of(session, run)).done == breaks_at * 100
    # Days later, the rows are read as they were then.
    done = await intake(store, whole_engine).take_in(FILE, "x", datetime(2027, 3, 1, tzinfo=UTC))
    assert (done.done_before, done.whole_before) == (breaks_at * 100, False)
    assert [n.verdict for n in await lines(store, run.id)] == [
        v.verdict for v in read_export(FILE.content.decode(), MAPPING, NOW)
    ]
    assert len(whole_engine.begun) == len(await inbox_rows(store)) == done.progress.added


async def test_while_the_engine_is_away_rows_are_kept_and_begun_once_when_it_is_back(store: Store) -> None:
    away = Engine(answers=0)
    first = await intake(store, away).take_in(FILE, "x", NOW)
    assert first.progress.kept == first.progress.added > 200
    assert away.asked <= 16, "it is asked no more once it is silent"
    back = Engine()
    again = await intake(store, back).take_in(FILE, "x", NOW)
    assert again.whole_before
    assert again.progress.kept == 0
    assert len(back.begun) == first.progress.added


async def test_an_engine_that_falls_silent_half_way_is_told_of(store: Store) -> None:
    engine = Engine(answers=120)
    taken = await intake(store, engine).take_in(FILE, "x", NOW)
    assert taken.progress.kept == taken.progress.added - 120
    states = [row.state for row in await inbox_rows(store)]
    assert (states.count("applied"), states.count("kept")) == (120, taken.progress.kept)


async def test_the_same_file_twice_at_once_is_one_run(store: Store) -> None:
    engine = Engine()
    one, other = await asyncio.gather(
        intake(store, engine).take_in(FILE, "x", NOW), intake(store, engine).take_in(FILE, "y", NOW)
    )
    assert one.progress.run.id == other.progress.run.id
    rows = await inbox_rows(store)
    assert len(rows) == len({row.id for row in rows}) == one.progress.added + one.progress.there_already
    assert {start.episode_id for start in engine.begun} == {row.episode_id for row in rows}
    assert len(await lines(store, one.progress.run.id)) == 250


async def test_another_authority_takes_the_same_file_in_for_itself(store: Store) -> None:
    mine = await intake(store, Engine()).take_in(FILE, "x", NOW)
    engine = Engine()
    theirs = await intake(store, engine, "elsewhere").take_in(FILE, "x", NOW)
    assert theirs.progress.run.id != mine.progress.run.id
    assert theirs.progress.added == mine.progress.added == len(engine.begun)
    assert {one.authority for one in engine.begun} == {"elsewhere"}
    async with store.session() as session:
        assert [run.id for run in await runs(session, "elsewhere")] == [theirs.progress.run.id]
        assert await run_by_id(session, "elsewhere", mine.progress.run.id) is None
        assert await run_by_id(session, "local", mine.progress.run.id) is not None
        children = select(ChildTable.authority, func.count()).group_by(ChildTable.authority)
        by_authority = {row[0]: row[1] for row in (await session.execute(children)).all()}
        assert by_authority["local"] == by_authority["elsewhere"]


async def test_a_row_taken_in_by_the_version_before_is_there_already(store: Store) -> None:
    """It kept a row's report under the row's own id."""
    (verdict,) = read_export(export({}), MAPPING, NOW)
    assert verdict.report is not None
    engine = Engine()
    commands = Commands(store, POLICIES, "local", engine.connect)
    before = await commands.take_in(verdict.report, verdict.facts, NOW)
    assert before.id == str(verdict.report.report_id)
    (again,) = await commands.take_in_all([ReadReport(verdict.report, verdict.facts)], datetime.now(UTC))
    assert (again.again, again.episode_id, again.state) == (True, before.episode_id, "applied")
    taken = await intake(store, engine).take_in(Export(export({}).encode(), MAPPING), "x", NOW)
    assert (taken.progress.added, taken.progress.there_already) == (0, 1)


async def test_a_dry_run_writes_nothing_and_says_what_would_begin(store: Store) -> None:
    other_child = {**ENDED, "PersonID": "X-INVENTED-2"}
    export_of_three = Export(export({}, other_child, {"Start Date": "31/02/2026"}).encode(), MAPPING)
    preview = await intake(store, Engine()).preview(export_of_three, NOW)
    assert preview.totals() == {
        "refused": 1,
        "taken": 1,
        "taken_with_note": 1,
        "would_begin": 2,
        "would_begin_away": 1,
        "would_begin_back": 1,
        "there_already": 0,
    }
    assert await inbox_rows(store) == []
    await intake(store, Engine()).take_in(export_of_three, "x", NOW)
    after = await intake(store, Engine()).preview(export_of_three, NOW)
    assert (after.totals()["would_begin"], after.totals()["there_already"]) == (0, 2)
    assert await _count(store) == 3


async def _count(store: Store) -> int:
    async with store.session() as session:
        return await session.scalar(select(func.count()).select_from(IntakeLineTable)) or 0


async def test_a_file_that_cannot_be_used_leaves_no_run(store: Store) -> None:
    with pytest.raises(BadInputError):
        await intake(store, Engine()).take_in(Export(b"nonsense", MAPPING), "x", NOW)
    async with store.session() as session:
        assert await runs(session, "local") == []


async def test_a_line_keeps_the_outcome_that_it_has_and_a_run_the_time_it_was_finished(store: Store) -> None:
    taken = await intake(store, Engine()).take_in(Export(export({}).encode(), MAPPING), "x", NOW)
    run = taken.progress.run
    (before,) = await lines(store, run.id)
    async with store.session() as session:
        await write_lines(session, run.id, [IntakeLine(line=before.line, verdict="refused", why="other")])
        finished = (await run_of(session, "local", run.digest) or run).finished_at
        await finish_run(session, run.id, datetime(2030, 1, 1, tzinfo=UTC))
        assert (await run_of(session, "local", run.digest) or run).finished_at == finished
    assert await lines(store, run.id) == [before]


def test_the_clocks_that_would_run_are_those_that_rows_begin() -> None:
    def rows(*changes: dict[str, str]) -> Sequence[RowVerdict]:
        return read_export(export(*changes), MAPPING, NOW)

    nothing = clocks_that_would_run(rows({"Start Date": "31/02/2026"}), POLICIES, NOW)
    assert nothing == {"running": 0, "overdue": 0}
    just_gone = clocks_that_would_run(rows({"Start Date": "20/06/2026", "Start Time": "12:30"}), POLICIES, NOW)
    assert just_gone["running"] > 0
    long_gone = clocks_that_would_run(rows({}), POLICIES, NOW)
    assert long_gone["overdue"] > just_gone["overdue"]
