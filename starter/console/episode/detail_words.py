"""What the details of what happened are called on a form, with what helps to fill them in. Data, and nothing else."""

from collections.abc import Mapping
from typing import Final

from starter.console.fields import Label
from workflows.fact_kinds import RULINGS, YES_NO, FactKind
from workflows.vocabulary import ROLE_WORDS, Role, beginning_a_line

_K = FactKind


_BY: Final = Label("Who by", "A name and what they are, such as: carer, or PC 1234")

_ANY_KIND: Final[Mapping[str, Label]] = {
    "about": Label("What is it about?"),
    "accommodation": Label("Where the child will stay"),
    "action": Label("Which agreed action?"),
    "active": Label("Is the flag active?"),
    "agreed": Label("Did the police and the authority agree?"),
    "allocated": Label("Does the child have an allocated social worker?"),
    "alone": Label("Was the child seen alone?"),
    "answer": Label("What was the answer?"),
    "answered": Label("Did they answer?"),
    "appearance": Label("Appearance", "Injuries, hair, anything that has changed"),
    "area": Label("Which area?"),
    "attended": Label("Who was there?"),
    "authorised_by": Label("Who authorised it?", "A name and what they are"),
    "basis": Label("On what ground?"),
    "born": Label("Date of birth"),
    "by": _BY,
    "category": Label("What is it?"),
    "channel": Label("How?", "Such as: telephone, text message, in person"),
    "childs_part": Label("Did the child take part in the plan?"),
    "childs_wish": Label("Is it what the child wished?"),
    "clock": Label("What is it about?"),
    "clothing": Label("Clothing"),
    "company": Label("Who was the child with?"),
    "consent": Label("Whose consent, or to what?"),
    "consulted": Label("Who was consulted?", "Parents, the social worker"),
    "count": Label("How many absences?"),
    "court_order": Label("Is the child under a curfew or on bail?"),
    "covered": Label("What did the meeting cover?"),
    "decided_by": Label("Who decided?"),
    "decision": Label("What was decided?"),
    "declined_by": Label("Who declined?"),
    "discussed_with": Label("Who was it talked over with?"),
    "do": Label("What is to be done?"),
    "due": Label("By when?"),
    "episode": Label("Which other absence?"),
    "evidence": Label("What points to it?"),
    "exception": Label("Which exception applies?", "Only where the police did not need to make the check"),
    "follow_up": Label("Does the child need support afterwards?"),
    "for": Label("When will the meeting be?"),
    "force": Label("Which police force?"),
    "from": Label("Where was it agreed?", "Such as: strategy meeting, interview"),
    "grade": Label("Grade", "As the scheme has it: it is never converted"),
    "harm": Label("What harm is feared?"),
    "host_authority": Label("In which authority's area is the child placed?"),
    "host_force": Label("Which police force covers the placement?"),
    "hosted": Label("Is this another authority's child, missing here?"),
    "interview": Label("The interview's own reference", "Only if one interview is about several absences"),
    "interviewer": Label("Who is the interviewer to the child?"),
    "invited": Label("Who is invited?"),
    "known_from": Label("How was it learnt?"),
    "level": Label("Which level of response?"),
    "looked_after": Label("Is the child looked after?"),
    "may_repeat": Label("How likely is it to happen again?"),
    "meeting": Label("Which meeting?"),
    "moment": Label("When the child left, or came back?"),
    "mood": Label("Mood"),
    "new_to_area": Label("Is the child new to the area?"),
    "open_case": Label("Is there an open case?", "An assessment, enquiry, child in need or child protection plan"),
    "out_of_area": Label("Is the child placed out of area?"),
    "owner": Label("Who is to do it?"),
    "pattern": Label("Pattern", "Days, places, people, what came before"),
    "person": Label("Which person?"),
    "place": Label("Where?"),
    "police_ref": Label("Police reference"),
    "policy": Label("Which policy?"),
    "protection_plan": Label("Is the child on a child protection plan?"),
    "reason": Label("Why?"),
    "reply": Label("What did they say?"),
    "restricted": Label("Must the child's whereabouts be kept to those who need to know?"),
    "review_by": Label("When will it be looked at again?"),
    "risk": Label("How do you see the risk now?"),
    "role": Label("Who?"),
    "rule": Label("Which rule about repeated absences?"),
    "scheme": Label("By which scheme?", "Such as: the police's, the authority's own"),
    "setting": Label("Where does the child live?"),
    "step": Label("Which step?"),
    "supporter": Label("Who will support the child?"),
    "task": Label("Which task?"),
    "to": Label("To whom?"),
    "trafficking_concern": Label("Is it feared that the child was trafficked?"),
    "transport": Label("How will the child be brought back?"),
    "triggers": Label("What set it off?"),
    "unaccompanied": Label("Is the child seeking asylum alone?"),
    "until": Label("Until when?"),
    "vehicle": Label("Vehicle", "Make, colour, registration"),
    "version": Label("Which version?"),
    "view": Label("In whose view?"),
    "what": Label("What?"),
    "with": Label("With whom?"),
}

