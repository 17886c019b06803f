"""A storm in short, on both databases; and that its ledger finds what is lost, doubled or falsely there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from activities.store.tables import FactTable, InboxTable, NoticeTable, Table
from tests.faults.storm import Storm, brought_down
from tests.faults.storm_expected import is_rung, overtaken_after, owed
from tests.faults.storm_ledger import Aftermath, drawn_up
from tests.faults.storm_lives import Scale, lives


def short(database: str, episodes: int) -> Storm:
    return Storm(
        seed=11,
        scale=Scale(episodes, reach=12, commands=0.0),
        spread=8.0,
        lasts=20.0,
        database=database,
        calm=(0.5, 2.0),
        broken_pause=0.25,
        longest_trouble=2.5,
    )


@pytest.mark.parametrize(
    ("database", "episodes"), [("sqlite", 16), pytest.param("postgresql", 12, marks=pytest.mark.long)]
)
def test_a_storm_loses_and_doubles_nothing_and_its_ledger_would_find_it(
    tmp_path: Path, database: str, episodes: int
) -> None:
    said: list[str] = []
    aftermath = brought_down(short(database, episodes), tmp_path, said.append)
    ledger = drawn_up(aftermath)
    assert ledger.well, "\n".join((*said, *ledger.lines()))
    assert ledger.counts["episodes in the rows"] == episodes
    assert ledger.counts["rungs fired once"] > episodes
    assert ledger.counts["malformed inputs refused"] > episodes
    for plant in PLANTED.values():
        aftermath = plant(aftermath)
    assert {name for name, lines in drawn_up(aftermath).wrong.items() if lines} >= set(PLANTED)


def _without(aftermath: Aftermath, table: type[Table], which: Callable[[Any], bool]) -> Aftermath:
    """The same aftermath, as if the first row of that sort were not there."""
    rows = aftermath.found.rows[table]
    gone = next(row for row in rows if which(row))
    return _with_rows(aftermath, table, [row for row in rows if row is not gone])


def _with_rows(aftermath: Aftermath, table: type[Table], rows: list[Any]) -> Aftermath:
    return replace(aftermath, found=replace(aftermath.found, rows={**aftermath.found.rows, table: rows}))


def _values(row: Any, table: type[Table]) -> dict[str, Any]:
    columns = table.__table__.columns
    return {column.name: getattr(row, column.name) for column in columns if column.computed is None}


def _rung_told(aftermath: Aftermath) -> set[str]:
    """The keys of rungs that were owed and that no fact overtook."""
    return {
        order.key
        for story in aftermath.stories
        for order in owed(story, aftermath.until)
        if is_rung(order, story.rules) and overtaken_after(story, order) is None
    }


def _notice_lost(aftermath: Aftermath) -> Aftermath:
    keys = _rung_told(aftermath)
    return _without(aftermath, NoticeTable, lambda row: row.key in keys)


def _notice_doubled(aftermath: Aftermath) -> Aftermath:
    keys = _rung_told(aftermath)
    row = next(row for row in aftermath.found.of(NoticeTable) if row.key in keys)
    values = _values(row, NoticeTable)
    again = NoticeTable(**{**values, "key": row.key.replace("/1/", "/7/")})
    return _with_rows(aftermath, NoticeTable, [*aftermath.found.of(NoticeTable), again])


def _fact_lost(aftermath: Aftermath) -> Aftermath:
    accepted = {one.fact_id for one in aftermath.book.accepted if one.fact_id}
    return _without(aftermath, FactTable, lambda row: row.id in accepted)


def _fact_doubled(aftermath: Aftermath) -> Aftermath:
    row = next(row for row in aftermath.found.of(FactTable) if row.kind == "reported")
    values = _values(row, FactTable)
    again = FactTable(**{**values, "id": "again", "body": {**row.body, "id": "again"}})
    return _with_rows(aftermath, FactTable, [*aftermath.found.of(FactTable), again])


def _never_applied(aftermath: Aftermath) -> Aftermath:
    row = aftermath.found.of(InboxTable)[0]
    values = _values(row, InboxTable)
    waits = InboxTable(**{**values, "id": "waits", "state": "kept"})
    return _with_rows(aftermath, InboxTable, [*aftermath.found.of(InboxTable), waits])


PLANTED: dict[str, Callable[[Aftermath], Aftermath]] = {
    "rung lost": _notice_lost,
    "rung doubled": _notice_doubled,
    "fact lost": _fact_lost,
    "fact doubled": _fact_doubled,
    "kept and never applied": _never_applied,
}


def test_the_same_seed_says_the_same() -> None:
    scale = Scale(50, reach=30, commands=0.02)
    assert lives(3, scale) == lives(3, scale)
    assert lives(3, scale) != lives(4, scale)
    told = {saying.how for life in lives(3, scale) for saying in life.sayings}
    assert told == {"once", "twice_at_once", "twice_later", "by_command"}
