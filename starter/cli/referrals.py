"""Commands of an interview provider: its referrals, and its answers."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from starter.access import Permission, needs
from starter.applying import Outcome
from starter.cli.episodes import AsJson, pairs, say_outcome
from starter.cli.say import moment, say, say_json, say_table
from starter.cli.wiring import Wired, run_async, wired
from starter.referrals import BECOMES, Referral, Referrals, read_answer
from workflows.instants import to_rfc3339

referrals_app = typer.Typer(
    help="What an interview provider sees and says.", no_args_is_help=True, rich_markup_mode=None
)

Provider = Annotated[str, typer.Option("--provider", metavar="NAME", help="the provider, as it was referred to")]
ReferralId = Annotated[str, typer.Argument(metavar="REFERRAL", help="a referral's id")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(referrals_app, name="referrals")


def _of(here: Wired, provider: str) -> Referrals:
    return Referrals(here.store, here.policies, here.commands, here.settings.authority, provider)


@referrals_app.command("list")
@needs(Permission.READ_EPISODES)
def list_command(
    provider: Provider,
    everything: Annotated[bool, typer.Option("--all", help="also those that are done")] = False,
    as_json: AsJson = False,
) -> None:
    """List a provider's referrals, the first owed first."""

    async def work() -> list[Referral]:
        async with wired() as here:
            return await _of(here, provider).every(datetime.now(UTC))

    found = [one for one in run_async(work()) if everything or one.state != "done"]
    if as_json:
        say_json([one.model_dump(mode="json") for one in found])
        return
    rows = [
        [one.id, one.state.replace("_", " "), moment(one.owed_by), moment(one.returned_at), _yes(one.out_of_area)]
        for one in found
    ]
    say_table(["Referral", "State", "Owed by", "Returned", "Out of area"], rows)


def _yes(said: bool | None) -> str:
    return "not known" if said is None else ("yes" if said else "no")


@referrals_app.command("show")
@needs(Permission.READ_EPISODES)
def show(referral: ReferralId, provider: Provider, as_json: AsJson = False) -> None:
    """Show one of a provider's referrals, and whom to ask at the authority."""

    async def work() -> Referral:
        async with wired() as here:
            return await _of(here, provider).one(referral, datetime.now(UTC))

    found = run_async(work())
    if as_json:
        say_json(found.model_dump(mode="json"))
        return
    say(f"Referral {found.id}: {found.state.replace('_', ' ')}{', written up' if found.written_up else ''}")
    say(f"Episode {found.episode_id}, handed over {moment(found.handed_over_at)}")
    say(f"Returned {moment(found.returned_at)}; out of area: {_yes(found.out_of_area)}")
    say(f"Owed by {moment(found.owed_by)}. {found.why}")
    if contact := found.contact:
        ways = ", ".join(way for way in (contact.email, contact.telephone) if way) or "no address on record"
        say(f"Ask {contact.name}, {contact.role}: {ways}")


@referrals_app.command("answer")
@needs(Permission.RECORD)
def answer(  # noqa: PLR0917 - each is an option of the command line
    referral: ReferralId,
    kind: Annotated[str, typer.Argument(metavar="ANSWER", help=f"one of {', '.join(BECOMES)}")],
    provider: Provider,
    at: Annotated[str | None, typer.Option(help="when it happened, RFC 3339 with an offset; now, if not given")] = None,
    more: Annotated[list[str] | None, typer.Option("--set", help="what the answer says, as name=value")] = None,
    as_json: AsJson = False,
) -> int:
    """Record a provider's answer. Given twice, it is one."""
    now = datetime.now(UTC)
    said: dict[str, Any] = {"answer": kind, "at": at or to_rfc3339(now), **pairs(more or [])}
    read = read_answer(said)

    async def work() -> Outcome:
        async with wired() as here:
            return await _of(here, provider).answer(referral, read, now)

    outcome = run_async(work())
    words = f"Recorded: {kind.replace('_', ' ')}{'; it was recorded before' if outcome.again else ''}"
    return say_outcome(outcome, words, as_json=as_json, what="the answer")
