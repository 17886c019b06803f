"""The post as the settings make it: its ways out, and the engine that its postboxes and digests live in."""

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, Literal

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.channels.base import ChannelAdapter
from activities.channels.notify import NotifyAdapter
from activities.channels.smtp import SmtpAdapter
from activities.channels.web import checked_url
from activities.channels.webhook import WebhookAdapter
from activities.posting import Post, WayOut
from starter.post_settings import PostSettings
from workflows import names
from workflows.messages import PostRules
from workflows.plain_errors import BadInputError
from workflows.post_contracts import DigestInput, PostboxInput
from workflows.vocabulary import Channel

LONDON: Final = "Europe/London"
"""The zone of the digests' times."""

_MISSED_DIGEST: Final = timedelta(hours=6)
"""How late a digest that was missed while everything was down may still go out."""


def ways_out(settings: PostSettings) -> dict[str, WayOut]:
    """The ways out that are set up, in the order in which they are tried. Raises BadInputError naming the variable."""
    ways: dict[str, WayOut] = {}
    if key := settings.notify_api_key.get_secret_value():
        if template := settings.notify_email_template:
            ways["notify_email"] = WayOut(Channel.EMAIL, _notify(settings, key, template, "email"), receipts=True)
        if template := settings.notify_sms_template:
            ways["notify_sms"] = WayOut(Channel.SMS, _notify(settings, key, template, "sms"), receipts=True)
    if settings.smtp_host:
        ways["smtp"] = WayOut(Channel.EMAIL, smtp_of(settings))
    if settings.webhook_url:
        ways["webhook"] = _webhook(settings)
    return ways


@contextmanager
def naming_setting(variable: str) -> Generator[None]:
    """Turn what an adapter says of a setting into a BadInputError in one line that names the variable."""
    try:
        yield
    except ValueError as error:
        raise BadInputError(f"HOMEWARD_{variable}: {error}") from None


def _notify(settings: PostSettings, key: str, template: str, kind: Literal["email", "sms"]) -> ChannelAdapter:
    with naming_setting("NOTIFY_URL"):
        url = checked_url(settings.notify_url)
    with naming_setting("NOTIFY_API_KEY"):
        return NotifyAdapter(key, url, template, kind, settings.attempt_seconds)


def smtp_of(settings: PostSettings) -> ChannelAdapter:
    """The e-mail server that the settings name. Raises BadInputError naming the variable."""
    with naming_setting("SMTP_SENDER"):
        return SmtpAdapter(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_sender,
            username=settings.smtp_user or None,
            password=settings.smtp_password.get_secret_value() or None,
            tls=settings.smtp_tls,
            timeout=settings.attempt_seconds,
        )


def _webhook(settings: PostSettings) -> WayOut:
    with naming_setting("WEBHOOK_URL"):
        url = checked_url(settings.webhook_url)
    with naming_setting("WEBHOOK_SECRET"):
        adapter = WebhookAdapter(settings.webhook_secret.get_secret_value(), settings.attempt_seconds)
    return WayOut(Channel.WEBHOOK, adapter, to=url)


def post_of(settings: PostSettings, client: Client, links: str) -> Post:
    """The post of an authority. `links` is where people read messages when the settings don't say."""

    async def connected() -> Client:
        return client

    return post_through(settings, connected, links)


def post_through(settings: PostSettings, connect: Callable[[], Awaitable[Client]], links: str) -> Post:
    """The post of an authority, whose engine is reached when somebody is to be nudged: that raises what it raises."""
    rules = settings.rules

    async def nudge(authority: str, person: str) -> None:
        client = await connect()
        await client.start_workflow(
            names.POSTBOX_WORKFLOW,
            PostboxInput(authority=authority, person=person, rules=rules),
            id=names.postbox_id(person),
            task_queue=names.TASK_QUEUE,
            start_signal=names.SIGNAL_NOTICE_WAITS,
        )

    return Post(ways=ways_out(settings), rules=rules, links=settings.links_url or links, nudge=nudge)


async def schedule_digests(client: Client, authority: str, rules: PostRules) -> None:
    """Have the engine begin an authority's digests at their times, as the rules say now; none without times."""
    handle = client.get_schedule_handle(names.digest_id(authority))
    if not rules.digest_at:
        await unschedule(client, names.digest_id(authority))
        return
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            names.DIGEST_WORKFLOW,
            DigestInput(authority=authority, rules=rules),
            id=names.digest_id(authority),
            task_queue=names.TASK_QUEUE,
        ),
        spec=ScheduleSpec(
            calendars=[
                ScheduleCalendarSpec(hour=[ScheduleRange(at.hour)], minute=[ScheduleRange(at.minute)])
                for at in rules.digest_at
            ],
            time_zone_name=LONDON,
        ),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=_MISSED_DIGEST),
    )

    def as_now(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(names.digest_id(authority), schedule)
    except ScheduleAlreadyRunningError:
        await handle.update(as_now)


async def unschedule(client: Client, schedule_id: str) -> None:
    """Have the engine begin nothing by that schedule any more; none is as well."""
    try:
        await client.get_schedule_handle(schedule_id).delete()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
