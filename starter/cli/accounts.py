"""Commands about local accounts: who may come in while no OIDC provider is set, and who is signed in."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from activities.store import accounts as store_accounts
from activities.store import sessions as store_sessions
from activities.store.accounts import Account
from activities.store.sessions import WebSession
from starter.access import AccessRole, Permission, needs
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import run_async, wired
from starter.identity import account_changes
from starter.identity.account_changes import NewAccount, NewSecret, checked, password_digest
from workflows.instants import to_rfc3339
from workflows.plain_errors import BadInputError

account_app = typer.Typer(
    help="Local accounts: people who sign in here, and systems that get tokens here, while no OIDC provider is set.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Answer = TypeVar("Answer")
Work = Callable[[AsyncSession, str, datetime], Awaitable[Answer]]

Name = Annotated[str, typer.Argument(metavar="NAME", help="the account's name, or a system's client id")]
AsJson = Annotated[bool, typer.Option("--json", help="answer in JSON")]

_ROLES: Final = f"one of {', '.join(AccessRole)}"


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(account_app, name="account")


def _with_store(work: Work[Answer]) -> Answer:
    """Do work in one transaction, for the authority of the settings, at one moment."""

    async def over_store() -> Answer:
        async with wired() as here, here.store.session() as session:
            return await work(session, here.settings.authority, datetime.now(UTC))

    return run_async(over_store())


@account_app.command("add")
@needs(Permission.MANAGE_ACCOUNTS)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="by which a person signs in, or what a system is called")],
    *,
    role: Annotated[list[str], typer.Option(help=f"may be given several times: {_ROLES}")],
    system: Annotated[bool, typer.Option("--system", help="a system: it gets a client id and a secret")] = False,
    person: Annotated[str | None, typer.Option(help="the person's reference in the directory")] = None,
    provider: Annotated[str | None, typer.Option(help="the interview provider that it is, or works for")] = None,
    as_json: AsJson = False,
) -> None:
    """Add an account. A person's password is asked for, or read from the standard input; a system's secret is shown."""
    asked = checked(NewAccount(name, "system" if system else "person", tuple(role), person, provider))
    digest = None if system else run_async(password_digest(_password(), asked.name))
    made = _with_store(lambda session, authority, now: account_changes.add(session, authority, asked, digest, now))
    _say_secret(made, "Added", as_json)


@account_app.command("secret")
@needs(Permission.MANAGE_ACCOUNTS)
def secret(
    name: Name,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=720, help="how long a system's old secret is good besides")
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a person another password, which ends the sessions; or a system another secret, beside the old one."""
    account = _with_store(lambda session, authority, _now: account_changes.one(session, authority, name))
    digest = None if account.kind == "system" else run_async(password_digest(_password(), account.name))
    overlap = timedelta(hours=overlap_hours)
    made = _with_store(
        lambda session, _authority, now: account_changes.change_secret(session, account, digest, overlap, now)
    )
    _say_secret(made, "Changed", as_json)


