"""The words Homeward uses, each spelt in one place: roles, channels, settings, kinds and states."""

from enum import StrEnum


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
    SCHOOL = "school"
    HEALTH = "health"
    POLICE = "police"
    HOST_AUTHORITY = "host_authority"
    HOST_POLICE = "host_police"
    OPERATOR = "operator"


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
    Role.SCHOOL: "school",
    Role.HEALTH: "health professional",
    Role.POLICE: "police",
    Role.HOST_AUTHORITY: "host authority",
    Role.HOST_POLICE: "host police force",
    Role.OPERATOR: "Homeward operator",
}


class Channel(StrEnum):
    """The way a notice reaches a person."""

    TRAY = "tray"


class Setting(StrEnum):
    """Where the child lives."""

    FAMILY_HOME = "family_home"
    FOSTER = "foster"
    CHILDREN_HOME = "children_home"
    SEMI_INDEPENDENT = "semi_independent"
    PLACED_WITH_PARENTS = "placed_with_parents"
    HOSPITAL = "hospital"
    OTHER = "other"


class ClockKind(StrEnum):
    """fire_at happens when its time comes unless cancelled; due_by is owed whatever else happens."""

    FIRE_AT = "fire_at"
    DUE_BY = "due_by"


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

    @property
    def owed(self) -> bool:
        """Whether somebody still owes something by this clock."""
        return self in (ClockState.RUNNING, ClockState.OVERDUE)


class EpisodeStatus(StrEnum):
    """Where the episode stands, worked out from its facts."""

    ABSENT = "absent"
    MISSING = "missing"
    LOCATED = "located"
    RETURNED = "returned"
    CLOSED = "closed"
