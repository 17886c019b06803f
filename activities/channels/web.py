"""What the channels over HTTP share: which URLs they may call, how long they are told to wait, what is never logged."""

import logging
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Final

import httpx

CONNECT_SHARE: Final = 0.5
"""The part of an attempt's time that connecting may take: what ends there was certainly not sent."""
READ_SHARE: Final = 0.8
"""The part that one silence may take. The whole attempt has its own limit, since an answer can trickle."""

LONGEST_WAIT: Final = timedelta(days=1)
"""A provider that asks for a longer wait than this is not heard: a notice of a missing child cannot wait so long."""

_SPACE = re.compile(r"\s")
_SECONDS = re.compile(r"[0-9]{1,9}")


def checked_url(url: str) -> str:
    """The URL, if a letter or a key may be sent to it. Raises ValueError that does not repeat it.

    On this machine plain http is safe; anywhere else it would show what is
    sent. A name or password in a URL would end in other people's logs.
    """
    wrong = ValueError("must be an https URL without a name or password; http only to this machine itself")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise wrong from None
    safe = parsed.scheme == "https" or (parsed.scheme == "http" and _is_loopback(parsed.host))
    reachable = parsed.host and _is_port(parsed.port) and not _SPACE.search(url)
    if not safe or not reachable or parsed.userinfo:
        raise wrong
    return url


def _is_port(port: int | None) -> bool:
    return port is None or 0 < port <= 65535


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After header asks to wait: seconds, or a date seen from `now` (UTC). None for nonsense."""
    said = (header or "").strip()
    if _SECONDS.fullmatch(said):
        wait = timedelta(seconds=int(said))
    else:
        try:
            until = parsedate_to_datetime(said)
        except ValueError:
            return None
        # A date of no stated zone is GMT by RFC 9110.
        wait = max((until if until.tzinfo else until.replace(tzinfo=UTC)) - now, timedelta(0))
    return wait if wait <= LONGEST_WAIT else None


def never_log(*loggers: str, above: int = logging.NOTSET) -> None:
    """Drop what these loggers say above a level: libraries write down whom they wrote to, or what a provider quotes."""
    for name in loggers:
        logging.getLogger(name).addFilter(lambda record: record.levelno <= above)
