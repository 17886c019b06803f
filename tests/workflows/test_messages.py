"""When a notice may go out, and in what words: tables with golden values, and laws."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.directory import Hours, read_hours
from workflows.instants import parse_instant
from workflows.messages import Line, PostRules, QuietHours, first_waking, in_order, ready_at, wording
from workflows.vocabulary import Channel, Haste

NIGHT = QuietHours(begins=time(22), ends=time(7))
RULES = PostRules(quiet=NIGHT, digest_at=(time(8, 30),))
OFFICE, ALWAYS, NIGHTS = (read_hours(one) for one in ("Mon-Fri 09:00-17:00", "always", "Mon-Sun 20:00-08:00"))
LINKS = "https://homeward.invented.example/"


@pytest.mark.parametrize(
    ("haste", "hours", "at", "ready"),
    [
        # What the statute asks, or what wants an answer, is never muted.
        (Haste.AT_ONCE, OFFICE, "2026-06-13T02:00:00+01:00", "2026-06-13T02:00:00+01:00"),
        (Haste.IN_DIGEST, OFFICE, "2026-06-10T12:00:00+01:00", None),
        (Haste.WHEN_AWAKE, ALWAYS, "2026-06-10T12:00:00+01:00", "2026-06-10T12:00:00+01:00"),
        (Haste.WHEN_AWAKE, ALWAYS, "2026-06-10T21:59:59+01:00", "2026-06-10T21:59:59+01:00"),
        (Haste.WHEN_AWAKE, ALWAYS, "2026-06-10T22:00:00+01:00", "2026-06-11T07:00:00+01:00"),
        (Haste.WHEN_AWAKE, ALWAYS, "2026-06-11T06:59:59+01:00", "2026-06-11T07:00:00+01:00"),
        (Haste.WHEN_AWAKE, OFFICE, "2026-06-12T16:59:59+01:00", "2026-06-12T16:59:59+01:00"),
        (Haste.WHEN_AWAKE, OFFICE, "2026-06-12T17:00:00+01:00", "2026-06-15T09:00:00+01:00"),
        # Somebody who works at night is awake before and after the quiet hours.
        (Haste.WHEN_AWAKE, NIGHTS, "2026-06-10T23:00:00+01:00", "2026-06-11T07:00:00+01:00"),
        (Haste.WHEN_AWAKE, NIGHTS, "2026-06-11T08:00:00+01:00", "2026-06-11T20:00:00+01:00"),
        # The night of a clock change is an hour shorter, or longer; its end is still seven.
        (Haste.WHEN_AWAKE, ALWAYS, "2026-03-28T23:00:00+00:00", "2026-03-29T07:00:00+01:00"),
        (Haste.WHEN_AWAKE, ALWAYS, "2026-10-24T23:00:00+01:00", "2026-10-25T07:00:00+00:00"),
        (Haste.WHEN_AWAKE, OFFICE, "2026-10-23T18:00:00+01:00", "2026-10-26T09:00:00+00:00"),
    ],
)
def test_when_a_notice_may_go_out(haste: Haste, hours: Hours, at: str, ready: str | None) -> None:
    assert ready_at(haste, parse_instant(at), RULES, hours) == (parse_instant(ready) if ready else None)


def test_without_digests_what_could_wait_for_one_waits_for_morning() -> None:
    night = parse_instant("2026-06-10T23:00:00+01:00")
    assert ready_at(Haste.IN_DIGEST, night, PostRules(quiet=NIGHT), ALWAYS) == parse_instant("2026-06-11T06:00:00Z")
    assert ready_at(Haste.WHEN_AWAKE, night, PostRules(), ALWAYS) == night


instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001
times_of_day = st.times().map(lambda one: one.replace(second=0, microsecond=0, tzinfo=None))


@given(instants, times_of_day, times_of_day, st.sampled_from([OFFICE, ALWAYS, NIGHTS]))
def test_nothing_waits_longer_than_a_week_or_goes_out_at_night(
    at: datetime, begins: time, ends: time, hours: Hours
) -> None:
    quiet = QuietHours(begins=begins, ends=ends) if begins != ends else None
    found = first_waking(at, quiet, hours)
    assert at <= found <= at + timedelta(days=8)
    awake = hours.cover(found) and not (quiet and quiet.cover(found))
    assert awake or found == at, "nobody with these hours is ever awake, and waiting would help nobody"


def line(episode: str, asks: str = "answer", due: str | None = "2026-06-10T13:00:00Z", **more: str) -> Line:
    about = {"notice": f"{episode}/rhi/escalate/1/team_manager", "episode_id": episode, "clock": "rhi"}
    about |= {"rung": "escalate", "role": "team_manager", "says": "Words of the policy", "at": "2026-06-10T12:00:00Z"}
    return Line.model_validate({**about, "asks": asks, "due": due, **more})


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([line("e")], "Homeward: 1 thing for you to answer, by Wed 10 Jun 2026 14:00 BST. "),
        ([line("e", due="2026-06-10T11:00:00Z")],
         "Homeward: 1 thing for you to answer, due since Wed 10 Jun 2026 12:00 BST. "),
        ([line("e"), line("f", due="2026-06-10T12:30:00Z")],
         "Homeward: 2 things for you to answer, the first by Wed 10 Jun 2026 13:30 BST. "),
        ([line("e", "step", "2026-06-10T22:59:59Z")],
         "Homeward: 1 thing not done in time, by the end of Wed 10 Jun 2026. "),
        ([line("e", "notice", None), line("f", "notice", None)], "Homeward: 2 things to look at. "),
        ([line("e", "notice", None), line("f", "step", None)], "Homeward: 1 thing not done in time. "),
    ],
)  # fmt: skip
def test_a_text_message_says_how_many_things_and_by_when(lines: list[Line], text: str) -> None:
    assert wording("m-1", lines, Channel.SMS, LINKS).body == f"{text}https://homeward.invented.example/m/m-1"


def test_an_e_mail_has_a_line_for_each_thing_what_wants_an_answer_first() -> None:
    words = wording("m-1", [line("e", "notice", None), line("f"), line("f"), line("g", "step")], Channel.EMAIL, LINKS)
    assert words.subject == "Homeward: 2 things for you to answer"
    assert words.body.splitlines() == [
        "Look here, and say that you have: https://homeward.invented.example/m/m-1",
        "",
        "- As team manager: look, and answer (2 things), by Wed 10 Jun 2026 14:00 BST. Episode f",
        "- As team manager: look at what was not done in time, by Wed 10 Jun 2026 14:00 BST. Episode g",
        "- As team manager: look. Episode e",
        "",
        "This message says nothing of a child on purpose. Please do not forward it with details added.",
    ]
    assert wording("m-1", [line("e", "notice")], Channel.EMAIL, LINKS).body.startswith("Look here: ")


@given(st.text(min_size=1), st.sampled_from(Channel))
def test_no_message_carries_the_words_of_a_notice(says: str, channel: Channel) -> None:
    words = wording("m-1", [line("e", says=f"INVENTED {says} SECRET")], channel, LINKS)
    assert "INVENTED" not in f"{words}"
    assert "SECRET" not in f"{words}"


def test_the_order_of_lines_is_the_same_however_they_come() -> None:
    lines = [line("a", "notice"), line("b"), line("c", due="2026-06-10T12:10:00Z"), line("d", "step", None)]
    assert [one.episode_id for one in in_order(lines)] == ["c", "b", "d", "a"]
    assert in_order(reversed(lines)) == in_order(lines)
