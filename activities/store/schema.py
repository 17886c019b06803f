"""The schema's revisions: which there are, where a database stands, and how it is brought to another.

The database says where it stands in `alembic_version`. What a newer revision
means to a worker that does not know it is said by `schema_note`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sqlalchemy import Connection, inspect, text

from activities.store import identity_tables as identity_tables  # noqa: PLC0414 - part of the one model
from activities.store.tables import Table

VERSIONS: Final = Path(__file__).parent / "migrations" / "versions"
REVISIONS: Final = tuple(sorted(file.stem for file in VERSIONS.glob("[0-9]*.py")))
"""Every revision this Homeward knows, oldest first."""

HEAD: Final = REVISIONS[-1]
"""The revision this Homeward is written for."""

MADE_BY_0_2_0: Final = REVISIONS[0]

MADE_BY_0_3_0: Final = REVISIONS[1]

_TABLES_OF_0_2_0: Final = frozenset(
    {"child", "child_record", "episode", "fact", "clock", "timeline", "notice", "task", "inbox", "policy_in_use"}
)
_TABLES_OF_0_3_0: Final = _TABLES_OF_0_2_0 | {
    *("child_team", "dispatch", "holding", "leave", "message", "person", "receipt", "recipient", "shift"),
}
_UNSTAMPED: Final = {_TABLES_OF_0_2_0: MADE_BY_0_2_0, _TABLES_OF_0_3_0: MADE_BY_0_3_0}
"""The tables of the versions that kept no revision, and which revision they are as."""

_MIGRATION_LOCK: Final = 0x686F6D65776172
"""Any number that no other program takes: 'homewar' in ASCII."""

_LOCK_PATIENCE: Final = "10s"
"""How long a change of a table waits for those who use it; they wait behind it meanwhile."""

Standing = Literal["empty", "unstamped", "behind", "current", "served", "ahead"]


@dataclass(frozen=True)
class SchemaState:
    """Where a database stands.

    empty: it has no tables. unstamped: it was made by 0.2.0 or 0.3.0, which
    kept no revision. served: it is ahead of this Homeward, and says that this one may
    go on. ahead: it is, and does not.
    """

    standing: Standing
    revision: str | None

    @property
    def usable(self) -> bool:
        """Whether this Homeward can work with it as it is."""
        return self.standing in ("current", "served")

    @property
    def pending(self) -> tuple[str, ...]:
        """The revisions that lie between it and this Homeward's own, oldest first."""
        if self.standing in ("current", "served", "ahead"):
            return ()
        return REVISIONS[REVISIONS.index(self.revision) + 1 :] if self.revision else REVISIONS

    def trouble(self) -> str:
        """Why this Homeward cannot work with it, in one line."""
        if self.standing == "ahead":
            return (
                f"the database is at revision {self.revision}, which this Homeward (of {HEAD}) does not know "
                "and which does not serve it: use the newer Homeward"
            )
        made = f"as a version without revisions made it ({self.revision})"
        where = {"empty": "empty", "unstamped": made}.get(self.standing, f"at revision {self.revision}")
        return f"the database is {where} and this Homeward needs {HEAD}: run 'homeward database upgrade'"


class ForeignTablesError(Exception):
    """The tables are none that a version of Homeward made. Its text is one line."""


def state_of(connection: Connection) -> SchemaState:
    """Where a database stands. Raises ForeignTablesError."""
    there = set(inspect(connection).get_table_names())
    if "alembic_version" in there and (revision := _revision(connection)):
        if revision == HEAD:
            return SchemaState("current", revision)
        if revision in REVISIONS:
            return SchemaState("behind", revision)
        return SchemaState("served" if _serves_us(connection, there, revision) else "ahead", revision)
    ours = (there & set(Table.metadata.tables)) - {"schema_note"}
    if not ours:
        return SchemaState("empty", None)
    if as_revision := _UNSTAMPED.get(frozenset(ours)):
        return SchemaState("unstamped", as_revision)
    raise ForeignTablesError(
        "the database holds tables of these names, and nothing that says which Homeward made them: "
        "name another HOMEWARD_DATA_DIR or HOMEWARD_DATABASE_URL"
    )


def _revision(connection: Connection) -> str | None:
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _serves_us(connection: Connection, there: set[str], revision: str) -> bool:
    if "schema_note" not in there:
        return False
    asked = text("SELECT compatible_back_to FROM schema_note WHERE revision = :revision")
    return connection.scalar(asked, {"revision": revision}) in REVISIONS


def bring_up(connection: Connection) -> tuple[str, ...]:
    """Bring a database to this Homeward's revision, in the connection's transaction; the revisions that took.

    One that stands ahead is left as it is. Of several processes that begin at
    once one does the work and the others wait for it. Raises
    ForeignTablesError.
    """
    _take_turns(connection)
    state = state_of(connection)
    if not state.pending:
        return ()
    if state.standing == "unstamped" and state.revision is not None:
        _stamp(connection, state.revision)
    _alembic(connection, lambda command, config: command.upgrade(config, HEAD))
    return state.pending


def _stamp(connection: Connection, revision: str) -> None:
    """Have a database that kept no revision say as which it was made."""
    if revision != MADE_BY_0_2_0:
        # All that its version's tables lack of the revision.
        Table.metadata.tables["schema_note"].create(connection)
    _alembic(connection, lambda command, config: command.stamp(config, revision))


def bring_down(connection: Connection, revision: str) -> None:
    """Bring a database back to an earlier revision, or to `base`: no tables. What the dropped tables held is lost.

    Raises ForeignTablesError; ValueError, one line, when it does not stand above that revision.
    """
    _take_turns(connection)
    state = state_of(connection)
    if state.revision is not None and state.revision not in REVISIONS:
        raise ValueError(f"the database is at {state.revision}, which only a newer Homeward can undo")
    stands_at = None if state.standing == "unstamped" else state.revision
    below = ("base", *REVISIONS[: REVISIONS.index(stands_at)]) if stands_at else ()
    if revision not in below:
        raise ValueError(f"'{revision}' is not below where the database stands ({', '.join(below) or 'nothing is'})")
    _alembic(connection, lambda command, config: command.downgrade(config, revision))


def _take_turns(connection: Connection) -> None:
    """On SQLite a transaction that has begun has the file already."""
    if connection.dialect.name != "postgresql":
        return
    for setting in ("SET LOCAL lock_timeout = 0", "SET LOCAL statement_timeout = 0"):
        connection.execute(text(setting))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_PATIENCE}'"))


def _alembic(connection: Connection, work: Callable[[Any, Any], None]) -> None:
    # Most commands find the schema as it should be, and need none of this.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    work(command, alembic_config(Config, connection))
    if connection.dialect.name != "sqlite":
        return
    # While tables are made anew SQLite does not look at what speaks of them.
    if broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise RuntimeError(f"a migration left rows of table {broken[0]} without the rows they speak of")


def alembic_config(config: Any, connection: Connection) -> Any:
    """Alembic's configuration, made of `config`, its class, for one connection."""
    made = config()
    made.set_main_option("script_location", "activities.store:migrations")
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "%%(rev)s")
    made.attributes["connection"] = connection
    return made