_ONE_KIND: Final[Mapping[tuple[FactKind, str], Label]] = {
    (_K.LAST_SEEN, "by"): Label("Who saw the child?", "A name and what they are"),
    (_K.LAST_SEEN, "place"): Label("Where was the child seen?"),
    (_K.NOTICED, "by"): Label("Who noticed?", "A name and what they are"),
    (_K.REPORTED, "by"): Label("Who reported it?", "A name and what they are"),
    (_K.AUTHORITY_TOLD, "by"): Label("Who told the authority?", "A name and what they are"),
    (_K.AUTHORITY_TOLD, "to"): Label("Who was told?", "The social worker, duty or out-of-hours team"),
    (_K.CONTACT_ATTEMPTED, "to"): Label("Who did you try to reach?"),
    (_K.CONTACT_ATTEMPTED, "by"): Label("Who tried?", "A name and what they are"),
    (_K.SEARCHED, "place"): Label("Where did you look?"),
    (_K.ABSENCE_REVIEWED, "decision"): Label("What was decided?"),
    (_K.ABSENCE_REVIEWED, "review_by"): Label("When will you look at it again?"),
    (_K.ALLOWED_TO_STAY, "place"): Label("Where may the child stay?"),
    (_K.LOST_ON_ACTIVITY, "place"): Label("Where was the child lost?"),
    (_K.LOST_ON_ACTIVITY, "force"): Label("Which local police force was told?"),
    (_K.FORCE_AGREED, "force"): Label("Which police force leads?"),
    (_K.ADVISED_TO_REPORT, "to"): Label("Who was advised?"),
    (_K.TOLD, "role"): Label("Who was told?"),
    (_K.TOLD, "by"): Label("Who told them?", "A name and what they are"),
    (_K.TOLD, "channel"): Label("How were they told?", "Such as: telephone, text message, in person"),
    (_K.NOT_TOLD, "role"): Label("Who is not told?"),
    (_K.NOT_TOLD, "reason"): Label("Why not?"),
    (_K.RISK_ASSESSED, "reason"): Label("What is the grade based on?"),
    (_K.GRADE_QUESTIONED, "outcome"): Label("What came of it?"),
    (_K.RESPONSE_CHALLENGED, "reason"): Label("What was wrong with the response?"),
    (_K.CHALLENGE_SETTLED, "outcome"): Label("How was it settled?"),
    (_K.RESPONSE_REVIEW_ASKED, "about"): Label("What is to be reviewed?"),
    (_K.RESPONSE_REVIEWED, "outcome"): Label("What did the review find?"),
    (_K.EXPLOITATION_SCREENED, "outcome"): Label("What did you find?"),
    (_K.TRAFFICKING_CONSIDERED, "outcome"): Label("What did you find?"),
    (_K.HARM_FEARED, "about"): Label("What is feared?"),
    (_K.REFERRAL_MADE, "to"): Label("To whom was it referred?"),
    (_K.LOCATED, "by"): Label("Who found the child?", "A name and what they are"),
    (_K.LOCATED, "place"): Label("Where was the child found?"),
    (_K.RETURNED, "by"): Label("Who brought the child back?", "Or: came back alone"),
    (_K.RETURNED, "place"): Label("Where is the child now?"),
    (_K.RETURN_PLANNED, "interviewer"): Label("Who will hold the interview?"),
    (_K.SAFETY_EVALUATED, "outcome"): Label("Is it safe for the child to go back?"),
    (_K.PREVENTION_CHECK, "outcome"): Label("Was the check made?"),
    (_K.PREVENTION_CHECK, "by"): Label("Who made it?", "The officer, or whoever told you"),
    (_K.VISITED, "by"): Label("Who visited?"),
    (_K.REFERRED, "to"): Label("To which interview provider?"),
    (_K.RHI_OFFERED, "to"): Label("To whom was it offered?", "The child, a parent, a carer"),
    (_K.RHI_OFFERED, "by"): Label("Who offered it?", "A name and what they are"),
    (_K.RHI_OFFERED, "channel"): Label("How was it offered?", "Such as: telephone, text message, in person"),
    (_K.RHI_OFFERED, "answer"): Label("What did they say?"),
    (_K.RHI_DECLINED, "reason"): Label("Why was it declined?", "In the child's own words, where you can"),
    (_K.RHI_COMPLETED, "by"): Label("Who held it?", "A name and what they are"),
    (_K.RHI_COMPLETED, "place"): Label("Where was it held?"),
    (_K.RHI_COMPLETED, "channel"): Label("How was it held?", "Such as: in person, by telephone"),
    (_K.RHI_COMPLETED, "basis"): Label("On what ground may they hold it?", "Where they are not independent"),
    (_K.RHI_SHARED, "with"): Label("With whom was it shared?"),
    (_K.RHI_SHARED, "what"): Label("What was shared?"),
    (_K.RHI_DELAYED, "reason"): Label("Why is it delayed?"),
    (_K.CONSENT_OVERRIDDEN, "consent"): Label("Which refusal is overridden?"),
    (_K.PARENTS_ASKED, "answer"): Label("What did they say?"),
    (_K.PARENTS_ASKED, "by"): Label("Who asked them?", "A name and what they are"),
    (_K.REFUSAL_CONSIDERED, "outcome"): Label("What did you decide?"),
    (_K.SUPPORT_OFFERED, "what"): Label("What support?"),
    (_K.SUPPORT_OFFERED, "answer"): Label("Was it taken up?"),
    (_K.ACTION_DONE, "outcome"): Label("What came of it?"),
    (_K.MEETING_NOT_NEEDED, "reason"): Label("Why is it not needed?"),
    (_K.MEETING_ATTACHED, "to"): Label("In which meeting?"),
    (_K.CARE_PLAN_CONSIDERED, "decision"): Label("Is an early review held? Why?"),
    (_K.PLACEMENT_MOVED, "to"): Label("Where to?"),
    (_K.SAFETY_PLAN_AGREED, "version"): Label("Version of the plan"),
    (_K.ACKNOWLEDGED, "role"): Label("As what were you told?"),
    (_K.CLOCK_MET, "reason"): Label("How was it done, and how do you know?"),
    (_K.CLOCK_EXTENDED, "until"): Label("What is the new time?"),
    (_K.CLOCK_EXTENDED, "reason"): Label("Why is more time needed?"),
    (_K.CLOCK_SUPPRESSED, "reason"): Label("Why is it held back?", "Such as: telling them would put the child at risk"),
    (_K.CLOCK_VOIDED, "reason"): Label("Why does it not apply?"),
    **dict.fromkeys(
        ((one, "authorised_by") for one in (*RULINGS, _K.RECORDED_IN_ERROR)),
        Label("Who authorised it?", "Somebody else than you"),
    ),
    (_K.RECORDED_IN_ERROR, "reason"): Label("What was wrong?"),
    (_K.WITHDRAWN, "fact"): Label("What is withdrawn?"),
    (_K.WITHDRAWN, "reason"): Label("Why is it withdrawn?"),
    (_K.MERGED, "into"): Label("Into which absence?"),
    (_K.MERGED, "reason"): Label("How do you know that they are one?"),
    (_K.REOPENED, "reason"): Label("Why is it opened again?"),
}

