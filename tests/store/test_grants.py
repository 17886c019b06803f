"""The application's user on PostgreSQL: it does all of Homeward's work, and changes neither the audit nor a table.

That it does all of the work is shown by every other test of a store: they run as this user.
"""

import json
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text

from activities.store import Store, StoreUnavailableError, audit
from activities.store.schema import HEAD, REVISIONS
from activities.store.tables import Table
from starter.cli.main import run
from tests.postgres import APPLICATION, USER, Postgres, as_application
from tests.store.rows import AUTHORITY
from tests.store.test_audit import entry, written

NEVER_OF_THE_APPLICATION = (
    "UPDATE audit SET why = 'another'",
    "UPDATE audit SET number = number WHERE false",
    "DELETE FROM audit",
    "DELETE FROM audit WHERE false",
    "TRUNCATE audit",
    "DROP TRIGGER audit_only_added_to ON audit",
    "ALTER TABLE audit DISABLE TRIGGER ALL",
    "ALTER TABLE audit ADD COLUMN more text",
    "ALTER TABLE audit OWNER TO homeward_app",
    "DROP TABLE audit",
    "CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
    "DROP FUNCTION refuse_audit_change() CASCADE",
    "CREATE TRIGGER mine BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()",
    "SELECT * FROM audit FOR UPDATE",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = 'another'",
    "DELETE FROM alembic_version",
    "INSERT INTO alembic_version VALUES ('another')",
    "CREATE TABLE of_my_own (id int)",
    "TRUNCATE episode CASCADE",
    "DROP TABLE dispatch",
)


@pytest_asyncio.fixture
async def application(postgres_url: str) -> AsyncGenerator[Store]:
    opened = Store(as_application(postgres_url))
    yield opened
    await opened.close()


@pytest.fixture
def role(postgres: Postgres) -> Generator[str]:
    """A role of the test's own, to which nothing was given."""
    name = f"r{uuid4().hex}"
    postgres.create_role(name)
    yield name
    postgres.run(f"DROP ROLE {name}")


async def test_the_stores_of_tests_are_used_by_the_application_and_not_by_the_owner(store: Store) -> None:
    if store._engine.dialect.name != "postgresql":
        assert store.url.startswith("sqlite")
        return
    async with store.session() as session:
        assert await session.scalar(text("SELECT current_user")) == APPLICATION


@pytest.mark.parametrize("statement", NEVER_OF_THE_APPLICATION)
async def test_the_application_cannot(application: Store, statement: str) -> None:
    entries = await written(application)
    with pytest.raises(StoreUnavailableError, match=r"permission denied|must be owner"):
        async with application.session() as session:
            await session.execute(text(statement))
    async with application.session() as session:
        assert await audit.entries(session, AUTHORITY) == entries


async def test_the_application_cannot_give_itself_more(application: Store) -> None:
    await written(application)
    async with application.session() as session:
        # PostgreSQL only warns that nothing was granted.
        await session.execute(text("GRANT UPDATE ON audit TO homeward_app"))
    with pytest.raises(StoreUnavailableError, match="permission denied"):
        async with application.session() as session:
            await session.execute(text("UPDATE audit SET why = 'another'"))


async def test_the_application_may_work_with_every_other_table(application: Store) -> None:
    async with application.session() as session:
        for name in Table.metadata.tables:
            held = [
                one
                for one in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
                if await session.scalar(text("SELECT has_table_privilege(:table, :one)"), {"table": name, "one": one})
            ]
            expected = ["SELECT", "INSERT"] if name == "audit" else ["SELECT", "INSERT", "UPDATE", "DELETE"]
            assert held == expected, name
        assert await session.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    await application.make_ready()


