"""Commands about the machinery: run, worker, serve, watch, doctor."""

from datetime import UTC, datetime

import httpx
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from activities.policies import BadPackError, Policies
from activities.store import Store, StoreUnavailableError, audit
from activities.store.accounts import accounts
from activities.store.audit import ChainState
from activities.store.directory import directory_for
from activities.store.policies_in_use import claim
from activities.store.statements import require_writable
from starter import local
from starter.access import needs
from starter.api.entrance import provider_of
from starter.cli.database import in_words
from starter.cli.say import say
from starter.cli.wiring import prepare_data_folder, run_async
from starter.client import EngineSilentError, connect
from starter.identity.asking import IssuerAwayError
from starter.identity.settings import load_identity_settings
from starter.post_office import ways_out
from starter.post_settings import load_post_settings
from starter.settings import Settings, load_settings
from starter.standing import (
    Standing,
    agreement_stands,
    inbox_stands,
    messages_stand,
    policies_stand,
    today_of,
    webhooks_stand,
)
from workflows.plain_errors import BadInputError
from workflows.vocabulary import Role

EXIT_NOT_WELL = 1
_SERVICE_SECONDS = 5.0
_WELL = 204
_WORDS = {True: "well    ", False: "NOT WELL", None: "look    "}
Finding = tuple[bool | None, str]
"""Whether all is well there, and what is found; None: it is no fault, and somebody should know of it."""

_FIRST_ACCOUNT = "Nobody can sign in yet; the first account: homeward account add NAME --role administrator"
_NO_ADMINISTRATOR = (
    "Nobody holds the role administrator in the directory, and so nobody in it is told when the glass is broken: "
    "homeward directory hold administrator PERSON"
)


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("run")(run)
    app.command("worker")(worker)
    app.command("serve")(serve)
    app.command("watch")(watch)
    app.command("doctor")(doctor)


@needs(None)
def run() -> int:
    """Start everything on this machine: engine, database, worker, HTTP service. Ctrl-C stops it cleanly."""
    settings = load_settings()
    if settings.engine_address:
        raise BadInputError("HOMEWARD_ENGINE_ADDRESS: 'run' starts its own engine; unset it, or use 'homeward worker'")
    hints = run_async(_prepare(settings))
    return run_async(local.Stack(settings, say, hints).run())


async def _prepare(settings: Settings) -> tuple[str, ...]:
    """Find out before anything starts whether worker and service will be able to; what to tell a person besides."""
    policies = Policies.load(settings.policy_dir)
    ways_out(load_post_settings())
    identity_settings = load_identity_settings(settings)
    prepare_data_folder(settings)
    store = Store(settings.database)
    try:
        await store.make_ready()
        async with store.session() as session:
            if difference := await claim(session, policies, datetime.now(UTC)):
                raise BadInputError(difference)
            signs_in = identity_settings.uses_provider or bool(await accounts(session, settings.authority))
            administrators = await _administrators(session, settings)
    finally:
        await store.close()
    return tuple(hint for hint, said in ((_FIRST_ACCOUNT, signs_in), (_NO_ADMINISTRATOR, administrators)) if not said)


@needs(None)
def worker() -> None:
    """Run one worker, against the engine and database of the settings."""
    local.exec_worker()


@needs(None)
def serve() -> None:
    """Run the HTTP service: receipts from providers, and the pages on which people answer messages."""
    local.exec_service()


@needs(None)
def watch() -> None:
    """Watch whether Homeward goes on, and tell somebody when it does not."""
    local.exec_watchdog()


@needs(None)
def doctor() -> int:
    """Say what is reachable and what is not; exit 0 when all is well, 1 when something is not."""
    settings = load_settings()
    findings: list[Finding] = [
        _policies(settings),
        *run_async(_database(settings)),
        *run_async(_engine(settings)),
        run_async(_service(settings)),
        run_async(_who_comes_in(settings)),
        _ways_out(),
    ]
    for well, line in findings:
        say(f"{_WORDS[well]}  {line}")
    return 0 if all(well is not False for well, _ in findings) else EXIT_NOT_WELL


