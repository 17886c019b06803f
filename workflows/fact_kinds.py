"""The kinds of fact there are: what each means in words, and the details it may carry. Data, and nothing else."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from workflows.vocabulary import (
    ABSENCE_CATEGORIES,
    DELAY_REASONS,
    HOLDS_EITHER_WAY,
    HOLDS_WHEN_SAID,
    MEETINGS,
    PLANNING_AGENDA,
    PREVENTION_CHECK_EXCEPTIONS,
    RISK_GRADES,
    Interviewer,
    Role,
    Setting,
)


class FactKind(StrEnum):
    """What can happen in an episode."""

    # The absence, and who was asked and told
    LAST_SEEN = "last_seen"
    NOTICED = "noticed"
    REPORTED = "reported"
    AUTHORITY_TOLD = "authority_told"
    DESCRIBED = "described"
    CATEGORISED = "categorised"
    CONTACT_ATTEMPTED = "contact_attempted"
    SEARCHED = "searched"
    INTERVENTION_CHOSEN = "intervention_chosen"
    ABSENCE_REVIEWED = "absence_reviewed"
    ALLOWED_TO_STAY = "allowed_to_stay"
    ADVISED_TO_REPORT = "advised_to_report"
    POLICE_REPORT_CHECKED = "police_report_checked"
    LOST_ON_ACTIVITY = "lost_on_activity"
    FORCE_AGREED = "force_agreed"
    FOUND_UNREPORTED = "found_unreported"
    REPORTING_ENCOURAGED = "reporting_encouraged"
    HISTORY_CHECKED = "history_checked"
    OBSERVED = "observed"
    TOLD = "told"
    NOT_TOLD = "not_told"
    # Risk, harm and disagreement
    RISK_ASSESSED = "risk_assessed"
    GRADE_QUESTIONED = "grade_questioned"
    INFORMATION_ADDED = "information_added"
    RESPONSE_CHALLENGED = "response_challenged"
    CHALLENGE_STEP = "challenge_step"
    CHALLENGE_SETTLED = "challenge_settled"
    RESPONSE_REVIEW_ASKED = "response_review_asked"
    RESPONSE_REVIEWED = "response_reviewed"
    EXPLOITATION_SCREENED = "exploitation_screened"
    TRAFFICKING_CONSIDERED = "trafficking_considered"
    HARM_FEARED = "harm_feared"
    REFERRAL_MADE = "referral_made"
    PUBLICITY_CONSIDERED = "publicity_considered"
    MEDIA_DECIDED = "media_decided"
    LONG_TERM_REVIEWED = "long_term_reviewed"
    # The return
    LOCATED = "located"
    RETURN_PLANNED = "return_planned"
    SAFETY_EVALUATED = "safety_evaluated"
    RETURNED = "returned"
    PREVENTION_CHECK = "prevention_check"
    RISK_PLAN_UPDATED = "risk_plan_updated"
    TRIGGERS_RECORDED = "triggers_recorded"
    VISITED = "visited"
    # The interview
    REFERRED = "referred"
    RHI_OFFERED = "rhi_offered"
    RHI_ACCEPTED = "rhi_accepted"
    RHI_DECLINED = "rhi_declined"
    RHI_ALLOCATED = "rhi_allocated"
    RHI_STARTED = "rhi_started"
    RHI_COMPLETED = "rhi_completed"
    RHI_WRITTEN_UP = "rhi_written_up"
    RHI_SHARED = "rhi_shared"
    RHI_DELAYED = "rhi_delayed"
    CONSENT_RECORDED = "consent_recorded"
    CONSENT_OVERRIDDEN = "consent_overridden"
    PARENTS_ASKED = "parents_asked"
    REFUSAL_CONSIDERED = "refusal_considered"
    SUPPORT_OFFERED = "support_offered"
    EARLIER_INTERVIEWS_USED = "earlier_interviews_used"
    ACTION_AGREED = "action_agreed"
    ACTION_DONE = "action_done"
    FEEDBACK_GIVEN = "feedback_given"
    # Meetings, plans and the child's record
    REPEAT_REACHED = "repeat_reached"
    MEETING_CALLED = "meeting_called"
    MEETING_HELD = "meeting_held"
    MEETING_NOT_NEEDED = "meeting_not_needed"
    MEETING_ATTACHED = "meeting_attached"
    SAFETY_PLAN_AGREED = "safety_plan_agreed"
    CPIS_CHECKED = "cpis_checked"
    CARE_PLAN_CONSIDERED = "care_plan_considered"
    APPEARANCE_CHANGED = "appearance_changed"
    PHOTOGRAPHS_TAKEN = "photographs_taken"
    PLACEMENT_MOVED = "placement_moved"
    PHILOMENA_TRANSFERRED = "philomena_transferred"
    ADULT_HANDOVER_MADE = "adult_handover_made"
    # What people do with a task
    TASK_TAKEN = "task_taken"
    TASK_HANDED_OVER = "task_handed_over"
    TASK_GIVEN_BACK = "task_given_back"
    TASK_NOTED = "task_noted"
    TASK_DONE = "task_done"
    # About the record itself
    ACKNOWLEDGED = "acknowledged"
    CLOCK_MET = "clock_met"
    CLOCK_EXTENDED = "clock_extended"
    CLOCK_SUPPRESSED = "clock_suppressed"
    CLOCK_VOIDED = "clock_voided"
    POLICY_CHANGED = "policy_changed"
    RECORDED_IN_ERROR = "recorded_in_error"
    MERGED = "merged"
    REOPENED = "reopened"
    DIED = "died"
    WITHDRAWN = "withdrawn"


OTHER_NAMES: Final[dict[str, FactKind]] = {"found": FactKind.LOCATED, "rhi_done": FactKind.RHI_COMPLETED}
"""Names that systems and people also use, and the fact each one means."""

RULINGS: Final = (
    FactKind.CLOCK_MET,
    FactKind.CLOCK_EXTENDED,
    FactKind.CLOCK_SUPPRESSED,
    FactKind.CLOCK_VOIDED,
)
"""Facts by which people rule on a clock themselves."""

ABOUT_TASKS: Final = (
    FactKind.TASK_TAKEN,
    FactKind.TASK_HANDED_OVER,
    FactKind.TASK_GIVEN_BACK,
    FactKind.TASK_NOTED,
    FactKind.TASK_DONE,
)
"""Facts about what people do with a task: they say nothing of the child, and no clock asks for them."""


YES_NO: Final = ("yes", "no")


class Detail(BaseModel):
    """One detail a kind of fact may carry: whether it must be there, what it may say, and how it is written.

    text: free words. day: YYYY-MM-DD. instant: RFC 3339 with an offset. many:
    several of `choices`, written with commas. `longest`: in characters, where
    what it tells of the child may not be longer.
    """

    model_config = ConfigDict(frozen=True)
    required: bool = False
    choices: tuple[str, ...] = ()
    form: Literal["text", "day", "instant", "many"] = "text"
    longest: int | None = None


class Meaning(BaseModel):
    """What a kind of fact means, in words, and the details it may carry."""

    model_config = ConfigDict(frozen=True)
    words: str
    details: Mapping[str, Detail]


def _must(detail: Detail) -> Detail:
    return detail.model_copy(update={"required": True})


def _one_of(*choices: str) -> Detail:
    return Detail(choices=choices)


def _means(words: str, **details: Detail) -> Meaning:
    return Meaning(words=words, details={name.removesuffix("_"): detail for name, detail in details.items()})


_TEXT = Detail()
_INSTANT = Detail(form="instant")
_YES_NO = _one_of(*YES_NO)
_ROLE = _one_of(*Role)
_MEETING = _must(_one_of(*MEETINGS))
_VIEW = _one_of("police", "authority")
_CONSENT = _must(_one_of("child", "parental", "sharing"))
_TASK = {"task": _must(_TEXT)}
_RULING = {"clock": _must(_TEXT), "reason": _must(_TEXT), "authorised_by": _TEXT}

FACTS: Final[Mapping[FactKind, Meaning]] = {
    FactKind.LAST_SEEN: _means("last seen", by=_TEXT, place=_TEXT),
    FactKind.NOTICED: _means("noticed to be gone", by=_TEXT),
    FactKind.REPORTED: _means("reported to the police", by=_TEXT, force=_TEXT, police_ref=_TEXT),
    FactKind.AUTHORITY_TOLD: _means("authority told", by=_TEXT, to=_TEXT),
    FactKind.DESCRIBED: _means(
        "child's circumstances recorded",
        born=Detail(form="day"),
        setting=_one_of(*Setting),
        host_authority=Detail(longest=4000),
        host_force=Detail(longest=4000),
        **dict.fromkeys((*HOLDS_EITHER_WAY, *HOLDS_WHEN_SAID), _YES_NO),
    ),
    FactKind.CATEGORISED: _means(
        "absence categorised", category=_must(_one_of(*ABSENCE_CATEGORIES)), view=_VIEW, reason=_TEXT, by=_TEXT
    ),
    FactKind.CONTACT_ATTEMPTED: _means(
        "contact attempted",
        to=_must(_one_of("child", "parent", "carer", "trusted_person", "friend", "other")),
        channel=_TEXT,
        answered=_YES_NO,
        reply=_TEXT,
        risk=_TEXT,
        review_by=_INSTANT,
        by=_TEXT,
    ),
    FactKind.SEARCHED: _means("searched for", place=_TEXT, by=_TEXT),
    FactKind.INTERVENTION_CHOSEN: _means(
        "level of intervention chosen", level=_must(_one_of("none", "carer", "police")), reason=_TEXT, by=_TEXT
    ),
    FactKind.ABSENCE_REVIEWED: _means(
        "absence reviewed",
        decision=_must(_one_of("wait", "report_to_police")),
        risk=_TEXT,
        reason=_TEXT,
        review_by=_INSTANT,
        by=_TEXT,
    ),
    FactKind.ALLOWED_TO_STAY: _means(
        "allowed to stay where found", place=_TEXT, reason=_must(_TEXT), authorised_by=_TEXT, by=_TEXT
    ),
    FactKind.ADVISED_TO_REPORT: _means("parent advised to tell the police and the authority", to=_TEXT, by=_TEXT),
    FactKind.POLICE_REPORT_CHECKED: _means("police report checked to exist", police_ref=_TEXT, by=_TEXT),
    FactKind.LOST_ON_ACTIVITY: _means("lost on an activity away from home", place=_TEXT, force=_TEXT, by=_TEXT),
    FactKind.FORCE_AGREED: _means("owning police force agreed", force=_must(_TEXT), by=_TEXT),
    FactKind.FOUND_UNREPORTED: _means("found to have been missing unreported", known_from=_TEXT, by=_TEXT),
    FactKind.REPORTING_ENCOURAGED: _means("family encouraged to report in future", by=_TEXT),
    FactKind.HISTORY_CHECKED: _means("history in the former area checked", area=_TEXT, by=_TEXT),
    FactKind.OBSERVED: _means(
        "carer's observations noted",
        moment=_must(_one_of("leaving", "return")),
        clothing=_TEXT,
        vehicle=_TEXT,
        company=_TEXT,
        appearance=_TEXT,
        mood=_TEXT,
        by=_TEXT,
    ),
    FactKind.TOLD: _means("told", role=_must(_ROLE), channel=_TEXT, by=_TEXT),
    FactKind.NOT_TOLD: _means("not told", role=_must(_ROLE), reason=_TEXT, authorised_by=_TEXT),
    FactKind.RISK_ASSESSED: _means(
        "risk assessed", view=_VIEW, scheme=_TEXT, grade=_one_of(*RISK_GRADES), harm=_TEXT, reason=_TEXT, by=_TEXT
    ),
    FactKind.GRADE_QUESTIONED: _means(
        "risk grade questioned", outcome=_one_of("raised", "kept", "waiting"), reason=_TEXT, by=_TEXT
    ),
    FactKind.INFORMATION_ADDED: _means("new information given to the police", by=_TEXT),
    FactKind.RESPONSE_CHALLENGED: _means("delayed police response challenged", reason=_TEXT, by=_TEXT),
    FactKind.CHALLENGE_STEP: _means(
        "step of the challenge taken",
        step=_must(
            _one_of("concern_logged", "carer_contacted", "inspector_spoken_to", "leadership_offered", "review_asked")
        ),
        by=_TEXT,
    ),
    FactKind.CHALLENGE_SETTLED: _means(
        "challenge settled", outcome=_must(_one_of("response_sent", "response_stands", "child_back")), by=_TEXT
    ),
    FactKind.RESPONSE_REVIEW_ASKED: _means(
        "review of the response asked for",
        about=_must(_one_of("police_delay", "needless_report", "report_as_discipline")),
        reason=_TEXT,
        by=_TEXT,
    ),
    FactKind.RESPONSE_REVIEWED: _means("response reviewed", outcome=_must(_TEXT), by=_TEXT),
    FactKind.EXPLOITATION_SCREENED: _means("exploitation considered", outcome=_must(_TEXT), by=_TEXT),
    FactKind.TRAFFICKING_CONSIDERED: _means("trafficking considered", outcome=_must(_TEXT), by=_TEXT),
    FactKind.HARM_FEARED: _means(
        "significant harm or crime feared", about=_one_of("harm", "crime", "both"), evidence=_TEXT, by=_TEXT
    ),
    FactKind.REFERRAL_MADE: _means("referral made", to=_must(_TEXT), by=_TEXT),
    FactKind.PUBLICITY_CONSIDERED: _means("publicity considered", by=_TEXT),
    FactKind.MEDIA_DECIDED: _means(
        "publicity decided",
        decision=_must(_one_of("publish", "do_not_publish")),
        decided_by=_must(_one_of("police_and_authority", "police")),
        agreed=_YES_NO,
        consulted=_TEXT,
        reason=_TEXT,
        by=_TEXT,
    ),
    FactKind.LONG_TERM_REVIEWED: _means("long-term absence reviewed", review_by=_INSTANT, decision=_TEXT, by=_TEXT),
    FactKind.LOCATED: _means("found", by=_TEXT, place=_TEXT),
    FactKind.RETURN_PLANNED: _means(
        "return planned", transport=_TEXT, accommodation=_TEXT, interviewer=_TEXT, supporter=_TEXT, by=_TEXT
    ),
    FactKind.SAFETY_EVALUATED: _means(
        "safety of the return evaluated", outcome=_must(_one_of("safe", "not_safe")), reason=_TEXT, by=_TEXT
    ),
    FactKind.RETURNED: _means("returned", by=_TEXT, place=_TEXT),
    FactKind.PREVENTION_CHECK: _means(
        "prevention check recorded",
        outcome=_one_of("done", "exception", "not_done"),
        exception=_one_of(*PREVENTION_CHECK_EXCEPTIONS),
        reason=_TEXT,
        by=_TEXT,
    ),
    FactKind.RISK_PLAN_UPDATED: _means("risk assessment and plans updated", by=_TEXT),
    FactKind.TRIGGERS_RECORDED: _means("triggers and pattern recorded", triggers=_TEXT, pattern=_TEXT, by=_TEXT),
    FactKind.VISITED: _means("visited", by=_TEXT),
    FactKind.REFERRED: _means("referred for an interview", by=_TEXT, to=_TEXT),
    FactKind.RHI_OFFERED: _means(
        "return home interview offered",
        by=_TEXT,
        channel=_TEXT,
        to=_TEXT,
        answer=_one_of("accepted", "declined", "thinking", "no_answer"),
    ),
    FactKind.RHI_ACCEPTED: _means("return home interview accepted", by=_TEXT),
    FactKind.RHI_DECLINED: _means(
        "return home interview declined",
        by=_TEXT,
        reason=_TEXT,
        declined_by=_one_of("child", "parent"),
        discussed_with=_TEXT,
    ),
    FactKind.RHI_ALLOCATED: _means(
        "interviewer allocated",
        interviewer=_must(_one_of(*Interviewer)),
        basis=_TEXT,
        childs_wish=_YES_NO,
        by=_TEXT,
    ),
    FactKind.RHI_STARTED: _means("return home interview started", by=_TEXT, interviewer=_one_of(*Interviewer)),
    FactKind.RHI_COMPLETED: _means(
        "return home interview completed",
        by=_TEXT,
        alone=_YES_NO,
        interviewer=_one_of(*Interviewer),
        basis=_TEXT,
        childs_wish=_YES_NO,
        place=_TEXT,
        channel=_TEXT,
        interview=_TEXT,
        follow_up=_YES_NO,
        may_repeat=_TEXT,
    ),
    FactKind.RHI_WRITTEN_UP: _means("return home interview written up", by=_TEXT),
    FactKind.RHI_SHARED: _means("return home interview shared", by=_TEXT, with_=_ROLE, what=_TEXT),
    FactKind.RHI_DELAYED: _means(
        "return home interview delayed", reason=_must(_one_of(*DELAY_REASONS)), episode=_TEXT, by=_TEXT
    ),
    FactKind.CONSENT_RECORDED: _means(
        "consent recorded",
        consent=_CONSENT,
        answer=_must(_one_of("given", "refused", "withdrawn")),
        reason=_TEXT,
        by=_TEXT,
    ),
    FactKind.CONSENT_OVERRIDDEN: _means(
        "refused consent overridden", consent=_CONSENT, basis=_must(_TEXT), authorised_by=_must(_TEXT), by=_TEXT
    ),
    FactKind.PARENTS_ASKED: _means(
        "parents or carers asked what they know", answer=_one_of("told_us", "declined", "no_answer"), by=_TEXT
    ),
    FactKind.REFUSAL_CONSIDERED: _means("risk after the refusal considered", outcome=_TEXT, by=_TEXT),
    FactKind.SUPPORT_OFFERED: _means(
        "support offered", answer=_one_of("accepted", "declined", "no_answer"), what=_TEXT, by=_TEXT
    ),
    FactKind.EARLIER_INTERVIEWS_USED: _means("earlier checks and interviews used", by=_TEXT),
    FactKind.ACTION_AGREED: _means(
        "action agreed", do=_must(_TEXT), owner=_must(_ROLE), due=_INSTANT, from_=_TEXT, by=_TEXT
    ),
    FactKind.ACTION_DONE: _means("action done", action=_must(_TEXT), outcome=_TEXT, by=_TEXT),
    FactKind.FEEDBACK_GIVEN: _means("feedback given", about=_one_of("interview", "police", "support"), by=_TEXT),
    FactKind.REPEAT_REACHED: _means("repeated absence reached", rule=_must(_TEXT), count=_TEXT),
    FactKind.MEETING_CALLED: _means("meeting called", meeting=_MEETING, for_=_INSTANT, invited=_TEXT, by=_TEXT),
    FactKind.MEETING_HELD: _means(
        "meeting held",
        meeting=_MEETING,
        by=_TEXT,
        decision=_TEXT,
        attended=_TEXT,
        covered=Detail(form="many", choices=PLANNING_AGENDA),
    ),
    FactKind.MEETING_NOT_NEEDED: _means(
        "meeting recorded as not needed", meeting=_MEETING, reason=_TEXT, authorised_by=_TEXT
    ),
    FactKind.MEETING_ATTACHED: _means(
        "taken up in a meeting that was already planned", meeting=_MEETING, to=_must(_TEXT), by=_TEXT
    ),
    FactKind.SAFETY_PLAN_AGREED: _means("missing safety plan agreed", version=_TEXT, childs_part=_YES_NO, by=_TEXT),
    FactKind.CPIS_CHECKED: _means("child protection information sharing flag checked", active=_must(_YES_NO), by=_TEXT),
    FactKind.CARE_PLAN_CONSIDERED: _means("early review of the care plan considered", decision=_must(_TEXT), by=_TEXT),
    FactKind.APPEARANCE_CHANGED: _means("appearance changed", by=_TEXT),
    FactKind.PHOTOGRAPHS_TAKEN: _means("photographs taken", by=_TEXT),
    FactKind.PLACEMENT_MOVED: _means("placement moved", to=_TEXT, by=_TEXT),
    FactKind.PHILOMENA_TRANSFERRED: _means("Philomena information handed over", to=_TEXT, by=_TEXT),
    FactKind.ADULT_HANDOVER_MADE: _means("handed over to adult services", to=_TEXT, by=_TEXT),
    FactKind.TASK_TAKEN: _means("task taken", **_TASK, person=_must(_TEXT)),
    FactKind.TASK_HANDED_OVER: _means("task handed over", **_TASK, person=_must(_TEXT)),
    FactKind.TASK_GIVEN_BACK: _means("task given back", **_TASK),
    FactKind.TASK_NOTED: _means("note on a task", **_TASK),
    FactKind.TASK_DONE: _means("task done", **_TASK),
    FactKind.ACKNOWLEDGED: _means("notice acknowledged", clock=_must(_TEXT), role=_must(_ROLE), by=_TEXT),
    FactKind.CLOCK_MET: _means("clock met by hand", **_RULING),
    FactKind.CLOCK_EXTENDED: _means("clock extended", until=_must(_INSTANT), **_RULING),
    FactKind.CLOCK_SUPPRESSED: _means("clock suppressed", **_RULING),
    FactKind.CLOCK_VOIDED: _means("clock voided", **_RULING),
    FactKind.POLICY_CHANGED: _means(
        "policy of the episode changed",
        policy=_must(_TEXT),
        version=_must(_TEXT),
        reason=_must(_TEXT),
        authorised_by=_must(_TEXT),
    ),
    FactKind.RECORDED_IN_ERROR: _means("episode recorded in error", reason=_must(_TEXT), authorised_by=_TEXT),
    FactKind.MERGED: _means("merged into another episode", into=_must(_TEXT), reason=_TEXT),
    FactKind.REOPENED: _means("episode opened again", reason=_must(_TEXT)),
    FactKind.DIED: _means("died", by=_TEXT),
    FactKind.WITHDRAWN: _means("earlier fact withdrawn", fact=_must(_TEXT), reason=_TEXT),
}
