"""The stand-ins, each started anew for a test; and what holds for every test here."""

import logging
from collections.abc import Generator

import pytest

from tests.activities.letters import BODY, EMAIL, HOOK_PATH, PHONE
from tests.standins.notify import NotifyStandIn
from tests.standins.smtp import SmtpStandIn
from tests.standins.webhooks import WebhookStandIn


@pytest.fixture
def notify() -> Generator[NotifyStandIn]:
    with NotifyStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def mail() -> Generator[SmtpStandIn]:
    with SmtpStandIn() as stand_in:
        yield stand_in


@pytest.fixture
def hooks() -> Generator[WebhookStandIn]:
    with WebhookStandIn() as stand_in:
        yield stand_in


@pytest.fixture(autouse=True)
def nobody_is_named_in_the_logs(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """Whatever a test does, at whatever level: no address is written down."""
    caplog.set_level(logging.DEBUG)
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    said = "\n".join(logging.Formatter().format(record) for record in records)
    for address in (EMAIL, PHONE, HOOK_PATH, BODY[:10]):
        assert address not in said
