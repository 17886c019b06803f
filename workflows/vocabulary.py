"""The words Homeward uses, each spelt in one place: roles, channels, settings, kinds and states."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Who may be told, be given a task, or be the person a fact speaks of."""

    SOCIAL_WORKER = "social_worker"
    TEAM_MANAGER = "team_manager"
    SERVICE_MANAGER = "service_manager"
    SENIOR_LEADER = "senior_leader"
    IRO = "iro"
    PARENT = "parent"
    CARER = "carer"
    DUTY_TEAM = "duty_team"
    DUTY_MANAGER = "duty_manager"
    OUT_OF_HOURS_TEAM = "out_of_hours_team"
    INTERVIEW_PROVIDER = "interview_provider"
    HOME_STAFF = "home_staff"
    SCHOOL = "school"
    HEALTH = "health"
    NETWORK = "network"
    POLICE = "police"
    HOST_AUTHORITY = "host_authority"
    HOST_POLICE = "host_police"
    POLICE_INSPECTOR = "police_inspector"
    POLICE_LEADERSHIP = "police_leadership"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


ROLE_WORDS: dict[Role, str] = {
    Role.SOCIAL_WORKER: "social worker",
    Role.TEAM_MANAGER: "team manager",
    Role.SERVICE_MANAGER: "service manager",
    Role.SENIOR_LEADER: "senior leader",
    Role.IRO: "independent reviewing officer",
    Role.PARENT: "parent",
    Role.CARER: "carer",
    Role.DUTY_TEAM: "duty team",
    Role.DUTY_MANAGER: "duty manager",
    Role.OUT_OF_HOURS_TEAM: "out-of-hours team",
    Role.INTERVIEW_PROVIDER: "interview provider",
    Role.HOME_STAFF: "staff of the children's home",
    Role.SCHOOL: "school",
    Role.HEALTH: "health professional",
    Role.NETWORK: "practitioners of the child's plan",
    Role.POLICE: "police",
    Role.HOST_AUTHORITY: "host authority",
    Role.HOST_POLICE: "host police force",
    Role.POLICE_INSPECTOR: "district inspector",
    Role.POLICE_LEADERSHIP: "district commander or critical incident manager",
    Role.OPERATOR: "Homeward operator",
    Role.ADMINISTRATOR: "administrator",
}


class Channel(StrEnum):
    """The way a notice reaches a person. The tray, a table that people read, holds every notice."""

    TRAY = "tray"
    EMAIL = "email"
    SMS = "sms"
    WEBHOOK = "webhook"


class Haste(StrEnum):
    """When a notice may reach a person outside the tray.

    at_once: the statute asks for it, or it asks for an answer; never muted.
    when_awake: a step upward of local practice, which waits for the end of quiet hours.
    in_digest: the rest, gathered until the next digest.
    """

    AT_ONCE = "at_once"
    WHEN_AWAKE = "when_awake"
    IN_DIGEST = "in_digest"


class Setting(StrEnum):
    """Where the child lives."""

    FAMILY_HOME = "family_home"
    FOSTER = "foster"
    CHILDREN_HOME = "children_home"
    SEMI_INDEPENDENT = "semi_independent"
    PLACED_WITH_PARENTS = "placed_with_parents"
    HOSPITAL = "hospital"
    OTHER = "other"


HOLDS_EITHER_WAY: Final = ("allocated", "looked_after", "out_of_area")
"""Circumstances of a child that hold one way or the other: while nobody has said, the one that owes more counts."""

HOLDS_WHEN_SAID: Final = (
    "open_case",
    "protection_plan",
    "unaccompanied",
    "trafficking_concern",
    "court_order",
    "hosted",
    "new_to_area",
    "restricted",
)
"""Circumstances of a child that hold for some, and only when someone has said so."""


class Interviewer(StrEnum):
    """What the person who holds a return home interview is to the child (S4 sections 5 and 7)."""

    INDEPENDENT = "independent"
    SOCIAL_WORKER = "social_worker"
    OTHER_HOME_STAFF = "other_home_staff"
    TRUSTED_PROFESSIONAL = "trusted_professional"
    PARENT = "parent"
    FOSTER_CARER = "foster_carer"
    KEY_WORKER = "key_worker"


ABSENCE_CATEGORIES: Final = ("absent", "away", "missing")
"""Absent, away from placement without authorisation, missing (S4 section 2)."""

MEETINGS: Final = ("strategy", "planning", "return")

RISK_GRADES: Final = ("no_apparent_risk", "very_low", "low", "medium", "high")
"""Grades of the schemes in use; a grade means something only beside its scheme, and is never converted."""

