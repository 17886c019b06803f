"""Sending an event: its signatures, what a receiver's answer is, and where no event is ever sent."""

import json
import socket
from collections.abc import Generator, Sequence

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from activities.channels.base import Answer, Busy, Refused, Taken, Unknown
from activities.event_sender import EventSender, may_be_called
from tests.standins.faults import LOST, SILENT, TRICKLES, Fault, refuses
from tests.standins.webhooks import SECRET, WebhookStandIn

OTHER = "whsec_b3RoZXI="
BODY = json.dumps({"id": "e-1", "data": {"words": "Überfällig"}})


@pytest.fixture
def hooks() -> Generator[WebhookStandIn]:
    with WebhookStandIn() as up:
        yield up


async def send(url: str, *secrets: str, private: bool = True, seconds: float = 5.0) -> Answer:
    return await EventSender(private=private, timeout=seconds).send(url, secrets or (SECRET,), "e-1", BODY)


async def test_an_event_is_posted_signed(hooks: WebhookStandIn) -> None:
    assert await send(f"{hooks.url}/hooks?token=x") == Taken(delivered=True)
    [one], [asked] = hooks.received, hooks.asked
    assert (one.webhook_id, one.body) == ("e-1", json.loads(BODY))
    assert asked.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert asked.headers["host"] == f"127.0.0.1:{hooks.port}"
    assert (asked.path, asked.query) == ("/hooks", {"token": "x"})


async def test_both_secrets_of_a_rotation_verify(hooks: WebhookStandIn) -> None:
    assert await send(hooks.url, OTHER, SECRET) == Taken(delivered=True)
    [asked] = hooks.asked
    for secret in (OTHER, SECRET):
        Webhook(secret).verify(asked.body, asked.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_dGhpcmQ=").verify(asked.body, asked.headers)


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        (refuses(410), Refused("http 410")),
        (refuses(404), Refused("http 404")),
        (refuses(500), Unknown("http 500")),
        (refuses(429, retry_after="7"), "busy"),
        (LOST, Unknown("no answer")),
        (SILENT, Unknown("no answer")),
        (TRICKLES, Unknown("no answer")),
    ],
)
async def test_what_a_receiver_answers(hooks: WebhookStandIn, fault: Fault, answer: Answer | str) -> None:
    hooks.posts.next(fault)
    found = await send(hooks.url, seconds=0.5 if fault.ending in ("silence", "trickle") else 5.0)
    assert isinstance(found, Busy) if answer == "busy" else found == answer


async def test_a_redirect_is_not_followed(hooks: WebhookStandIn) -> None:
    hooks.posts.next(Fault(307, headers={"Location": f"{hooks.url}/elsewhere"}))
    assert await send(hooks.url) == Refused("http 307")
    assert len(hooks.asked) == 1


async def test_a_receiver_that_is_down_is_busy(hooks: WebhookStandIn) -> None:
    hooks.down()
    assert await send(hooks.url) == Busy("cannot connect")


async def test_a_proxy_of_the_environment_is_not_asked(hooks: WebhookStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert await send(hooks.url) == Taken(delivered=True)


async def test_this_machine_is_called_only_where_that_is_allowed(hooks: WebhookStandIn) -> None:
    for url in (hooks.url, hooks.url.replace("127.0.0.1", "localhost")):
        assert await send(url, private=False) == Refused("address")
    assert hooks.asked == []


@pytest.mark.parametrize(
    ("addresses", "private", "called"),
    [
        (["10.0.0.7"], False, False),
        (["93.184.216.34", "10.0.0.7"], False, False),
        (["127.0.0.1"], False, False),
        (["127.0.0.1"], True, True),
        ([], True, False),
    ],
)
async def test_a_name_is_called_only_when_every_address_of_it_may_be(
    hooks: WebhookStandIn, addresses: list[str], private: bool, called: bool
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("localhost", hooks.port)
        return addresses

    sender = EventSender(private=private, timeout=5.0, resolve=resolve)
    answer = await sender.send(f"http://localhost:{hooks.port}/", (SECRET,), "e-1", BODY)
    assert answer == (Taken(delivered=True) if called else Refused("address"))
    assert [asked.headers["host"] for asked in hooks.asked] == ([f"localhost:{hooks.port}"] if called else [])


async def test_the_address_that_was_looked_at_is_the_one_that_is_called(hooks: WebhookStandIn) -> None:
    """A name that gives another address at the next look-up gets nothing by it."""
    times = 0

    async def resolve(host: str, port: int) -> Sequence[str]:
        nonlocal times
        times += 1
        return ["127.0.0.1"]

    sender = EventSender(private=True, timeout=2.0, resolve=resolve)
    answer = await sender.send(f"https://nowhere.invalid:{hooks.port}/", (SECRET,), "e-1", BODY)
    assert (answer, times) == (Busy("cannot connect"), 1), "it reached our port, which speaks no TLS"


async def test_a_name_that_is_not_known_is_busy() -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    sender = EventSender(private=False, timeout=2.0, resolve=resolve)
    assert await sender.send("https://case.invented.example/", (SECRET,), "e-1", BODY) == Busy("cannot connect")


@pytest.mark.parametrize(
    ("address", "open_network", "with_inner"),
    [
        ("93.184.216.34", True, True),
        ("2606:2800:220:1::1", True, True),
        ("10.1.2.3", False, True),
        ("172.16.0.1", False, True),
        ("192.168.1.1", False, True),
        ("100.64.0.1", False, True),
        ("127.0.0.1", False, True),
        ("::1", False, True),
        ("fd00::1", False, True),
        ("::ffff:10.0.0.1", False, True),
        ("64:ff9b::a00:1", False, True),
        ("2002:a00:1::1", False, True),
        ("169.254.169.254", False, False),
        ("::ffff:169.254.169.254", False, False),
        ("fe80::1", False, False),
        ("0.0.0.0", False, False),  # noqa: S104 - an address to refuse
        ("::", False, False),
        ("::127.0.0.1", False, True),
        ("64:ff9b:1::a00:1", False, False),
        ("fec0::1", False, False),
        ("168.63.129.16", False, False),
        ("192.0.0.192", False, False),
        ("224.0.0.1", False, False),
        ("ff02::1", False, False),
    ],
)
def test_which_addresses_may_be_called(address: str, open_network: bool, with_inner: bool) -> None:
    assert may_be_called(address, private=False) is open_network
    assert may_be_called(address, private=True) is with_inner
