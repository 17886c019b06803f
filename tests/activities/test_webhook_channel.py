"""Webhooks: signatures, safe URLs and secrets, and how long a provider asks to wait."""

from datetime import UTC, datetime, timedelta

import pytest

from activities.channels.base import Busy, Refused, Taken
from activities.channels.web import checked_url, retry_after
from tests.activities.letters import HOOK_PATH, by_hook, letter
from tests.standins.faults import STORED_BUT_LOST
from tests.standins.webhooks import WebhookStandIn


async def test_a_receiver_gets_what_the_letter_says_signed(hooks: WebhookStandIn) -> None:
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Taken(delivered=True)
    [one] = hooks.received
    assert (one.webhook_id, one.body) == ("notice-1:deputy/2", {"notice": "n-1", "title": "Überfällig"})
    assert hooks.asked[0].headers["content-type"] == "application/json"
    assert hooks.asked[0].path == HOOK_PATH


async def test_a_receiver_tells_repeats_apart(hooks: WebhookStandIn) -> None:
    hooks.posts.next(STORED_BUT_LOST)
    for reference in ("a", "a", "b"):
        await by_hook().send(letter(hooks.url, reference))
    assert len(hooks.received) == 3
    assert list(hooks.distinct) == ["a", "b"]


async def test_a_receiver_refuses_another_secret_and_an_old_timestamp(hooks: WebhookStandIn) -> None:
    assert await by_hook("whsec_b3RoZXI=").send(letter(hooks.url)) == Refused("http 400")
    hooks.clock_ahead = timedelta(minutes=6)
    assert await by_hook().send(letter(hooks.url)) == Refused("http 400")
    assert hooks.received == []


async def test_a_receiver_down_is_busy_and_up_again_takes(hooks: WebhookStandIn) -> None:
    hooks.down()
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Busy("cannot connect")
    hooks.up()
    assert await by_hook().send(letter(hooks.url + HOOK_PATH)) == Taken(delivered=True)


async def test_a_receiver_that_does_not_speak_tls_got_nothing(hooks: WebhookStandIn) -> None:
    url = hooks.url.replace("http://", "https://")
    assert await by_hook().send(letter(url)) == Busy("cannot connect")
    assert hooks.received == []


async def test_a_receiver_cannot_be_asked() -> None:
    adapter = by_hook()
    assert not adapter.can_look_up
    assert await adapter.look_up("notice-1") is None


UNSAFE = [
    "http://council.example/hooks",
    "ftp://council.example/hooks",
    "https://",
    "https://name:password@council.example/",
    "https://council.example:99999/",
    "https://council.example:0/",
    "https://council example/",
    "https://council.example/\n",
    "council.example",
    "",
]


@pytest.mark.parametrize("url", UNSAFE)
async def test_letters_go_to_safe_urls_only(url: str) -> None:
    with pytest.raises(ValueError, match="must be an https URL"):
        checked_url(url)
    assert await by_hook().send(letter(url)) == Refused("address")


@pytest.mark.parametrize(
    "url", ["https://council.example/x", "http://127.0.0.1:1/", "http://[::1]/", "http://localhost"]
)
def test_https_and_this_machine_itself_are_safe(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "aW52ZW50ZWQ=", "whsec_***", "whsec_aW52*ZW50ZWQ=", "whsec_aW52ZW50Z", "whsec_ä"]
)
def test_a_secret_must_be_one_of_standard_webhooks(secret: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_ followed by base64"):
        by_hook(secret)


NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("86400", timedelta(days=1)),
        ("Wed, 10 Jun 2026 12:01:30 GMT", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 12:01:30 -0000", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 13:01:30 +0100", timedelta(seconds=90)),
        ("Wed, 10 Jun 2026 11:00:00 GMT", timedelta(0)),
        ("Wed, 10 Jun 2099 11:00:00 GMT", None),
        ("86401", None),
        ("9" * 400, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOON) == wait
