"""A PostgreSQL of the tests' own: made, started, stopped and taken away again. It needs no network."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg

USER: Final = "homeward"
PASSWORD: Final = "invented-pa55word"
TEMPLATE: Final = "template_of_tests"
APPLICATION: Final = "homeward_app"
"""The role that Homeward works as, who is not the owner of the tables."""

PATIENCE_SECONDS: Final = 30.0

MISSING: Final = "these tests need a PostgreSQL server on this machine: apt-get install postgresql"

_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # What the tests write need not survive the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "deadlock_timeout": "200ms",
}
_EMPTIED: Final = """
DO $$
DECLARE one regclass;
BEGIN
    PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT oid FROM pg_class
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
        AND relname NOT IN ('alembic_version', 'schema_note', 'database_id')
    LOOP EXECUTE format('DELETE FROM %s', one); END LOOP;
END $$
"""
"""Whoever is connected goes; then no table keeps a row, the audit neither, but what tells the schema's revision."""

_PR_SET_PDEATHSIG: Final = 1


class PostgresMissingError(Exception):
    """There is no PostgreSQL on this machine. Its text says what to install."""


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs: of the newest version installed, else of the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if found is None:
        raise PostgresMissingError(MISSING)
    return found


def _user() -> int | None:
    """PostgreSQL refuses to be run by root: there it is run by the user its package brings."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_uid
    except KeyError:
        raise PostgresMissingError(MISSING) from None


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class Postgres:
    """A server with its data in a folder of its own, on a port of the loopback address."""

    def __init__(self) -> None:
        self._initdb, self._server = program("initdb"), program("postgres")
        self._user = _user()
        self._group = None if self._user is None else pwd.getpwuid(self._user).pw_gid
        self._groups: list[int] | None = None if self._user is None else []
        self._folder = Path(tempfile.mkdtemp(prefix="homeward-postgres-"))
        if self._user is not None and self._group is not None:
            os.chown(self._folder, self._user, self._group)
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])

    def make(self) -> None:
        """Make the data folder: every local connection is let in."""
        data = ("--pgdata", str(self._folder / "data"))
        how = ("--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        made = subprocess.run(
            [self._initdb, *data, *how],
            user=self._user,
            group=self._group,
            extra_groups=self._groups,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        """Start, and wait until it answers."""
        settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [self._server, "-D", str(self._folder / "data"), "-p", str(self.port), *settings]
        with (self._folder / "log").open("ab") as log:
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command,
                user=self._user,
                group=self._group,
                extra_groups=self._groups,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 - no threads of ours hold a lock here
            )
        self._process = process
        give_up = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            said = (self._folder / "log").read_text(encoding="utf-8")
            assert time.monotonic() < give_up, said
            assert process.poll() is None, said
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            self.run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def pid(self) -> int:
        """The running server's process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """Stop at once: whoever is connected loses the connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE_SECONDS)
            self._process = None

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._folder)

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement, outside a transaction."""
        about: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "user": USER, "dbname": database}
        with psycopg.connect(**about, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())

    def url(self, database: str, user: str = USER) -> str:
        """The URL of a database, as people write it. The password is asked of nobody."""
        return f"postgresql://{user}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def create_role(self, name: str, *more: str) -> None:
        """Make a role that can log in, and may do nothing else of itself."""
        self.run(" ".join((f"CREATE ROLE {name} LOGIN", *more)))

    def create(self, template: str = "template0") -> str:
        """Make a database like the template; its name."""
        name = f"t{uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def empty(self, name: str) -> None:
        """Take every row out of a database, in a hundredth of the time that making another takes."""
        self.run(_EMPTIED, name)

    def drop(self, name: str) -> None:
        """Take a database away, whoever is connected."""
        self.run(f"DROP DATABASE {name} WITH (FORCE)")


def as_application(url: str) -> str:
    """The URL of a database as the application uses it, for that of its owner."""
    return url.replace(f"//{USER}:", f"//{APPLICATION}:", 1)