_YES_AND_NO: Final = dict(zip(YES_NO, ("Yes", "No"), strict=True))

_CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "about": {
        "harm": "Significant harm",
        "crime": "A serious crime",
        "both": "Both",
        "police_delay": "The police waited too long",
        "needless_report": "The report was needless",
        "report_as_discipline": "The report was made as a punishment",
        "interview": "The interview",
        "police": "The police",
        "support": "The support",
    },
    "answer": {
        "accepted": "Accepted",
        "declined": "Declined",
        "thinking": "Thinking about it",
        "no_answer": "No answer",
        "given": "Given",
        "refused": "Refused",
        "withdrawn": "Given before, and now withdrawn",
        "told_us": "They told us what they know",
    },
    "category": {
        "absent": "Absent: not where expected, not reported to the police",
        "away": "Away without authorisation: it is known where the child is",
        "missing": "Missing: nobody has established where the child is",
    },
    "consent": {
        "child": "The child's consent to the interview",
        "parental": "A parent's consent to the interview",
        "sharing": "Consent to share what is said",
    },
    "decided_by": {"police_and_authority": "The police and the authority together", "police": "The police alone"},
    "decision": {
        "wait": "Wait, and look at it again",
        "report_to_police": "Report to the police",
        "publish": "Publish",
        "do_not_publish": "Do not publish",
    },
    "declined_by": {"child": "The child", "parent": "A parent"},
    "exception": {
        "back_before_police_came": "The child was back before the police came",
        "mental_health_patient": "The child is a mental health patient",
        "agreed_strategy": "A strategy was agreed beforehand",
        "appointment": "An appointment suits better",
    },
    "grade": {
        "no_apparent_risk": "No apparent risk",
        "very_low": "Very low",
        "low": "Low",
        "medium": "Medium",
        "high": "High",
    },
    "interviewer": {
        "independent": "An independent interviewer",
        "social_worker": "The child's social worker",
        "other_home_staff": "Staff of the home who do not care for the child",
        "trusted_professional": "A professional whom the child trusts",
        "parent": "A parent",
        "foster_carer": "The foster carer",
        "key_worker": "The child's key worker",
    },
    "level": {"none": "None for now", "carer": "Carers or parents search", "police": "The police"},
    "meeting": {
        "strategy": "Strategy meeting",
        "planning": "Missing safety meeting",
        "return": "Return meeting",
    },
    "moment": {"leaving": "When the child left", "return": "When the child came back"},
    "outcome": {
        "raised": "The grade was raised",
        "kept": "The grade was kept",
        "waiting": "No answer yet",
        "response_sent": "The police responded",
        "response_stands": "The police kept to their decision",
        "child_back": "The child came back first",
        "safe": "Yes, it is safe",
        "not_safe": "No, it is not safe",
        "done": "Yes, it was made",
        "exception": "No: an exception applies",
        "not_done": "No, it was not made",
    },
    "reason": {
        "weekend_or_holiday": "A weekend or holiday",
        "missing_again": "The child is missing again",
        "late_notice": "We were told late",
        "childs_wish": "The child wished it",
        "capacity": "Nobody was free to hold it",
        "could_not_reach": "The child could not be reached",
        "unwell": "The child was unwell",
        "consent": "Consent was awaited",
        "other": "Another reason: say which in the note",
    },
    "setting": {
        "family_home": "With the family",
        "foster": "In foster care",
        "children_home": "In a children's home",
        "semi_independent": "In semi-independent accommodation",
        "placed_with_parents": "Placed with parents",
        "hospital": "In hospital",
        "other": "Elsewhere",
    },
    "step": {
        "concern_logged": "The concern was logged by the police",
        "carer_contacted": "The inspector contacted whoever reported",
        "inspector_spoken_to": "The inspector was spoken to",
        "leadership_offered": "The police leadership was offered",
        "review_asked": "The police leadership was asked for a review",
    },
    "to": {
        "child": "The child",
        "parent": "A parent",
        "carer": "The carer",
        "trusted_person": "Somebody the child trusts",
        "friend": "A friend",
        "other": "Somebody else",
    },
    "view": {"police": "The police's", "authority": "The authority's"},
    "covered": {letter: f"Point {letter} of the agenda" for letter in "abcdefghij"},
}

