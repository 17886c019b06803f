"""The schema's revisions: each comes from nothing, from 0.2.0 and back again, on both databases, and loses no row."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from activities.store import SchemaError, Store, schema
from activities.store.schema import HEAD, MADE_BY_0_2_0, REVISIONS, alembic_config
from activities.store.tables import SchemaNoteTable, Table
from tests.postgres import Postgres

MADE_THEN = (Path(__file__).parent / "version_0_2_0.sql").read_text(encoding="utf-8")
MADE_SINCE = "\n".join(
    (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
    for name in (
        "people_and_messages",
        "audit",
        "disagreements",
        "accounts_and_sessions",
        "events_out",
        "intake_runs",
        "drafts",
    )
)
TABLES_THEN = {"child", "child_record", "episode", "fact", "clock", "timeline", "notice", "task", "inbox"} | {
    "policy_in_use"
}
Answer = TypeVar("Answer")


@pytest_asyncio.fixture
async def bare(empty_url: str) -> AsyncGenerator[Store]:
    """A store without any table, once of each kind."""
    opened = Store(empty_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def store(database_url: str) -> AsyncGenerator[Store]:
    """A store as the owner of its tables uses it, who alone can change them."""
    opened = Store(database_url)
    await opened.upgrade()
    yield opened
    await opened.close()


async def ask(store: Store, question: Callable[[Connection], Answer]) -> Answer:
    async with store._engine.begin() as connection:
        return await connection.run_sync(question)


async def do(store: Store, *statements: str) -> None:
    async with store._engine.begin() as connection:
        for statement in statements:
            # A colon would begin a parameter.
            await connection.execute(text(statement.replace(":", r"\:")))


async def rows(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of Homeward's, as plain values."""

    def read(connection: Connection) -> dict[str, list[dict[str, Any]]]:
        there = set(inspect(connection).get_table_names()) - {"alembic_version", "schema_note"}
        return {name: _rows(connection, name) for name in there}

    return await ask(store, read)


def _rows(connection: Connection, name: str) -> list[dict[str, Any]]:
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    return [dict(row._mapping) for row in connection.execute(sa.select(table))]


def shape(connection: Connection) -> dict[str, Any]:
    """Tables with their columns, constraints and indexes, all by name and in no order."""
    seen = inspect(connection)
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)},
            "pk": seen.get_pk_constraint(table),
            "fks": sorted((fk["name"] or "", str(fk["constrained_columns"])) for fk in seen.get_foreign_keys(table)),
            "uqs": sorted((uq["name"] or "", str(uq["column_names"])) for uq in seen.get_unique_constraints(table)),
            "ixs": sorted((ix["name"] or "", str(ix["column_names"])) for ix in seen.get_indexes(table)),
        }
        for table in seen.get_table_names()
        if table != "alembic_version"
    }


def scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(alembic_config(Config, None))  # pyright: ignore[reportArgumentType]


def test_the_head_is_the_one_that_is_meant() -> None:
    assert HEAD == "0011_database_id"
    assert scripts().get_heads() == [HEAD]
    assert [one.revision for one in scripts().walk_revisions()] == list(reversed(REVISIONS))


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_revision_says_whether_older_workers_go_on_and_what_undoing_it_loses(revision: str) -> None:
    script = scripts().get_revision(revision)
    assert script is not None
    assert isinstance(script.module.BACKWARD_COMPATIBLE, bool)
    assert len(revision) <= 32, "longer than the column that holds it"
    assert "lost" in (script.module.__doc__ or "")


async def test_from_nothing_the_revisions_make_what_the_model_says(bare: Store) -> None:
    assert await bare.upgrade() == REVISIONS

    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Table.metadata)

    assert await ask(bare, differences) == []
    migrated = await ask(bare, shape)
    await bare.downgrade("base")
    await ask(bare, Table.metadata.create_all)
    assert migrated == await ask(bare, shape), "names of constraints and types too"


async def test_a_column_that_no_revision_makes_is_noticed(bare: Store) -> None:
    """The check above can fail."""
    await bare.upgrade()
    await do(bare, "ALTER TABLE task ADD COLUMN forgotten VARCHAR")

    def differences(connection: Connection) -> list[Any]:
        return compare_metadata(MigrationContext.configure(connection), Table.metadata)

    [(what, _, table, column)] = await ask(bare, differences)
    assert (what, table, column.name) == ("remove_column", "task", "forgotten")