def _policies(settings: Settings) -> Finding:
    try:
        return _found(policies_stand(Policies.load(settings.policy_dir), today_of(datetime.now(UTC))))
    except BadPackError as mistake:
        return False, f"policies: {mistake}"


def _found(standing: Standing) -> Finding:
    return standing.well, standing.line


async def _database(settings: Settings) -> list[Finding]:
    store: Store | None = None
    try:
        prepare_data_folder(settings)
        store = Store(settings.database)
        await store.make_ready()
        state = await store.schema()
        async with store.session() as session:
            await require_writable(session)
            agrees = await agreement_stands(session, settings.authority, datetime.now(UTC))
            waits = (await inbox_stands(session), await messages_stand(session))
            audited = await audit.authorities(session)
            hooks = await webhooks_stand(session, settings.authority)
            administrators = await _administrators(session, settings)
        chains = [await audit.verify(store, authority) for authority in audited]
    except StoreUnavailableError as trouble:
        return [(False, f"database: {trouble}")]
    finally:
        if store:
            await store.close()
    return [
        (True, "database: reachable, writable"),
        (True, f"schema: {in_words(state)}"),
        _found(agrees),
        *(_chain(one) for one in chains),
        *(_found(one) for one in waits),
        _found(hooks),
        (True, f"administrator: {', '.join(administrators)}") if administrators else (None, _NO_ADMINISTRATOR),
    ]


async def _administrators(session: AsyncSession, settings: Settings) -> list[str]:
    """The names of those who are told, as administrators, when the glass is broken; none where nobody would be."""
    now, role = datetime.now(UTC), Role.ADMINISTRATOR
    directory = await directory_for(session, settings.authority, None, (role,), now)
    return [person.name for person in directory.holders(role, now) or directory.on_call(role, now)]


def _chain(state: ChainState) -> tuple[bool, str]:
    if state.broken_at is not None:
        return False, f"audit: of {state.authority} BROKEN at entry {state.broken_at}: {state.how}"
    return True, f"audit: of {state.authority} whole, {state.entries} entries"


async def _engine(settings: Settings) -> list[tuple[bool, str]]:
    try:
        client = await connect(settings.engine, settings.engine_namespace, settings.engine_patience_seconds)
    except EngineSilentError as silence:
        helps = "" if settings.engine_address else "; start it with 'homeward run'"
        return [(False, f"engine: {silence}{helps}")]
    polling = await local.pollers(client)
    return [
        (True, f"engine: answers at {settings.engine}"),
        (polling > 0, f"workers: {polling or 'none'} asking for work on queue {local.TASK_QUEUE}"),
    ]


async def _service(settings: Settings) -> tuple[bool, str]:
    try:
        async with httpx.AsyncClient(timeout=_SERVICE_SECONDS, trust_env=False) as client:
            status = (await client.get(f"{settings.links}/health")).status_code
    except httpx.HTTPError:
        return False, f"service: does not answer at {settings.links}; start it with 'homeward run' or 'homeward serve'"
    if status != _WELL:
        return False, f"service: answers at {settings.links}, and cannot read its records"
    return True, f"service: answers at {settings.links}"


async def _who_comes_in(settings: Settings) -> tuple[bool, str]:
    try:
        about = load_identity_settings(settings)
    except BadInputError as mistake:
        return False, f"identity: {mistake}"
    if not about.uses_provider:
        return True, "identity: local accounts, for this machine"
    try:
        await provider_of(settings, about).check(datetime.now(UTC))
    except IssuerAwayError as away:
        return False, f"identity: {about.oidc_issuer}: {away}"
    nobody = "" if about.known_systems.any_known else "; no system is known: set HOMEWARD_OIDC_SYSTEM_CLIENTS"
    return True, f"identity: {about.oidc_issuer} answers{nobody}"


def _ways_out() -> tuple[bool, str]:
    try:
        ways = ways_out(load_post_settings())
    except BadInputError as mistake:
        return False, f"notices: {mistake}"
    return True, f"notices: go out by {', '.join(ways) or 'no way but the tray'}"
