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
    _K.LOCATED: "Found",
    _K.RETURNED: "Returned",
    _K.CLOCK_MET: "Something owed was done, though nothing here says so",
    _K.CLOCK_EXTENDED: "More time for something owed",
    _K.CLOCK_SUPPRESSED: "Something owed is held back",
    _K.CLOCK_VOIDED: "Something owed does not apply",
    _K.WITHDRAWN: "Something recorded was withdrawn",
}

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
    """What a kind is called in a list."""
    said = FACTS[kind].words
    return TITLES.get(kind) or said[:1].upper() + said[1:]


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
