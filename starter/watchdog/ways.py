"""How alarms get out: by ways of their own, beside those of notices. Nothing that is watched has a part in them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import httpx

from activities.channels.base import ChannelAdapter, Letter, Taken
from activities.channels.web import checked_url, never_log
from activities.channels.webhook import WebhookAdapter
from starter.post_office import naming_setting, smtp_of
from starter.post_settings import PostSettings
from starter.watchdog.alarms import Alarm
from starter.watchdog.settings import WatchSettings
from workflows.instants import in_words, to_rfc3339
from workflows.plain_errors import BadInputError

HEARTBEAT_SECONDS: Final = 10.0

_WORDS: Final = {"raised": "ALARM", "still": "STILL", "over": "OVER"}

log = logging.getLogger("homeward.watchdog")


@dataclass(frozen=True)
class Way:
    """One way out for alarms: what it is called in the log, its adapter, and where it leads."""

    name: str
    adapter: ChannelAdapter
    to: str


def ways_for_alarms(settings: WatchSettings, post_settings: PostSettings) -> list[Way]:
    """The ways that the settings name. Raises BadInputError naming the variable."""
    ways: list[Way] = []
    if settings.alarm_url:
        with naming_setting("ALARM_URL"):
            to = checked_url(settings.alarm_url)
        with naming_setting("ALARM_SECRET"):
            ways.append(Way("webhook", WebhookAdapter(settings.alarm_secret.get_secret_value()), to))
    if settings.alarm_emails and not post_settings.smtp_host:
        raise BadInputError("HOMEWARD_ALARM_EMAILS: needs HOMEWARD_SMTP_HOST: alarms go out by that server")
    return ways + [Way("e-mail", smtp_of(post_settings), address) for address in settings.alarm_emails]


async def tell(ways: Sequence[Way], alarms: Sequence[Alarm], now: datetime) -> bool:
    """Send these alarms out by every way, as one letter; whether any way took it. `now` is UTC."""
    taken = False
    for way in ways:
        answer = await way.adapter.send(_letter(alarms, way.to, now))
        if isinstance(answer, Taken):
            taken = True
        else:
            log.error("an alarm was not taken by %s: %s", way.name, answer.reason)
    return taken


def _letter(alarms: Sequence[Alarm], to: str, now: datetime) -> Letter:
    lines = [f"{_WORDS[one.news]}: {one.trouble.title}" for one in alarms]
    body = "\n\n".join(
        f"{line}\nSince {in_words(one.since)}. {one.trouble.helps}" for line, one in zip(lines, alarms, strict=True)
    )
    subject = f"Homeward: {lines[0]}" + (f" and {len(lines) - 1} more" if len(lines) > 1 else "")
    told = [
        {
            "news": one.news,
            "trouble": one.trouble.key,
            "title": one.trouble.title,
            "helps": one.trouble.helps,
            "since": to_rfc3339(one.since),
        }
        for one in alarms
    ]
    data = {"text": "\n".join(lines), "at": to_rfc3339(now), "alarms": told}
    return Letter(reference=str(uuid4()), to=to, subject=subject, body=f"{body}\n", data=data)


class Heartbeat:
    """A dead man's switch elsewhere: as long as it is called all is watched; whoever hears nothing comes to look."""

    def __init__(self, url: str) -> None:
        """Raises BadInputError naming the variable."""
        never_log("httpx", "httpcore.connection", "httpcore.http11", "httpcore.proxy")
        with naming_setting("HEARTBEAT_URL"):
            self._url = checked_url(url) if url else ""

    async def beat(self) -> bool:
        """Call it once; whether it answered that it heard. Without an address there is nothing to call."""
        if not self._url:
            return True
        try:
            async with httpx.AsyncClient(timeout=HEARTBEAT_SECONDS, follow_redirects=False) as client:
                answer = await client.post(self._url)
        except httpx.HTTPError as error:
            log.error("the heartbeat was not heard: %s", type(error).__name__)  # noqa: TRY400 - its words hold the URL
            return False
        if not answer.is_success:
            log.error("the heartbeat was not heard: http %s", answer.status_code)
        return answer.is_success
