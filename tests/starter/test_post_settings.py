"""How notices go out is set by the environment, and a wrong setting is refused at the start in one line."""

from datetime import time

import pytest

from starter.post_office import ways_out
from starter.post_settings import PostSettings, load_post_settings
from workflows.messages import QuietHours
from workflows.plain_errors import BadInputError

KEY = "invented-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"


def settings(monkeypatch: pytest.MonkeyPatch, **given: str) -> PostSettings:
    for name, value in given.items():
        monkeypatch.setenv(f"HOMEWARD_{name}", value)
    return load_post_settings()


def test_with_no_settings_notices_lie_in_trays_and_nothing_else_changes() -> None:
    assert ways_out(load_post_settings()) == {}
    rules = load_post_settings().rules
    assert rules.quiet == QuietHours(begins=time(22), ends=time(7))
    assert (rules.digest_at, rules.gather_seconds) == ((time(8, 30),), 60)


@pytest.mark.parametrize(
    ("given", "ways"),
    [
        ({"NOTIFY_API_KEY": KEY, "NOTIFY_SMS_TEMPLATE": "t"}, ["notify_sms"]),
        (
            {"NOTIFY_API_KEY": KEY, "NOTIFY_SMS_TEMPLATE": "t", "NOTIFY_EMAIL_TEMPLATE": "t"},
            ["notify_email", "notify_sms"],
        ),
        ({"SMTP_HOST": "mail.invented.example", "SMTP_SENDER": "homeward@invented.example"}, ["smtp"]),
        ({"WEBHOOK_URL": "https://cases.invented.example/in", "WEBHOOK_SECRET": "whsec_aW52ZW50ZWQ="}, ["webhook"]),
    ],
)  # fmt: skip
def test_a_provider_is_used_when_its_settings_are_there(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], ways: list[str]
) -> None:
    assert list(ways_out(settings(monkeypatch, **given))) == ways


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"QUIET_HOURS": "22-7"}, "HOMEWARD_QUIET_HOURS: must be written as 22:00-07:00, or be empty"),
        ({"QUIET_HOURS": "07:00-07:00"}, "HOMEWARD_QUIET_HOURS: must be written as 22:00-07:00, or be empty"),
        ({"QUIET_HOURS": "22:00-25:00"}, "HOMEWARD_QUIET_HOURS: must be a time of day such as 08:30"),
        ({"DIGEST_AT": "8.30"}, "HOMEWARD_DIGEST_AT: must be times such as 08:30, with ',' between them"),
        ({"DIGEST_AT": "08:30,24:10"}, "HOMEWARD_DIGEST_AT: must be a time of day such as 08:30"),
        ({"GATHER_SECONDS": "-1"}, "HOMEWARD_GATHER_SECONDS: input should be greater than or equal to 0 (not '-1')"),
        ({"SMTP_TLS": "ssl"}, "HOMEWARD_SMTP_TLS: 'ssl' is unknown; use one of none, starttls, tls"),
        ({"NOTIFY_API_KEY": KEY}, "HOMEWARD_NOTIFY_EMAIL_TEMPLATE: must be given with its provider"),
        ({"SMTP_HOST": "mail"}, "HOMEWARD_SMTP_SENDER: must be given with its provider"),
        ({"WEBHOOK_URL": "https://x.example"}, "HOMEWARD_WEBHOOK_SECRET: must be given with its provider"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    with pytest.raises(BadInputError) as refused:
        settings(monkeypatch, **given)
    assert str(refused.value) == line


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"NOTIFY_API_KEY": "SECRET-KEY", "NOTIFY_SMS_TEMPLATE": "t"}, "HOMEWARD_NOTIFY_API_KEY"),
        ({"NOTIFY_API_KEY": KEY, "NOTIFY_SMS_TEMPLATE": "t", "NOTIFY_URL": "http://x.example"}, "NOTIFY_URL"),
        ({"SMTP_HOST": "mail.invented.example", "SMTP_SENDER": "SECRET"}, "HOMEWARD_SMTP_SENDER"),
        ({"WEBHOOK_URL": "https://x.example", "WEBHOOK_SECRET": "SECRET"}, "HOMEWARD_WEBHOOK_SECRET"),
        ({"WEBHOOK_URL": "http://x.example", "WEBHOOK_SECRET": "whsec_aW52ZW50ZWQ="}, "HOMEWARD_WEBHOOK_URL"),
    ],
)  # fmt: skip
def test_a_provider_that_cannot_be_used_is_refused_and_no_secret_is_repeated(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], name: str
) -> None:
    with pytest.raises(BadInputError, match=name) as refused:
        ways_out(settings(monkeypatch, **given))
    assert "SECRET" not in str(refused.value).removeprefix("HOMEWARD_WEBHOOK_SECRET")


@pytest.mark.parametrize("name", ["DIGEST_AT", "QUIET_HOURS"])
def test_an_empty_setting_switches_it_off(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    rules = settings(monkeypatch, **{name: ""}).rules
    assert (rules.digest_at == ()) is (name == "DIGEST_AT")
    assert (rules.quiet is None) is (name == "QUIET_HOURS")


def test_several_digests_a_day_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, DIGEST_AT="08:30, 16:00").rules.digest_at == (time(8, 30), time(16))
