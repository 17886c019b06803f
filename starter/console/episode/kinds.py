"""What can be recorded, in the groups in which people look for it, and what becomes of an episode by it. Data."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from starter.access import Principal, permission_to_record
from workflows.fact_kinds import ABOUT_TASKS, FACTS, RULINGS, FactKind
from workflows.vocabulary import EpisodeStatus

_K = FactKind


class Group(NamedTuple):
    """Kinds that people look for together."""

    title: str
    kinds: tuple[FactKind, ...]


OWN_PAGES: Final = frozenset({*ABOUT_TASKS, _K.WITHDRAWN, _K.MERGED, _K.REOPENED})
"""What is recorded by a page of its own, and not by the form that is made of its details."""

GROUPS: Final = (
    Group(
        "Where the child is",
        (_K.LOCATED, _K.RETURNED, _K.LAST_SEEN, _K.NOTICED, _K.ALLOWED_TO_STAY, _K.LOST_ON_ACTIVITY, _K.DIED),
    ),
    Group(
        "Looking for the child",
        (
            *(_K.CONTACT_ATTEMPTED, _K.SEARCHED, _K.ABSENCE_REVIEWED, _K.CATEGORISED, _K.INTERVENTION_CHOSEN),
            *(_K.OBSERVED, _K.PUBLICITY_CONSIDERED, _K.MEDIA_DECIDED, _K.LONG_TERM_REVIEWED),
        ),
    ),
    Group("Who was told", (_K.TOLD, _K.NOT_TOLD, _K.AUTHORITY_TOLD, _K.ADVISED_TO_REPORT, _K.ACKNOWLEDGED)),
    Group(
        "The police",
        (
            *(_K.REPORTED, _K.POLICE_REPORT_CHECKED, _K.INFORMATION_ADDED, _K.FORCE_AGREED, _K.GRADE_QUESTIONED),
            *(_K.RESPONSE_CHALLENGED, _K.CHALLENGE_STEP, _K.CHALLENGE_SETTLED),
            *(_K.RESPONSE_REVIEW_ASKED, _K.RESPONSE_REVIEWED),
        ),
    ),
    Group(
        "Risk and harm",
        (
            *(_K.RISK_ASSESSED, _K.HARM_FEARED, _K.REFERRAL_MADE, _K.EXPLOITATION_SCREENED, _K.TRAFFICKING_CONSIDERED),
            *(_K.TRIGGERS_RECORDED, _K.RISK_PLAN_UPDATED),
        ),
    ),
    Group("Coming back", (_K.RETURN_PLANNED, _K.SAFETY_EVALUATED, _K.PREVENTION_CHECK, _K.VISITED)),
    Group(
        "The return home interview",
        (
            *(_K.REFERRED, _K.RHI_OFFERED, _K.RHI_ACCEPTED, _K.RHI_DECLINED, _K.RHI_ALLOCATED, _K.RHI_STARTED),
            *(_K.RHI_COMPLETED, _K.RHI_WRITTEN_UP, _K.RHI_SHARED, _K.RHI_DELAYED, _K.CONSENT_RECORDED),
            *(_K.CONSENT_OVERRIDDEN, _K.PARENTS_ASKED, _K.REFUSAL_CONSIDERED, _K.SUPPORT_OFFERED),
            *(_K.EARLIER_INTERVIEWS_USED, _K.FEEDBACK_GIVEN),
        ),
    ),
    Group(
        "Meetings and actions",
        (
            *(_K.MEETING_CALLED, _K.MEETING_HELD, _K.MEETING_ATTACHED, _K.MEETING_NOT_NEEDED),
            *(_K.ACTION_AGREED, _K.ACTION_DONE),
        ),
    ),
    Group(
        "Plans and the child's record",
        (
            *(_K.DESCRIBED, _K.SAFETY_PLAN_AGREED, _K.CPIS_CHECKED, _K.CARE_PLAN_CONSIDERED, _K.APPEARANCE_CHANGED),
            *(_K.PHOTOGRAPHS_TAKEN, _K.PLACEMENT_MOVED, _K.PHILOMENA_TRANSFERRED, _K.HISTORY_CHECKED),
            *(_K.FOUND_UNREPORTED, _K.REPORTING_ENCOURAGED, _K.REPEAT_REACHED, _K.ADULT_HANDOVER_MADE),
        ),
    ),
    Group("Decisions about this record", (*RULINGS, _K.POLICY_CHANGED, _K.RECORDED_IN_ERROR)),
)
"""Every kind that the form records, once."""

_WHILE_AWAY: Final = (_K.LOCATED, _K.RETURNED, _K.CONTACT_ATTEMPTED, _K.TOLD, _K.REPORTED, _K.ABSENCE_REVIEWED)
_WHEN_FOUND: Final = (_K.RETURNED, _K.RETURN_PLANNED, _K.SAFETY_EVALUATED, _K.TOLD, _K.PREVENTION_CHECK)
_WHEN_BACK: Final = (_K.RHI_OFFERED, _K.PREVENTION_CHECK, _K.RHI_COMPLETED, _K.RHI_DECLINED, _K.TOLD, _K.MEETING_HELD)

TITLES: Final[Mapping[FactKind, str]] = {
    _K.LAST_SEEN: "When the child was last seen",
    _K.NOTICED: "When the child was noticed to be gone",
    _K.REPORTED: "Reported to the police",
    _K.AUTHORITY_TOLD: "The authority was told",
    _K.DESCRIBED: "The child's circumstances",
    _K.CATEGORISED: "Absent, away or missing: whose view",
    _K.CONTACT_ATTEMPTED: "Somebody tried to reach the child or others",
    _K.SEARCHED: "The child was looked for",
    _K.INTERVENTION_CHOSEN: "A level of response was chosen",
    _K.ABSENCE_REVIEWED: "The absence was looked at again",
    _K.ALLOWED_TO_STAY: "The child may stay where found",
    _K.ADVISED_TO_REPORT: "A parent was advised to tell the police and the authority",
    _K.POLICE_REPORT_CHECKED: "Checked that there is a police report",
    _K.LOST_ON_ACTIVITY: "The child was lost on an activity away from home",
    _K.FORCE_AGREED: "The police forces agreed which one leads",
    _K.FOUND_UNREPORTED: "An absence that nobody had reported came to light",
    _K.REPORTING_ENCOURAGED: "The family was encouraged to report in future",
    _K.HISTORY_CHECKED: "The history in the former area was checked",
    _K.OBSERVED: "What carers saw when the child left or came back",
    _K.TOLD: "Somebody was told",
    _K.NOT_TOLD: "Somebody is not to be told, and why",
    _K.RISK_ASSESSED: "The risk was assessed",
    _K.GRADE_QUESTIONED: "The risk grade was questioned",
    _K.INFORMATION_ADDED: "The police were given new information",
    _K.RESPONSE_CHALLENGED: "A delayed police response was challenged",
    _K.CHALLENGE_STEP: "A step of the challenge was taken",
    _K.CHALLENGE_SETTLED: "The challenge was settled",
    _K.RESPONSE_REVIEW_ASKED: "A review of the response was asked for",
    _K.RESPONSE_REVIEWED: "The response was reviewed",
    _K.EXPLOITATION_SCREENED: "Exploitation was considered",
    _K.TRAFFICKING_CONSIDERED: "Trafficking was considered",
    _K.HARM_FEARED: "Significant harm or a serious crime is feared",
    _K.REFERRAL_MADE: "A referral was made",
    _K.PUBLICITY_CONSIDERED: "Publicity was considered",
    _K.MEDIA_DECIDED: "Publicity was decided on",
    _K.LONG_TERM_REVIEWED: "A long absence was looked at again",
    _K.LOCATED: "Found",
    _K.RETURN_PLANNED: "The return was planned",
    _K.SAFETY_EVALUATED: "Whether it is safe to go back was weighed",
    _K.RETURNED: "Returned",
    _K.PREVENTION_CHECK: "Police prevention check",
    _K.RISK_PLAN_UPDATED: "The risk assessment and plans were updated",
    _K.TRIGGERS_RECORDED: "What set it off, and the pattern",
    _K.VISITED: "The child was visited",
    _K.REFERRED: "Referred for an interview",
    _K.RHI_OFFERED: "The interview was offered",
    _K.RHI_ACCEPTED: "The interview was accepted",
    _K.RHI_DECLINED: "The interview was declined",
    _K.RHI_ALLOCATED: "An interviewer was chosen",
    _K.RHI_STARTED: "The interview was begun",
    _K.RHI_COMPLETED: "The interview was held",
    _K.RHI_WRITTEN_UP: "The interview was written up",
    _K.RHI_SHARED: "What the interview showed was shared",
    _K.RHI_DELAYED: "The interview is delayed, and why",
    _K.CONSENT_RECORDED: "Consent was given, refused or withdrawn",
    _K.CONSENT_OVERRIDDEN: "A refused consent was overridden",
    _K.PARENTS_ASKED: "Parents or carers were asked what they know",
    _K.REFUSAL_CONSIDERED: "The risk after the refusal was thought over",
    _K.SUPPORT_OFFERED: "Support was offered",
    _K.EARLIER_INTERVIEWS_USED: "Earlier checks and interviews were used",
    _K.ACTION_AGREED: "An action was agreed",
    _K.ACTION_DONE: "An agreed action was done",
    _K.FEEDBACK_GIVEN: "The child or family gave feedback",
    _K.REPEAT_REACHED: "The child is now repeatedly absent",
    _K.MEETING_CALLED: "A meeting was called",
    _K.MEETING_HELD: "A meeting was held",
    _K.MEETING_NOT_NEEDED: "A meeting is not needed, and why",
    _K.MEETING_ATTACHED: "It is taken up in a meeting already planned",
    _K.SAFETY_PLAN_AGREED: "The missing safety plan was agreed",
    _K.CPIS_CHECKED: "The CP-IS flag was checked",
    _K.CARE_PLAN_CONSIDERED: "An early review of the care plan was considered",
    _K.APPEARANCE_CHANGED: "The child's appearance changed",
    _K.PHOTOGRAPHS_TAKEN: "New photographs were taken",
    _K.PLACEMENT_MOVED: "The child moved to another placement",
    _K.PHILOMENA_TRANSFERRED: "The Philomena information was handed over",
    _K.ADULT_HANDOVER_MADE: "Adult services took over",
    _K.ACKNOWLEDGED: "You have seen what you were told",
    _K.CLOCK_MET: "Something owed was done, though nothing here says so",
    _K.CLOCK_EXTENDED: "More time for something owed",
    _K.CLOCK_SUPPRESSED: "Something owed is held back",
    _K.CLOCK_VOIDED: "Something owed does not apply",
    _K.POLICY_CHANGED: "The absence moves to another policy",
    _K.RECORDED_IN_ERROR: "It was recorded in error",
    _K.DIED: "The child has died",
}

RULING_TITLES: Final[Mapping[FactKind, str]] = {
    _K.CLOCK_MET: "It was done, though nothing here says so",
    _K.CLOCK_EXTENDED: "More time is needed",
    _K.CLOCK_SUPPRESSED: "Hold it back",
    _K.CLOCK_VOIDED: "It does not apply",
}
"""What each ruling is called where it is known on what."""

COMES_OF_IT: Final[Mapping[FactKind, str]] = {
    _K.LOCATED: "The search ends. The absence goes on until the child is back, and what is owed by then goes on too.",
    _K.RETURNED: "Everybody who was told of the absence is told of the return. The interview is owed from this time.",
    _K.DIED: "The absence ends here. Nothing more is owed, nobody is reminded of anything, and the record is kept.",
    _K.RECORDED_IN_ERROR: "The absence ends here as one that never was. Nothing more is owed, whoever was told of it "
    "is told that it was not so, and the record is kept. If only something in it is wrong, correct that instead.",
    _K.REPORTED: "The child counts as missing from this time, in everybody's view.",
    _K.CLOCK_MET: "It counts as done at the time you give. Record what happened instead, wherever there is a way.",
    _K.CLOCK_EXTENDED: "It falls due at the new time. The time before stays in the record.",
    _K.CLOCK_SUPPRESSED: "Nobody is asked for it any more. Whoever was chased for it is told, and it stays in sight as "
    "held back, with your reason.",
    _K.CLOCK_VOIDED: "It counts for nothing, as if it had never applied. It stays in sight as struck out, with your "
    "reason.",
    _K.POLICY_CHANGED: "Everything owed is worked out anew by the other policy, from the beginning.",
    _K.RHI_DECLINED: "The interview is no longer owed. What follows a refusal is: parents or carers are asked, the "
    "risk is thought over, other support is offered.",
    _K.NOT_TOLD: "It counts as settled that they are not told, in sight of everybody, with your reason.",
}
"""What people must know before they send it."""


def title_of(kind: FactKind) -> str:
    """What a kind is called where people choose it. Raises KeyError for one with a page of its own."""
    return TITLES[kind]


def may_record(principal: Principal, kind: FactKind) -> bool:
    """Whether somebody may record a kind by the form."""
    return kind not in OWN_PAGES and principal.may(permission_to_record(kind))


def groups_for(principal: Principal, words: str = "") -> list[Group]:
    """What somebody may record, by its groups; with words, only what they are found in."""
    sought = words.casefold().split()

    def kept(kinds: Iterable[FactKind]) -> tuple[FactKind, ...]:
        return tuple(kind for kind in kinds if may_record(principal, kind) and _found(kind, sought))

    return [Group(group.title, kinds) for group in GROUPS if (kinds := kept(group.kinds))]


def _found(kind: FactKind, sought: list[str]) -> bool:
    said = f"{title_of(kind)} {FACTS[kind].words} {kind.value.replace('_', ' ')}".casefold()
    return all(word in said for word in sought)


def likely_for(status: EpisodeStatus | None, principal: Principal) -> list[FactKind]:
    """What is recorded most often of an episode that stands so."""
    found = status is EpisodeStatus.LOCATED
    kinds = _WHEN_FOUND if found else _WHEN_BACK if status is EpisodeStatus.RETURNED else _WHILE_AWAY
    return [kind for kind in kinds if may_record(principal, kind)]
