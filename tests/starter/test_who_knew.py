"""Who knew what, and when: every state in which a notice can stand, from views made by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from activities.store.episodes import EpisodeView
from starter.who_knew import WAY_WORDS, post_events, who_knew
from tests.workflows.builders import clocks_at, fact
from workflows.instants import parse_instant

NOON = parse_instant("2026-11-24T12:00:00Z")
NOTICE = "e/rhi/escalate/1/team_manager"


def after(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def notice(key: str = NOTICE, **more: Any) -> dict[str, Any]:
    _, clock, rung, _, role = key.split("/")
    whole: dict[str, Any] = {"key": key, "clock": clock, "rung": rung, "role": role, "needs_ack": True}
    whole |= {"says": "An interview is overdue", "sent_at": NOON, "acknowledged_at": None, "acknowledged_by": None}
    return whole | more


def told(key: str = NOTICE, person: str = "p1", **more: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"notice": key, "person": person, "name": f"Invented {person}", "cover": "holder"}
    return whole | {"message": None, "ready_at": None, "in_digest": False, "read_at": None, **more}


def message(state: str = "sending", *ways: str, id: str = "m1") -> dict[str, Any]:
    return {"id": id, "ways": list(ways), "gathered_at": after(1), "state": state, "state_at": after(1)}


def tried(way: str, minutes: float = 2, id: str = "m1", **more: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"message": id, "way": way, "attempts": 1, "first_tried_at": after(minutes)}
    return whole | {"taken_at": None, "delivered_at": None, "given_up_at": None, "failure": None, **more}


def view(**more: Any) -> EpisodeView:
    whole: dict[str, Any] = {"episode": {"id": "e"}, "child_reference": None, "notices": [notice()], "recipients": []}
    empty = ("facts", "clocks", "timeline", "tasks", "messages", "dispatches")
    return EpisodeView.model_validate({name: [] for name in empty} | whole | more)


def with_message(one: dict[str, Any], *dispatches: dict[str, Any], **more: Any) -> EpisodeView:
    return view(recipients=[told(message="m1", **more)], messages=[one], dispatches=list(dispatches))


TAKEN: dict[str, Any] = {"taken_at": after(3)}
DELIVERED: dict[str, Any] = {**TAKEN, "delivered_at": after(4)}
REFUSED: dict[str, Any] = {"given_up_at": after(3), "failure": "BadRequestError 400"}
SILENT: dict[str, Any] = {**TAKEN, "given_up_at": after(20), "failure": "silent"}
BOTH = ("notify_sms", "smtp")

# What became of it: (way, minutes after noon at which it was sent, how it stands) of each row
STATES: dict[str, tuple[EpisodeView, list[tuple[str | None, float | None, str]]]] = {
    "nobody holds the role": (view(), [(None, None, "nobody on record")]),
    "the tray is all there is": (view(recipients=[told()]), [("tray", 0, "in the tray")]),
    "it waits for the digest": (view(recipients=[told(in_digest=True)]), [("tray", 0, "waits for the digest")]),
    "it waits for the morning": (
        view(recipients=[told(ready_at=parse_instant("2026-11-25T07:00:00Z"))]),
        [("tray", 0, "waits until Wed 25 Nov 2026 07:00 GMT")],
    ),
    "it waits for others": (view(recipients=[told(ready_at=NOON)]), [("tray", 0, "waits for what goes with it")]),
    "gathered, and not tried yet": (with_message(message("sending", *BOTH)), [("tray", 0, "being sent")]),
    "answered before it was sent": (
        with_message(message("reached", *BOTH)),
        [("tray", 0, "in the tray: answered before it was sent")],
    ),
    "no way is set up": (
        with_message(message("given_up")),
        [("tray", 0, "no way reached this person: none is there to try")],
    ),
    "being tried": (with_message(message("sending", *BOTH), tried("smtp")), [("smtp", None, "being sent")]),
    "being tried again": (
        with_message(message("sending", *BOTH), tried("smtp", failure="smtp 451")),
        [("smtp", None, "being sent; the last attempt failed: smtp 451")],
    ),
    "taken": (
        with_message(message("reached", "smtp"), tried("smtp", **TAKEN)),
        [("smtp", 3, "taken, not yet known to be delivered")],
    ),
    "delivered": (
        with_message(message("reached", *BOTH), tried("notify_sms", **DELIVERED)),
        [("notify_sms", 3, "delivered")],
    ),
    "delivered after it had been given up": (
        with_message(message("reached", *BOTH), tried("notify_sms", **DELIVERED, given_up_at=after(3.5))),
        [("notify_sms", 3, "delivered")],
    ),
    "one way failed, the next took it": (
        with_message(message("reached", *BOTH), tried("notify_sms", **REFUSED), tried("smtp", 4, taken_at=after(5))),
        [("notify_sms", None, "failed: BadRequestError 400"), ("smtp", 5, "taken, not yet known to be delivered")],
    ),
    "one way was silent, the next is tried": (
        with_message(message("sending", *BOTH), tried("notify_sms", **SILENT), tried("smtp", 21)),
        [("notify_sms", 3, "taken, and no receipt came (silent)"), ("smtp", None, "being sent")],
    ),
    "no way reaches anybody now": (
        with_message(message("unreached", "smtp"), tried("smtp", given_up_at=after(9), failure="smtp 451; no answer")),
        [("smtp", None, "no way reached this person: smtp 451; no answer; it is tried again")],
    ),
    "no way ever will": (
        with_message(message("given_up", *BOTH), tried("notify_sms", **REFUSED), tried("smtp", 4, **SILENT)),
        [
            ("notify_sms", None, "no way reached this person: BadRequestError 400"),
            ("smtp", 3, "no way reached this person: silent"),
        ],
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_how_a_notice_stands(case: str) -> None:
    of, expected = STATES[case]
    rows = who_knew(of)
    minutes = [(row.sent - NOON) / timedelta(minutes=1) if row.sent else None for row in rows]
    assert [(row.way, sent, row.standing) for row, sent in zip(rows, minutes, strict=True)] == expected
    assert {row.way for row in rows} - {None} <= set(WAY_WORDS)


def test_a_row_says_who_why_that_person_and_what_they_did() -> None:
    answered = notice(acknowledged_at=after(30), acknowledged_by="p2")
    of = view(
        notices=[answered],
        recipients=[told(cover="on_call", message="m1", read_at=after(10)), told(person="p2")],
        messages=[message("reached", "smtp")],
        dispatches=[tried("smtp", **DELIVERED)],
        clocks=[clocks_at("2026-11-24T12:00:00Z", fact("reported 2026-11-20T12:00:00Z"))["rhi"]],
    )
    second, first = who_knew(of)
    assert (first.person, first.name, first.cover, first.role) == ("p1", "Invented p1", "on_call", "team_manager")
    assert (first.delivered, first.read, second.read) == (after(4), after(10), None)
    assert {(row.acknowledged_at, row.acknowledged_by) for row in (first, second)} == {(after(30), "p2")}
    assert first.title == of.clocks[0].title
    assert (first.rung, first.says, first.asks) == ("escalate", "An interview is overdue", True)


@pytest.mark.parametrize(
    ("key", "title"),
    [
        ("e/return_notice/back/1/school", "The child's return"),
        ("e/action-1234/task_overdue_1/1/team_manager", "A task"),
        ("e/long_gone/ask/1/school", "Long gone"),
    ],
)
def test_a_notice_that_speaks_of_no_clock_there_is_has_a_title_in_words(key: str, title: str) -> None:
    assert [row.title for row in who_knew(view(notices=[notice(key)]))] == [title]


def test_the_table_is_in_order_of_time() -> None:
    early, late = "e/rhi/ask/1/school", "e/rhi/escalate/1/team_manager"
    of = view(
        notices=[notice(late), notice(early, sent_at=after(-60))],
        recipients=[told(late), told(late, "p2", message="m1"), told(early)],
        messages=[message("reached", *BOTH)],
        dispatches=[tried("smtp", **TAKEN), tried("notify_sms", 1, **REFUSED)],
    )
    rows = [(row.rung, row.person, row.way) for row in who_knew(of)]
    assert rows == [
        ("ask", "p1", "tray"),
        ("escalate", "p1", "tray"),
        ("escalate", "p2", "notify_sms"),
        ("escalate", "p2", "smtp"),
    ]


SMS = "text message (GOV.UK Notify)"
EVENTS: dict[str, tuple[EpisodeView, list[tuple[float, str]]]] = {
    "nothing went out": (view(recipients=[told()]), []),
    "gathered only": (with_message(message("sending", *BOTH)), []),
    "being tried": (with_message(message("sending", *BOTH), tried("smtp", failure="smtp 451")), []),
    "taken and delivered": (
        with_message(message("reached", *BOTH), tried("notify_sms", **DELIVERED)),
        [(3, f"Sent to the team manager by {SMS}"), (4, f"Delivered to the team manager by {SMS}")],
    ),
    "failed, and the next way is tried": (
        with_message(message("sending", *BOTH), tried("notify_sms", **REFUSED)),
        [
            (
                3,
                "Text message (GOV.UK Notify) to the team manager failed (BadRequestError 400): e-mail is next",
            )
        ],
    ),
    "silent, and the next way took it": (
        with_message(message("reached", *BOTH), tried("notify_sms", **SILENT), tried("smtp", 21, taken_at=after(22))),
        [
            (3, f"Sent to the team manager by {SMS}"),
            (20, "Text message (GOV.UK Notify) to the team manager went without a receipt (silent): e-mail is next"),
            (22, "Sent to the team manager by e-mail"),
        ],
    ),
    "silent, and it arrived after all": (
        with_message(
            message("reached", *BOTH),
            tried("notify_sms", taken_at=after(3), given_up_at=after(20), delivered_at=after(25)),
        ),
        [
            (3, f"Sent to the team manager by {SMS}"),
            (20, "Text message (GOV.UK Notify) to the team manager went without a receipt (silent): e-mail is next"),
            (25, f"Delivered to the team manager by {SMS}"),
        ],
    ),
    "the last way failed for now": (
        with_message(message("unreached", "smtp"), tried("smtp", given_up_at=after(9), failure="no answer")),
        [(9, "E-mail to the team manager failed (no answer): every way is tried again")],
    ),
    "the last way failed for good": (
        with_message(
            message("given_up", *BOTH), tried("notify_sms", **REFUSED), tried("smtp", given_up_at=after(9), failure="x")
        ),
        [
            (3, "Text message (GOV.UK Notify) to the team manager failed (BadRequestError 400): e-mail is next"),
            (9, "E-mail to the team manager failed (x): no way is left"),
        ],
    ),
    "a way that was given up before is not next": (
        with_message(
            message("unreached", *BOTH),
            tried("notify_sms", given_up_at=after(30), failure="no answer"),
            tried("smtp", given_up_at=after(9), failure="smtp 550"),
        ),
        [
            (9, "E-mail to the team manager failed (smtp 550): every way is tried again"),
            (30, "Text message (GOV.UK Notify) to the team manager failed (no answer): every way is tried again"),
        ],
    ),
}


@pytest.mark.parametrize("case", EVENTS)
def test_what_became_of_messages_is_told_on_the_timeline(case: str) -> None:
    of, expected = EVENTS[case]
    events = post_events(of)
    assert [((event.at - NOON) / timedelta(minutes=1), event.text) for event in events] == expected
    assert {event.kind for event in events} <= {"post"}
    assert "Invented" not in str(events)
    assert not any(str(message["id"]) in one.model_dump_json() for message in of.messages for one in events), (
        "a message's id is the key of its page"
    )


def test_a_message_with_several_notices_is_one_line_that_names_every_role() -> None:
    keys = [NOTICE, "e/visit/escalate/1/team_manager", "e/iro_notice/escalate/1/duty_manager"]
    of = view(
        notices=[notice(key) for key in keys],
        recipients=[told(key, message="m1") for key in keys],
        messages=[message("reached", "smtp")],
        dispatches=[tried("smtp", **TAKEN)],
    )
    assert [event.text for event in post_events(of)] == ["Sent to the duty manager and the team manager by e-mail"]
