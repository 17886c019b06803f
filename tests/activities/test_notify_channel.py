"""GOV.UK Notify: what is stored, what is found again, which keys are taken."""

from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import pytest

from activities.channels.base import Busy, Found, Refused, Taken, Unknown
from activities.channels.notify import whereabouts_of
from tests.activities.letters import BODY, EMAIL, PHONE, by_notify, letter
from tests.standins.faults import STORED_BUT_LOST
from tests.standins.http_server import Asked, Reply
from tests.standins.notify import NotifyStandIn
from tests.standins.webhooks import WebhookStandIn


@pytest.mark.parametrize(("kind", "to"), [("email", EMAIL), ("sms", PHONE)])
async def test_notify_takes_what_the_letter_says(notify: NotifyStandIn, kind: Literal["email", "sms"], to: str) -> None:
    answer = await by_notify(notify, kind).send(letter(to))
    [stored] = notify.stored
    assert answer == Taken(provider_id=stored.id, delivered=False)
    assert (stored.kind, stored.to, stored.reference) == (kind, to, "notice-1:deputy/2")
    assert stored.personalisation == {"subject": "A task is overdue; please look", "message": BODY}


async def test_notify_keeps_every_repeat_of_a_reference(notify: NotifyStandIn) -> None:
    answers = [await by_notify(notify).send(letter(EMAIL)) for _ in range(3)]
    assert answers == [Taken(stored.id) for stored in notify.stored]
    assert len({stored.id for stored in notify.stored}) == 3


async def test_notify_down_is_busy_and_up_again_takes(notify: NotifyStandIn) -> None:
    adapter = by_notify(notify)
    notify.down()
    assert await adapter.send(letter(EMAIL)) == Busy("cannot connect")
    assert await adapter.look_up("notice-1") == Busy("cannot connect")
    notify.up()
    assert isinstance(await adapter.send(letter(EMAIL)), Taken)


async def test_notify_refuses_another_services_key(notify: NotifyStandIn) -> None:
    other = NotifyStandIn()
    for key in (other.api_key, f"x-{notify.service_id}-{other.secret}", f"x-{other.service_id}-{notify.secret}"):
        assert await by_notify(notify, api_key=key).send(letter(EMAIL)) == Refused("AuthError 403")
    assert notify.stored == []


async def test_notify_refuses_a_stale_token(notify: NotifyStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = int(datetime.now(UTC).timestamp()) - 31
    monkeypatch.setattr("notifications_python_client.authentication.epoch_seconds", lambda: long_ago)
    assert await by_notify(notify).send(letter(EMAIL)) == Refused("AuthError 403")


async def test_notify_refuses_what_is_no_address(notify: NotifyStandIn) -> None:
    assert await by_notify(notify).send(letter(PHONE)) == Refused("ValidationError 400")


STATUSES = {
    "delivered": "delivered",
    "permanent-failure": "undeliverable",
    "temporary-failure": "undeliverable",
    "technical-failure": "undeliverable",
    "validation-failed": "undeliverable",
    "virus-scan-failed": "undeliverable",
    "created": "on_its_way",
    "sending": "on_its_way",
    "pending": "on_its_way",
    "sent": "on_its_way",
    "accepted": "on_its_way",
    "received": "on_its_way",
    "a status of the future": "on_its_way",
}


@pytest.mark.parametrize("status", STATUSES)
async def test_a_message_that_timed_out_is_found(notify: NotifyStandIn, status: str) -> None:
    adapter = by_notify(notify)
    assert adapter.can_look_up
    notify.sends.next(STORED_BUT_LOST)
    assert await adapter.look_up("notice-1") is None
    assert isinstance(await adapter.send(letter(EMAIL, "notice-1")), Unknown)
    [stored] = notify.stored
    stored.status = status
    assert await adapter.look_up("notice-1") == Found(stored.id, whereabouts_of(status))
    assert whereabouts_of(status) == STATUSES[status]
    assert await adapter.look_up("notice-2") is None


@pytest.mark.parametrize(
    ("statuses", "best"),
    [
        (("delivered", "sending", "permanent-failure"), 0),
        (("permanent-failure", "delivered", "sending"), 1),
        (("sending", "temporary-failure"), 0),
        (("temporary-failure", "created"), 1),
    ],
)
async def test_of_several_messages_the_best_counts(notify: NotifyStandIn, statuses: tuple[str, ...], best: int) -> None:
    adapter = by_notify(notify)
    for status in statuses:
        await adapter.send(letter(EMAIL, "notice-1"))
        notify.stored[-1].status = status
    found = await adapter.look_up("notice-1")
    assert found == Found(notify.stored[best].id, whereabouts_of(statuses[best]))


class Careless(NotifyStandIn):
    """Lists whatever it has, whoever asks for what."""

    def answer(self, asked: Asked) -> Reply:
        del asked
        others = [
            {"id": "1", "reference": "notice-11", "status": "delivered"},
            {"id": "2", "status": "sent"},
            "nonsense",
        ]
        return Reply(200, {"notifications": others})


async def test_a_message_of_another_reference_is_never_taken_for_ours() -> None:
    with Careless() as notify:
        assert await by_notify(notify).look_up("notice-1") is None
        assert await by_notify(notify).look_up("notice-11") == Found("1", "delivered")


@pytest.mark.parametrize(
    ("change", "right"),
    [
        ({"api_key": "not-a-key"}, "key as Notify shows it"),
        ({"base_url": "http://notify.example"}, "https URL"),
    ],
)
def test_notify_needs_a_key_and_a_safe_url(change: dict[str, Any], right: str) -> None:
    with pytest.raises(ValueError, match=f"must be .*{right}") as raised:
        by_notify(NotifyStandIn(), "email", **({"base_url": "https://notify.example"} | change))
    assert not any(value in str(raised.value) for value in change.values())


def test_the_stand_in_sends_receipts_as_notify_does(notify: NotifyStandIn) -> None:
    with WebhookStandIn() as callback:
        message = _stored_one(notify)
        notify.callback_url, notify.callback_token = f"{callback.url}/receipts", "invented"
        answered = notify.receipt(message, "permanent-failure", times=2)
        # This receiver asks for a signature, which Notify does not give.
        assert answered == [400, 400]
        sent = callback.asked[0]
    assert sent.headers["authorization"] == "Bearer invented"
    assert httpx.Response(200, content=sent.body).json().keys() == {
        *("id", "reference", "to", "status", "created_at", "completed_at", "sent_at"),
        *("notification_type", "template_id", "template_version"),
    }
    assert message.status == "permanent-failure"


def _stored_one(notify: NotifyStandIn) -> Any:
    from notifications_python_client.notifications import NotificationsAPIClient

    client: Any = NotificationsAPIClient(notify.api_key, base_url=notify.url)
    with client.request_session:
        fields = {"subject": "s", "message": "m"}
        taken = client.send_email_notification(EMAIL, notify.template_id, personalisation=fields, reference="r")
        assert client.get_notification_by_id(taken["id"])["status"] == "created"
    return notify.stored[0]