def made_by_0_2_0(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(MADE_THEN)


async def filled_at_0_2_0(store: Store) -> None:
    """The schema at its first revision, with the rows of the frozen file."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "REVISIONS", REVISIONS[:1])
        patched.setattr(schema, "HEAD", MADE_BY_0_2_0)
        assert await store.upgrade() == (MADE_BY_0_2_0,)
    inserts = [line for line in MADE_THEN.splitlines() if line.startswith("INSERT INTO")]
    inserts.sort(key=lambda line: '"child"' not in line and '"episode"' not in line)
    # SQLite writes true and false as 1 and 0.
    await do(store, *(line.replace("'tray',1,0,", "'tray',true,false,") for line in inserts))


async def test_rows_of_0_2_0_come_up_and_down_and_up_again(bare: Store) -> None:
    await filled_at_0_2_0(bare)
    before = await rows(bare)
    assert set(before) == TABLES_THEN
    assert all(len(there) == 1 for there in before.values())
    assert await bare.upgrade() == REVISIONS[1:]
    between = await rows(bare)
    [notice], [task] = between["notice"], between["task"]
    assert (notice["acknowledged_by"], task["holder"], task["done_by"]) == (None, None, None)
    await bare.downgrade(MADE_BY_0_2_0)
    assert await rows(bare) == before
    assert await bare.upgrade() == REVISIONS[1:]
    again = await rows(bare)
    assert again.pop("database_id") != between.pop("database_id"), "which database it is, is made anew"
    assert again == between


async def test_newer_rows_are_lost_on_the_way_down_and_older_ones_are_not(bare: Store) -> None:
    await filled_at_0_2_0(bare)
    before = await rows(bare)
    await bare.upgrade()
    await do(bare, *(line for line in MADE_SINCE.splitlines() if not line.startswith("--")))
    await bare.downgrade(MADE_BY_0_2_0)
    assert await rows(bare) == before, "a notice without a channel is one of the tray again"
    await bare.upgrade()
    assert (await rows(bare))["person"] == []
    await bare.downgrade("base")
    assert await rows(bare) == {}
    assert (await bare.schema()).standing == "empty"


@pytest.mark.parametrize("version", ["version_0_2_0", "version_0_3_0"])
async def test_a_file_of_a_version_without_revisions_is_recognised_and_loses_nothing(
    tmp_path: Path, version: str
) -> None:
    file = tmp_path / "homeward.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.executescript((Path(__file__).parent / f"{version}.sql").read_text(encoding="utf-8"))
    store = Store(f"sqlite:///{file}")
    assert (await store.schema()).standing == "unstamped"
    before = await rows(store)
    assert set(before) >= TABLES_THEN
    await store.make_ready()
    assert (await store.schema()).standing == "current"
    after = await rows(store)
    for table in before:
        [was], [became] = before[table], after[table]
        assert {name: value for name, value in became.items() if name in was} == {
            name: value for name, value in was.items() if name in became
        }
        assert set(was) - set(became) == ({"delivered_at"} - {*became} if "delivered_at" in was else set())
    await store.close()


def test_the_first_revision_makes_what_0_2_0_made(tmp_path: Path) -> None:
    made_by_0_2_0(tmp_path / "then.sqlite")

    async def shapes() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in ("then", "now"):
            store = Store(f"sqlite:///{tmp_path / name}.sqlite")
            if name == "now":
                await store.upgrade()
                await store.downgrade(MADE_BY_0_2_0)
            found.append(await ask(store, shape))
            await store.close()
        return found

    then, now = asyncio.run(shapes())
    assert then == now


async def test_tables_that_are_nobody_knows_whose_are_left_alone(bare: Store) -> None:
    await do(bare, "CREATE TABLE episode (id VARCHAR)")
    with pytest.raises(SchemaError, match="nothing that says which Homeward made them"):
        await bare.upgrade()
    assert set(await rows(bare)) == {"episode"}


async def test_many_that_upgrade_at_once_are_one_upgrade(bare: Store, empty_url: str) -> None:
    others = [Store(empty_url) for _ in range(4)]
    done = await asyncio.gather(*(store.upgrade() for store in (bare, *others)))
    assert sorted(done) == [(), (), (), (), REVISIONS]
    for store in others:
        await store.close()


async def test_what_fails_half_way_changes_nothing(bare: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await filled_at_0_2_0(bare)
    before = await ask(bare, shape), await rows(bare)
    with failing_at_the_end(monkeypatch), pytest.raises(RuntimeError, match="invented"):
        await bare.upgrade()
    assert (await ask(bare, shape), await rows(bare)) == before
    assert (await bare.schema()).revision == MADE_BY_0_2_0
    await bare.upgrade()


@contextmanager
def failing_at_the_end(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    real = command.upgrade

    def fails(*words: Any) -> None:
        real(*words)
        raise RuntimeError("invented")

    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", fails)
        yield


@pytest.mark.parametrize(
    ("back_to", "standing"),
    [(HEAD, "served"), (MADE_BY_0_2_0, "served"), ("9003_invented", "ahead"), (None, "ahead")],
)
async def test_a_schema_ahead_is_accepted_only_when_it_says_that_it_serves_us(
    store: Store, back_to: str | None, standing: str
) -> None:
    before = await rows(store)
    await do(store, "UPDATE alembic_version SET version_num = '9003_invented'")
    if back_to:
        async with store.session() as session:
            session.add(SchemaNoteTable(revision="9003_invented", compatible_back_to=back_to))
    assert (await store.schema()).standing == standing
    if standing == "served":
        await store.check_schema()
        assert await store.upgrade() == ()
    else:
        with pytest.raises(SchemaError, match=f"9003_invented, which this Homeward .of {HEAD}. does not know"):
            await store.upgrade()
    with pytest.raises(ValueError, match="only a newer Homeward can undo"):
        await store.downgrade("base")
    assert await rows(store) == before


STEP = """
revision, down_revision, branch_labels, depends_on = "{name}", "{after}", None, None
BACKWARD_COMPATIBLE = {compatible}

def upgrade(): pass
def downgrade(): pass
"""


def newer_homeward(patched: pytest.MonkeyPatch, folder: Path, *steps: tuple[str, bool]) -> None:
    """Be a Homeward that knows more revisions, each of which says whether it is backward compatible."""
    known = list(REVISIONS)
    for name, compatible in steps:
        step = STEP.format(name=name, after=known[-1], compatible=compatible)
        (folder / f"{name}.py").write_text(step, encoding="utf-8")
        known.append(name)

    def config(kind: Any, connection: Any) -> Any:
        made = alembic_config(kind, connection)
        made.set_main_option("version_locations", os.pathsep.join((str(schema.VERSIONS), str(folder))))
        return made

    patched.setattr(schema, "alembic_config", config)
    patched.setattr(schema, "REVISIONS", tuple(known))
    patched.setattr(schema, "HEAD", known[-1])


@pytest.mark.parametrize(
    ("steps", "standing"),
    [
        ([("9003_more", True)], "served"),
        ([("9003_more", True), ("9004_more_still", True)], "served"),
        ([("9003_more", True), ("9004_less", False)], "ahead"),
        ([("9003_less", False)], "ahead"),
        ([("9003_less", False), ("9004_more", True)], "ahead"),
    ],
)
async def test_workers_of_the_version_before_go_on_while_every_newer_step_is_backward_compatible(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[tuple[str, bool]], standing: str
) -> None:
    def notes(connection: Connection) -> int:
        return connection.scalar(text("SELECT count(*) FROM schema_note")) or 0

    before = await ask(store, notes)
    folder = tmp_path / "newer"
    folder.mkdir()
    with monkeypatch.context() as patched:
        newer_homeward(patched, folder, *steps)
        assert (await store.schema()).standing == "behind"
        assert await store.upgrade() == tuple(name for name, _ in steps)
    state = await store.schema()
    assert (state.standing, state.revision) == (standing, steps[-1][0])
    with monkeypatch.context() as patched:
        newer_homeward(patched, folder, *steps)
        await store.downgrade(REVISIONS[-1])
    assert (await store.schema()).standing == "current"
    assert await ask(store, notes) == before


async def test_behind_is_told_in_one_line_that_says_what_to_do(postgres: Postgres, empty_postgres_url: str) -> None:
    store = Store(empty_postgres_url)
    with pytest.raises(SchemaError, match=r"is empty and this Homeward needs .*'homeward database upgrade'"):
        await store.make_ready()
    await store.upgrade()
    await store.make_ready()
    await store.downgrade(MADE_BY_0_2_0)
    with pytest.raises(SchemaError, match=f"at revision {MADE_BY_0_2_0} and this Homeward needs {HEAD}"):
        await store.make_ready()
    await store.close()