_ROLES: Final = frozenset({"role", "owner", "with"})


ASKED_BY_FORMS: Final[Mapping[FactKind, frozenset[str]]] = {
    # Whose view it is and what it came to are the assessment: without them nothing was assessed.
    _K.RISK_ASSESSED: frozenset({"view", "grade"}),
    # What the police answered decides whether the grade is challenged further.
    _K.GRADE_QUESTIONED: frozenset({"outcome"}),
    # A form left empty would read as a check that was made.
    _K.PREVENTION_CHECK: frozenset({"outcome"}),
    # Whether to offer again turns on it.
    _K.RHI_OFFERED: frozenset({"answer"}),
    # The interview is the child's to refuse, and by this it is no longer owed.
    _K.RHI_DECLINED: frozenset({"declined_by"}),
    # The thinking over is its outcome.
    _K.REFUSAL_CONSIDERED: frozenset({"outcome"}),
}
"""Details that a person who fills in a form is asked for, though a fact that comes from elsewhere may lack them.

What is owed would else count as done by a form that says nothing.
"""


def label_of(kind: FactKind, detail: str) -> Label:
    """What a detail of a kind is called on a form. Raises KeyError for one without words."""
    return _ONE_KIND.get((kind, detail)) or _ANY_KIND[detail]


def choice_in_words(detail: str, value: str) -> str:
    """One of a detail's choices, in words. Raises KeyError for one without words."""
    if value in YES_NO:
        return _YES_AND_NO[value]
    if detail in _ROLES:
        said = ROLE_WORDS[Role(value)]
        return beginning_a_line(said)
    return _CHOICES[detail][value]
