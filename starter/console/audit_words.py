"""The audit in words: what was asked for, by which way in, and what came of it. Pure."""

from collections.abc import Mapping
from typing import Final

from activities.store.audit import AuditEntry, AuditOutcome
from starter.access import Permission
from starter.api.problems import PREFIX

_P = Permission

DEED_WORDS: Final[Mapping[Permission, str]] = {
    _P.REPORT: "Report a child",
    _P.RECORD: "Record what happened to a child",
    _P.RULE: "Decide about what is owed, or about a record",
    _P.READ_SAID: "See what came of something that was said",
    _P.READ_EPISODES: "See children's absences",
    _P.READ_TASKS: "See tasks and messages",
    _P.ACT_ON_TASKS: "Do something with a task, or answer a message",
    _P.READ_CHILD_RECORDS: "See what is kept for a child",
    _P.KEEP_CHILD_RECORDS: "Change what is kept for a child",
    _P.MAKE_POLICE_PACK: "Make a police pack",
    _P.BREAK_GLASS: "Open a restricted record all the same",
    _P.READ_REFERRALS: "See referrals for interviews",
    _P.ANSWER_REFERRALS: "Answer a referral for an interview",
    _P.READ_DIRECTORY: "See the directory of people and roles",
    _P.CHANGE_DIRECTORY: "Change the directory of people and roles",
    _P.READ_POLICIES: "See a policy",
    _P.PLAN: "Plan an invented story",
    _P.TAKE_IN: "Take in a file or a form",
    _P.READ_EVENTS: "See the events that systems are sent",
    _P.MANAGE_WEBHOOKS: "Change which systems are sent events",
    _P.READ_RETURNS: "See statutory returns",
    _P.READ_AUDIT: "See the audit",
    _P.READ_BROKEN_GLASS: "See who opened restricted records",
    _P.OPERATE: "Look after Homeward itself",
    _P.MANAGE_ACCOUNTS: "Change who may sign in",
    _P.KNOW_ONESELF: "See one's own account",
}
"""What each permission lets somebody do, as a choice and as what was asked for."""

OUTCOME_WORDS: Final[Mapping[AuditOutcome, str]] = {
    "allowed": "Allowed",
    "refused": "Refused",
    "not_found": "Nothing was there",
}

_METHODS: Final = ("GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ")


def deed_in_words(permission: str) -> str:
    """What was asked for; by its own name when no version of ours knows it any more."""
    return DEED_WORDS.get(Permission(permission), permission) if permission in set(Permission) else permission


def outcome_in_words(outcome: str) -> str:
    """What came of it."""
    words: Mapping[str, str] = dict(OUTCOME_WORDS.items())
    return words.get(outcome, outcome.replace("_", " ").capitalize())


def way_in_words(entry: AuditEntry) -> str:
    """By which way in it was asked: the browser, another system, a command."""
    if not entry.way.startswith(_METHODS):
        return "At the command line"
    return "Through the API" if entry.way.split(" ", 1)[1].startswith(PREFIX) else "In the browser"
