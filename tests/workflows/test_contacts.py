"""Addresses and channels as people write them: read strictly, and never repeated in a complaint."""

import pytest

from workflows.contacts import read_channels, read_email, read_mobile
from workflows.vocabulary import Channel

EMAIL, MOBILE, CHANNELS = "one e-mail address", "a mobile number", "some of email, sms, webhook"


@pytest.mark.parametrize("good", ["desk@example.org", "A.O'N+out@sub.invented-town.example", f"{'x' * 64}@a.example"])
def test_an_address_stays_as_it_is_written(good: str) -> None:
    assert read_email(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "desk",
        "desk@example",
        "a@b@example.org",
        "@example.org",
        "desk@",
        "desk@.org",
        "desk@example..org",
        "desk@-example.org",
        "de sk@example.org",
        "desk@example.org\n",
        "desk@example.org\nBcc: other@example.org",
        "desk@example.org,other@example.org",
        "desk@example.org;other@example.org",
        "Desk <desk@example.org>",
        "de\tsk@example.org",
        "de\x00sk@example.org",
        "de\u200bsk@example.org",
        ".desk@example.org",
        f"{'x' * 65}@example.org",
        f"desk@{'.'.join(['x' * 60] * 5)}.org",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(bad: str) -> None:
    with pytest.raises(ValueError, match=EMAIL) as refused:
        read_email(bad)
    assert str(refused.value) == "must be one e-mail address, such as desk@example.org"


def test_the_longest_address_there_may_be() -> None:
    fits = f"{'x' * 62}@{'.'.join(['y' * 47] * 4)}"
    assert len(read_email(fits)) == 254
    with pytest.raises(ValueError, match=EMAIL):
        read_email(f"x{fits}")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("07700900123", "+447700900123"),
        ("07700 900 123", "+447700900123"),
        ("+44 7700 900123", "+447700900123"),
        ("+447700900123", "+447700900123"),
        ("+1 202 555 0123", "+12025550123"),
    ],
)
def test_a_mobile_number_becomes_e164(written: str, number: str) -> None:
    assert read_mobile(written) == number
    assert read_mobile(number) == number


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "7700900123",
        "0770090012",
        "077009001234",
        "02079460123",
        "+4407700900123",
        "+442079460123",
        "+44 7700 9001",
        "+0123456789",
        "+1234567",
        "+1234567890123456",
        "07700-900123",
        "07700 900123 x2",
        "07700\t900123",
        "07700900123\n",
        "\u0660\u0667700900123",
    ],
)
def test_what_is_no_mobile_number_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=MOBILE):
        read_mobile(bad)


def test_channels_keep_their_order() -> None:
    assert read_channels("sms; email;webhook") == (Channel.SMS, Channel.EMAIL, Channel.WEBHOOK)
    assert read_channels("") == ()


@pytest.mark.parametrize("bad", ["tray", "fax", "email;", "email,sms", "sms;sms", ";", "EMAIL"])
def test_channels_that_are_none_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=CHANNELS):
        read_channels(bad)