DELAY_REASONS: Final = (
    "weekend_or_holiday",
    "missing_again",
    "late_notice",
    "childs_wish",
    "capacity",
    "could_not_reach",
    "unwell",
    "consent",
    "other",
)
"""Why an interview was late (S3 section 9)."""

PREVENTION_CHECK_EXCEPTIONS: Final = (
    "back_before_police_came",
    "mental_health_patient",
    "agreed_strategy",
    "appointment",
)
"""When the police need make no prevention check (S4 section 6)."""

PLANNING_AGENDA: Final = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
"""The points of a missing safety meeting (S4 section 9)."""


class ClockKind(StrEnum):
    """fire_at happens when its time comes unless cancelled; due_by is owed whatever else happens.

    A review is owed again and again until what it watches ends.
    """

    FIRE_AT = "fire_at"
    DUE_BY = "due_by"
    REVIEW = "review"


class ClockState(StrEnum):
    """How a clock stands at a moment."""

    NOT_STARTED = "not_started"
    RUNNING = "running"
    MET = "met"
    LATE = "late"
    OVERDUE = "overdue"
    FIRED = "fired"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    DECLINED = "declined"
    NOT_NEEDED = "not_needed"
    VOIDED = "voided"
    ENDED = "ended"

    @property
    def owed(self) -> bool:
        """Whether somebody still owes something by this clock."""
        return self in (ClockState.RUNNING, ClockState.OVERDUE)


CLOCK_STATE_WORDS: dict[ClockState, str] = {
    ClockState.NOT_STARTED: "Not started",
    ClockState.RUNNING: "Running",
    ClockState.MET: "Done in time",
    ClockState.LATE: "Done late",
    ClockState.OVERDUE: "Overdue",
    ClockState.FIRED: "Time reached",
    ClockState.CANCELLED: "No longer needed",
    ClockState.SUPPRESSED: "Held back by a decision",
    ClockState.DECLINED: "Declined",
    ClockState.NOT_NEEDED: "Not needed",
    ClockState.VOIDED: "Struck out by a decision",
    ClockState.ENDED: "Ended",
}


def clock_state_in_words(state: ClockState) -> str:
    """How a clock stands, within a sentence."""
    return CLOCK_STATE_WORDS[state].lower()


class EpisodeStatus(StrEnum):
    """Where the episode stands, worked out from its facts."""

    ABSENT = "absent"
    AWAY = "away"
    MISSING = "missing"
    LOCATED = "located"
    RETURNED = "returned"
    RECORDED_IN_ERROR = "recorded_in_error"
    MERGED = "merged"
    DECEASED = "deceased"
    CLOSED_AT_18 = "closed_at_18"
    CLOSED = "closed"

    @property
    def gone(self) -> bool:
        """Whether the child is not back where they should be, as far as is known; one who is located may not be."""
        return self in (EpisodeStatus.ABSENT, EpisodeStatus.AWAY, EpisodeStatus.MISSING, EpisodeStatus.LOCATED)

    @property
    def of_an_absence(self) -> bool:
        """Whether the record stands for an absence of its own: one that goes on in another, or was a mistake, does not.

        One that is closed no longer says which it was.
        """
        return self not in (EpisodeStatus.RECORDED_IN_ERROR, EpisodeStatus.MERGED)

    @property
    def over(self) -> bool:
        """Whether nothing more is owed to the child by this episode, whatever its clocks."""
        return self in (
            EpisodeStatus.RECORDED_IN_ERROR,
            EpisodeStatus.MERGED,
            EpisodeStatus.DECEASED,
            EpisodeStatus.CLOSED_AT_18,
        )


STATUS_WORDS: dict[EpisodeStatus, str] = {
    EpisodeStatus.ABSENT: "Absent",
    EpisodeStatus.AWAY: "Away without authorisation",
    EpisodeStatus.MISSING: "Missing",
    EpisodeStatus.LOCATED: "Found, not yet back",
    EpisodeStatus.RETURNED: "Returned",
    EpisodeStatus.RECORDED_IN_ERROR: "Recorded in error",
    EpisodeStatus.MERGED: "Merged into another",
    EpisodeStatus.DECEASED: "Deceased",
    EpisodeStatus.CLOSED_AT_18: "Closed at 18",
    EpisodeStatus.CLOSED: "Closed",
}


def status_in_words(status: EpisodeStatus) -> str:
    """How an episode stands, within a sentence: 'found, not yet back'."""
    words = STATUS_WORDS[status]
    return words[0].lower() + words[1:]


def name_in_words(name: str) -> str:
    """A name out of the vocabulary as a phrase that begins a line."""
    return beginning_a_line(name.replace("_", " "))


def beginning_a_line(words: str) -> str:
    """The same words with a capital letter."""
    return words[:1].upper() + words[1:]