def _password() -> str:
    """A password: asked for twice at a terminal, else the first line of the standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Password again", err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise BadInputError("password: must be typed at the terminal, or be the first line of the standard input")
    return password


def _say_secret(made: NewSecret, done: str, as_json: bool) -> None:
    account = made.account
    if as_json:
        shown = {"client_id": account.id, "client_secret": made.secret} if made.secret else {}
        say_json({**_plain(account), **shown})
        return
    say(f"{done}: {account.name}, {account.kind}, {', '.join(account.roles)}")
    if made.secret:
        say(f"Client id:     {account.id}")
        say(f"Client secret: {made.secret}")
        say("The secret is shown this once.")


@account_app.command("list")
@needs(Permission.MANAGE_ACCOUNTS)
def list_accounts(as_json: AsJson = False) -> None:
    """Every account, by name."""
    found = _with_store(lambda session, authority, _now: store_accounts.accounts(session, authority))
    if as_json:
        say_json([_plain(account) for account in found])
        return
    rows = [[one.name, one.kind, ", ".join(one.roles), "locked" if one.locked_at else ""] for one in found]
    say_table(["Name", "Kind", "Roles", ""], rows)


@account_app.command("show")
@needs(Permission.MANAGE_ACCOUNTS)
def show(name: Name, as_json: AsJson = False) -> None:
    """One account: its roles, whom it stands for, how many secrets are good, and its sessions."""

    async def work(session: AsyncSession, authority: str, now: datetime) -> tuple[Account, int, list[WebSession]]:
        account = await account_changes.one(session, authority, name)
        secrets = await store_accounts.secrets_of(session, account.id, now)
        begun = await store_sessions.sessions_of(session, authority)
        return account, len(secrets), [one for one in begun if one.account_id == account.id]

    account, secrets, begun = _with_store(work)
    if as_json:
        say_json({**_plain(account), "secrets": secrets, "sessions": [_session(one) for one in begun]})
        return
    for label, value in (
        ("Name", account.name),
        ("Kind", account.kind),
        ("Client id", account.id if account.kind == "system" else None),
        ("Roles", ", ".join(account.roles)),
        ("Person", account.person),
        ("Provider", account.provider),
        ("Made", _moment(account.made_at)),
        ("Locked", _moment(account.locked_at) if account.locked_at else None),
        ("Secrets", str(secrets)),
        ("Sessions", str(len(begun))),
    ):
        if value:
            say(f"{label + ':':<11}{value}")


@account_app.command("role")
@needs(Permission.MANAGE_ACCOUNTS)
def role(
    name: Name,
    add_roles: Annotated[list[str] | None, typer.Option("--add", help=_ROLES)] = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="a role to take away")] = None,
    as_json: AsJson = False,
) -> None:
    """Give an account roles, or take some away; it counts at once, also for who is signed in."""
    if not add_roles and not remove:
        raise BadInputError("--add: must be given, or --remove")
    more, less = add_roles or [], remove or []
    account = _with_store(
        lambda session, authority, _now: account_changes.change_roles(session, authority, name, more, less)
    )
    _say_account(account, "Changed", as_json)


@account_app.command("provider")
@needs(Permission.MANAGE_ACCOUNTS)
def provider(
    name: Name,
    called: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="by the name by which children are referred to it")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="no provider any more: no referral is shown to it")] = False,
    as_json: AsJson = False,
) -> None:
    """Have an account be, or work for, another interview provider; it counts at once, also for who is signed in."""
    if (called is None) is not none:
        raise BadInputError("PROVIDER: must be given, or --none")
    account = _with_store(
        lambda session, authority, _now: account_changes.change_provider(session, authority, name, called)
    )
    if as_json:
        say_json(_plain(account))
        return
    say(f"Changed: {account.name}, {account.kind}, {account.provider or 'no provider'}")


@account_app.command("lock")
@needs(Permission.MANAGE_ACCOUNTS)
def lock(name: Name, as_json: AsJson = False) -> None:
    """Lock an account: its sessions and tokens end, and it gets no new ones."""
    _lock(name, locked=True, as_json=as_json)


@account_app.command("unlock")
@needs(Permission.MANAGE_ACCOUNTS)
def unlock(name: Name, as_json: AsJson = False) -> None:
    """Unlock an account: it can come in again."""
    _lock(name, locked=False, as_json=as_json)


def _lock(name: str, *, locked: bool, as_json: bool) -> None:
    async def work(session: AsyncSession, authority: str, now: datetime) -> Account:
        account = await account_changes.one(session, authority, name)
        locked_at = (account.locked_at or now) if locked else None
        await store_accounts.set_locked(session, account.id, locked_at)
        return account.model_copy(update={"locked_at": locked_at})

    _say_account(_with_store(work), "Locked" if locked else "Unlocked", as_json)


@account_app.command("remove")
@needs(Permission.MANAGE_ACCOUNTS)
def remove(
    name: Name, yes: Annotated[bool, typer.Option("--yes", help="yes: it cannot be brought back")] = False
) -> None:
    """Take an account away, with its secrets, sessions and tokens. What it did stays in the audit."""
    if not yes:
        raise BadInputError("--yes: must be given, because an account cannot be brought back; 'lock' can be undone")

    async def work(session: AsyncSession, authority: str, _now: datetime) -> str:
        account = await account_changes.one(session, authority, name)
        await store_accounts.remove_account(session, account.id)
        return account.name

    say(f"Removed: {_with_store(work)}")


@account_app.command("sessions")
@needs(Permission.MANAGE_ACCOUNTS)
def sessions(as_json: AsJson = False) -> None:
    """Who is signed in: whose each session is, since when, and when it was last used."""

    async def work(session: AsyncSession, authority: str, _now: datetime) -> list[tuple[str, WebSession]]:
        names = {one.id: one.name for one in await store_accounts.accounts(session, authority)}
        begun = await store_sessions.sessions_of(session, authority)
        return [(names.get(one.account_id or "") or str((one.principal or {}).get("name", "")), one) for one in begun]

    found = _with_store(work)
    if as_json:
        say_json([{"name": name, **_session(one)} for name, one in found])
        return
    rows = [[name, one.principal_id, _moment(one.began_at), _moment(one.seen_at)] for name, one in found]
    say_table(["Name", "Id", "Since", "Last used"], rows)


@account_app.command("sign-out")
@needs(Permission.MANAGE_ACCOUNTS)
def sign_out(
    name: Annotated[str, typer.Argument(metavar="NAME", help="an account's name, or an id as 'sessions' shows it")],
    as_json: AsJson = False,
) -> None:
    """End every session, and every token, of one person or system."""
    ended = _with_store(lambda session, authority, _now: account_changes.sign_out(session, authority, name))
    if as_json:
        say_json({"ended": ended})
        return
    say(f"Ended: {ended}")


def _say_account(account: Account, done: str, as_json: bool) -> None:
    if as_json:
        say_json(_plain(account))
        return
    say(f"{done}: {account.name}, {account.kind}, {', '.join(account.roles)}")


def _moment(instant: datetime) -> str:
    return moment(instant.replace(microsecond=0))


def _plain(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "kind": account.kind,
        "roles": list(account.roles),
        "person": account.person,
        "provider": account.provider,
        "made_at": to_rfc3339(account.made_at),
        "locked_at": to_rfc3339(account.locked_at) if account.locked_at else None,
    }


def _session(one: WebSession) -> dict[str, str]:
    return {"id": one.principal_id, "began_at": to_rfc3339(one.began_at), "seen_at": to_rfc3339(one.seen_at)}