async def test_tables_to_come_are_the_applications_too_and_a_new_audit_is_not(
    postgres_url: str, application: Store
) -> None:
    owner = Store(postgres_url)
    before = REVISIONS[REVISIONS.index("0003_audit") - 1]
    await owner.downgrade(before)
    await owner.upgrade()
    async with owner.session() as session:
        await session.execute(text("CREATE TABLE later (id int)"))
    async with application.session() as session:
        await session.execute(text("INSERT INTO later VALUES (1)"))
        await session.execute(text("DELETE FROM later"))
        await audit.append(session, entry())
    for statement in ("UPDATE audit SET why = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
        with pytest.raises(StoreUnavailableError, match="permission denied"):
            async with application.session() as session:
                await session.execute(text(statement))
    await owner.close()


async def test_what_a_role_had_before_is_taken_from_it(postgres_url: str, postgres: Postgres, role: str) -> None:
    owner = Store(postgres_url)
    database = postgres_url.rpartition("/")[2]
    for statement in (f"GRANT ALL ON audit, episode, alembic_version TO {role}", f"GRANT ALL ON audit TO {role}"):
        postgres.run(statement, database)
    await owner.grant(role)
    await owner.grant(role)
    asked = text("SELECT has_table_privilege(CAST(:role AS name), :table, :privilege)")
    async with owner.session() as session:
        for table, privilege, may in (
            ("audit", "INSERT", True),
            ("audit", "UPDATE", False),
            ("audit", "TRUNCATE", False),
            ("episode", "DELETE", True),
            ("episode", "TRUNCATE", False),
            ("alembic_version", "SELECT", True),
            ("alembic_version", "UPDATE", False),
        ):
            values = {"role": role, "table": table, "privilege": privilege}
            assert await session.scalar(asked, values) is may, (table, privilege)
    await owner.close()
    postgres.run(f"DROP OWNED BY {role}", database)


Says = Callable[..., tuple[int, str, str]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Says:
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path / "data"))

    def say(url: str, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("HOMEWARD_DATABASE_URL", url)
        status = run(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return say


def complaint(said: tuple[int, str, str]) -> str:
    status, answer, line = said
    assert (status, answer, line.count("\n")) == (2, "", 1)
    return line.removeprefix("homeward: ROLE: ").rstrip()


def test_the_owner_grants_by_a_command(says: Says, postgres_url: str, postgres: Postgres, role: str) -> None:
    status, answer, _ = says(postgres_url, "database", "grant", role)
    assert (status, answer.startswith(f"Granted: {role} may")) == (0, True)
    status, answer, _ = says(postgres_url.replace(USER, role, 1), "database", "show", "--json")
    assert (status, json.loads(answer)["standing"]) == (0, "current")
    postgres.run(f"DROP OWNED BY {role}", postgres_url.rpartition("/")[2])


def test_what_is_no_database_for_it_is_one_line(says: Says, empty_postgres_url: str, tmp_path: Path) -> None:
    sqlite = f"sqlite:///{tmp_path / 'x.sqlite'}"
    assert says(sqlite, "database", "upgrade")[0] == 0
    assert "knows no roles" in complaint(says(sqlite, "database", "grant", "somebody"))
    said = says(empty_postgres_url, "database", "grant", "somebody")
    assert "run 'homeward database upgrade'" in complaint(said)


def test_what_cannot_be_granted_is_one_line(says: Says, postgres_url: str, postgres: Postgres, role: str) -> None:
    for name in ("nobody_at_all", 'x"; DROP TABLE audit; --', "a:b"):
        assert "there is no such role" in complaint(says(postgres_url, "database", "grant", name))
    assert "is a superuser's" in complaint(says(postgres_url, "database", "grant", USER))
    assert "only the owner" in complaint(says(as_application(postgres_url), "database", "grant", role))
    database = postgres_url.rpartition("/")[2]
    owner, between = f"o{uuid4().hex}", f"b{uuid4().hex}"
    postgres.create_role(owner)
    postgres.create_role(between)
    postgres.run(f"GRANT {between} TO {role}")
    postgres.run(f"GRANT UPDATE ON audit TO {between}", database)
    assert "could change the audit all the same (UPDATE)" in complaint(says(postgres_url, "database", "grant", role))
    postgres.run(f"GRANT {owner} TO {between}")
    postgres.run(f"ALTER TABLE audit OWNER TO {owner}", database)
    assert "is in the role that does" in complaint(says(postgres_url, "database", "grant", role))
    for name in (owner, between):
        postgres.run(f"DROP OWNED BY {name}", database)
        postgres.run(f"DROP ROLE {name}")
