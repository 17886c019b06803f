"""Local accounts on the command line: one clear line for mistakes, a secret shown once, nothing repeated."""

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from activities.store import Store
from activities.store.accounts import Account
from activities.store.audit import entries
from activities.store.directory import PersonEntry, put_person
from starter.cli.main import run
from starter.identity.accounts import LocalAccounts
from starter.identity.secrets import Passwords
from tests.identity.house import PASSWORD

Say = Callable[..., tuple[int, str, str]]


def with_store(folder: Path, work: Callable[[Store], Any]) -> Any:
    async def over_store() -> Any:
        store = Store(f"sqlite+aiosqlite:///{folder / 'homeward.sqlite'}")
        await store.make_ready()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(over_store())


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command with a line on its standard input: the status, and what was said on either side."""
    monkeypatch.setenv("HOMEWARD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HOMEWARD_AUTHORITY", "invented")

    def said(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        status = run(["account", *words])
        seen = capsys.readouterr()
        return status, seen.out, seen.err

    return said


def signs_in(folder: Path, name: str, password: str) -> bool:
    async def work(store: Store) -> bool:
        found = await LocalAccounts(store, "invented", Passwords()).sign_in(name, password, "here", datetime.now(UTC))
        return getattr(found, "name", None) is not None

    return bool(with_store(folder, work))


def test_a_person_from_first_to_last(say: Say, tmp_path: Path) -> None:
    status, out, err = say("add", "Invented One", "--role", "manager", typed=f"{PASSWORD}\n")
    assert (status, out, err) == (0, "Added: Invented One, person, manager\n", "")
    assert signs_in(tmp_path, "Invented One", PASSWORD)
    assert say("role", "invented one", "--add", "auditor", "--remove", "manager")[1].endswith("person, auditor\n")
    assert say("secret", "Invented One", typed="another three words\n")[0] == 0
    assert not signs_in(tmp_path, "Invented One", PASSWORD)
    assert signs_in(tmp_path, "Invented One", "another three words")
    assert say("lock", "Invented One")[0] == 0
    assert not signs_in(tmp_path, "Invented One", "another three words")
    [shown] = json.loads(say("list", "--json")[1])
    assert (shown["name"], shown["roles"]) == ("Invented One", ["auditor"])
    assert shown["locked_at"] is not None
    assert "locked" in say("list")[1]
    assert say("unlock", "Invented One")[0] == 0
    assert signs_in(tmp_path, "Invented One", "another three words")
    assert say("sessions")[0] == 0
    assert say("sign-out", "Invented One", "--json")[1] == '{\n "ended": 0\n}\n'
    assert say("remove", "Invented One", "--yes")[1] == "Removed: Invented One\n"
    assert say("list", "--json")[1] == "[]\n"
    assert not signs_in(tmp_path, "Invented One", "another three words")


def test_a_system_gets_a_secret_that_is_shown_once(say: Say) -> None:
    out = say("add", "Invented feed", "--system", "--role", "case_system", "--provider", "Invented provider")[1]
    client_id, secret = (out.split(f"Client {what}:")[1].split()[0] for what in ("id", "secret"))
    assert len(secret) == 43
    shown = json.loads(say("show", client_id, "--json")[1])
    assert (shown["name"], shown["provider"], shown["secrets"]) == ("Invented feed", "Invented provider", 1)
    changed = json.loads(say("secret", "Invented feed", "--json")[1])
    assert changed["client_id"] == client_id
    assert changed["client_secret"] != secret
    assert json.loads(say("show", "Invented feed", "--json")[1])["secrets"] == 2, "the old one is good for a day"
    assert "Client id: " in say("show", "Invented feed")[1]
    say("secret", "Invented feed", "--overlap-hours", "0")
    assert json.loads(say("show", "Invented feed", "--json")[1])["secrets"] == 1
    for words in (("list",), ("list", "--json"), ("show", "Invented feed"), ("show", "Invented feed", "--json")):
        assert secret not in say(*words)[1]


def test_whom_an_account_works_for_can_be_changed(say: Say, tmp_path: Path) -> None:
    assert say("add", "Invented One", "--role", "interview_provider", "--provider", "One", typed=PASSWORD)[0] == 0

    async def provider_of_session(store: Store) -> str | None:
        found = await LocalAccounts(store, "invented", Passwords()).sign_in(
            "Invented One", PASSWORD, "here", datetime.now(UTC)
        )
        return found.provider if isinstance(found, Account) else None

    assert with_store(tmp_path, provider_of_session) == "One"
    changed = say("provider", "invented one", "  Another  provider ")
    assert changed == (0, "Changed: Invented One, person, Another provider\n", "")
    assert with_store(tmp_path, provider_of_session) == "Another provider"
    assert json.loads(say("provider", "Invented One", "--none", "--json")[1])["provider"] is None
    assert with_store(tmp_path, provider_of_session) is None

    async def written(store: Store) -> list[str]:
        async with store.session() as session:
            return [one.way for one in await entries(session, "invented") if one.outcome == "allowed"]

    assert with_store(tmp_path, written).count("homeward account provider") == 2


def test_a_person_may_stand_for_one_in_the_directory(say: Say, tmp_path: Path) -> None:
    wrong = say("add", "Invented One", "--role", "iro", "--person", "p1", typed=PASSWORD)
    assert wrong[2].startswith("homeward: --person: nobody of that reference is in the directory")

    async def work(store: Store) -> None:
        async with store.session() as session:
            await put_person(session, "invented", PersonEntry(reference="p1", name="Invented One"))

    with_store(tmp_path, work)
    assert say("add", "Invented One", "--role", "iro", "--person", "p1", typed=PASSWORD)[0] == 0
    assert json.loads(say("show", "Invented One", "--json")[1])["person"] == "p1"


MISTAKES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "no such role": (("add", "New", "--role", "king"), PASSWORD, "--role: must be one of practitioner, "),
    "a system's role": (("add", "New", "--role", "case_system"), PASSWORD, "--role: case_system is for systems"),
    "no name": (("add", " ", "--role", "iro"), PASSWORD, "NAME: must have 1 to 100 letters"),
    "a name of two lines": (("add", "a\x07b", "--role", "iro"), PASSWORD, "NAME: must have 1 to 100 letters"),
    "no password": (("add", "New", "--role", "iro"), "", "password: must be typed at the terminal, or be the first"),
    "a short one": (("add", "New", "--role", "iro"), "hidden", "password: must have 12 to 200 characters"),
    "a dull one": (("add", "New", "--role", "iro"), "hihihihihihihihi", "password: is too easily guessed"),
    "its own name": (("add", "three random words", "--role", "iro"), PASSWORD, "password: is too easily guessed"),
    "a name that is taken": (("add", " there ", "--role", "iro"), PASSWORD, "NAME: there is an account of that name"),
    "a system in the directory": (
        ("add", "New", "--system", "--role", "reporter", "--person", "p1"),
        "",
        "--person: is for people",
    ),
    "nobody": (("show", "hidden"), "", "NAME: there is no such account; see 'homeward account list'"),
    "another authority's": (("show", "Elsewhere"), "", "NAME: there is no such account; see 'homeward account list'"),
    "another authority's, by its id": (("lock", "ID"), "", "NAME: there is no such account"),
    "no change": (("role", "There"), "", "--add: must be given, or --remove"),
    "no role left": (("role", "There", "--remove", "iro"), "", "--remove: must leave a role"),
    "an unknown role to take": (("role", "There", "--remove", "king"), "", "--role: must be one of"),
    "no provider": (("provider", "There"), "", "PROVIDER: must be given, or --none"),
    "a provider and none": (("provider", "There", "New", "--none"), "", "PROVIDER: must be given, or --none"),
    "an empty provider": (("provider", "There", " "), "", "PROVIDER: must have 1 to 100 letters"),
    "another authority's provider": (("provider", "ID", "New"), "", "NAME: there is no such account"),
    "no word for it": (("remove", "There"), "", "--yes: must be given"),
}


@pytest.fixture
def there(say: Say, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account here, and one of another authority, whose id this is."""
    assert say("add", "There", "--role", "iro", typed=PASSWORD)[0] == 0
    monkeypatch.setenv("HOMEWARD_AUTHORITY", "elsewhere")
    made = json.loads(say("add", "Elsewhere", "--system", "--role", "reporter", "--json")[1])
    monkeypatch.setenv("HOMEWARD_AUTHORITY", "invented")
    return str(made["client_id"])


def test_a_mistake_is_one_line_that_names_it_and_repeats_no_password(say: Say, there: str) -> None:
    for case, (words, typed, line) in MISTAKES.items():
        status, out, err = say(*(there if word == "ID" else word for word in words), typed=typed)
        assert (status, out) == (2, ""), case
        assert err.startswith(f"homeward: {line}"), (case, err)
        assert err.count("\n") == 1, case
        assert "hidden" not in err, case
    assert [one["name"] for one in json.loads(say("list", "--json")[1])] == ["There"]
    assert json.loads(say("sign-out", f"account:{there}", "--json")[1]) == {"ended": 0}
