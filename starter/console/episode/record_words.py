"""What is kept for a child across episodes, in words for people: its fields on forms, and what it says. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from starter.child_records import Intervention
from starter.console.episode.detail_words import choice_in_words
from starter.console.fields import Label
from starter.console.model_form import FormWords
from workflows.instants import day_in_words

RECORD_TITLES: Final[Mapping[str, str]] = {
    "safety_plan": "Missing safety plan",
    "risk_assessment": "Missing risk assessment",
    "philomena": "Information for the police (Philomena)",
    "photographs": "Photographs",
    "placement": "Placement",
}

_LABELS: Final[Mapping[str, Mapping[str, Label]]] = {
    "safety_plan": {
        "risk_assessment": Label("Part 1: the missing risk assessment", "In short, or where it is kept"),
        "reporting_strategy": Label(
            "Part 2: when is the child reported absent, and when missing?",
            "How long after the time agreed, and to whom",
        ),
        "enquiries_before_reporting": Label("Part 3: what do the authority, parents and carers try first?"),
        "police_enquiries": Label("Part 4: what is the least that is asked of the police?"),
        "interview_strategy": Label(
            "Part 5: how are interviews to be held?", "By whom, where, and what helps the child"
        ),
        "interventions": Label("Part 6: what is done in the long run?"),
        "childs_part": Label("The child's own part"),
        "childs_part.words": Label("The child's own words"),
        "childs_part.agreed": Label("Has the child agreed to the plan?"),
        "childs_part.stays_in_touch_by": Label("How does the child stay in touch?"),
        "trusted_trio": Label("People whom the child trusts", "The child names them, and wants them rung first"),
        "trusted_trio.name": Label("Name"),
        "trusted_trio.relation": Label("Who are they to the child?", "Such as: aunt, friend's mother, youth worker"),
        "trusted_trio.contact": Label("How are they reached?", "A telephone number, or another way"),
        "review_on": Label("When is the plan reviewed?"),
    },
    "risk_assessment": {
        "pattern": Label(
            "Earlier absences and their pattern", "Days, places, people, how long, how the child came back"
        ),
        "triggers": Label("What sets an absence off?"),
        "indicators": Label("What other signs are there that one may come?"),
        "who_tells_the_child": Label("Who speaks with the child about the risks?"),
        "who_guides_carers": Label("Who guides the carers?"),
        "no_contact_with": Label("Which people and places is the child to keep from?"),
        "child_knows_what_happens": Label("Does the child know what is done when they are missing?"),
        "risky_people": Label("Which people are a risk, and may be visited?"),
        "exploitation": Label("Is there exploitation, trafficking, violence or self-harm?"),
        "substances_and_offending": Label("Are there substances or offending?"),
        "risky_places": Label("At which places is staying a risk?"),
        "whom_to_contact": Label("Who is contacted when the child cannot be reached?"),
        "addresses_to_visit": Label("Which addresses are visited, and by whom?"),
        "places_to_check": Label("Which places are checked, how and by whom?"),
        "child_stays_in_touch": Label("How is the child to stay in touch?"),
        "when_to_call_police": Label("When are the police called?"),
    },
    "philomena": {
        "identity": Label("Names and date of birth", "All names the child uses, gender, date of birth"),
        "description": Label("What does the child look like?", "Height, build, hair, eyes, skin, marks, glasses"),
        "home_address": Label("Home, and the family's address"),
        "health": Label("Illness, medication, mental health", "And what happens without the medication"),
        "alcohol_drugs": Label("Alcohol and drugs"),
        "mobile_number": Label("Mobile number"),
        "social_media": Label("Social media", "Which ones, and the names the child uses there"),
        "likely_places": Label("Usual places, friends and associates"),
    },
    "photographs": {
        "face_on": Label("When was the photograph of the face taken?"),
        "full_length_on": Label("When was the full-length photograph taken?"),
        "with_carer": Label("Does the carer have copies?"),
        "on_record": Label("Are copies on the electronic record?"),
        "appearance_changed_on": Label(
            "When did the child's appearance last change?", "Hair, build, piercings: older photographs then mislead"
        ),
    },
    "placement": {
        "placed_on": Label("When was the child placed?"),
        "setting": Label("Where does the child live?"),
        "out_of_area": Label("Is the child placed out of area?"),
        "risk_considered": Label("Was the risk of going missing weighed?"),
        "interview_provider": Label("Who holds the return home interviews?", "The provider named in the plan"),
        "child_told_what_happens": Label("Does the child know what is done when they are missing, and of an advocate?"),
        "philomena_handed_over_on": Label("When was the information for the police handed over?"),
        "host_authority": Label("In which authority's area is the child placed?", "If placed out of area"),
        "host_force": Label("Which police force covers the placement?", "If placed out of area"),
        "provider_protocol_agreed": Label(
            "Has the home or carer agreed to the protocol for missing children?", "If placed out of area"
        ),
        "host_authority_told": Label(
            "Was that authority told of the risk, and of what is done?", "If placed out of area"
        ),
        "host_force_told": Label("Was that police force told of the risk?", "If placed out of area"),
    },
}
"""What each field of a kind is called, by its path."""

INTERVENTION_WORDS: Final[Mapping[Intervention, str]] = {
    Intervention.DISRUPT_CONTACT: "Disrupting contact with people who are a risk",
    Intervention.GATHER_EVIDENCE: "Gathering evidence against them",
    Intervention.LISTEN: "Listening to the child",
    Intervention.RELATIONSHIPS: "Good relationships with adults",
    Intervention.PHYSICAL_PROTECTION: "Physical protection",
    Intervention.STAY_IN_TOUCH: "Helping the child to stay in touch",
    Intervention.BETTER_RETURN: "A better return",
    Intervention.CLEAR_BOUNDARIES: "Clear boundaries",
    Intervention.MOTIVATION: "Motivation",
    Intervention.EMPOWER_CARER: "Strengthening the parent or carer",
    Intervention.SELF_ESTEEM: "Self-esteem",
    Intervention.AWARENESS_OF_RISK: "Awareness of risk",
    Intervention.HEALTH_NEEDS: "Health needs",
    Intervention.HOME_WORTH_BEING_IN: "A home worth being in",
    Intervention.EDUCATION_AND_TRAINING: "Education and training",
    Intervention.SPECIALIST_SUPPORT: "Specialist support",
    Intervention.FAMILY_SUPPORT: "Support for the family",
}

_SHORT: Final = frozenset(
    {
        *("mobile_number", "interview_provider", "host_authority", "host_force"),
        *("trusted_trio.name", "trusted_trio.relation", "trusted_trio.contact"),
    }
)
"""Fields that take no more than a line."""


def words_of_record(kind: str) -> FormWords:
    """The words of the form of a kind. Its labels raise KeyError for a field without words."""
    labels = _LABELS[kind]
    return FormWords(labels.__getitem__, _choice_in_words, long=frozenset(labels) - _SHORT)


def _choice_in_words(field: str, value: str) -> str:
    return INTERVENTION_WORDS[Intervention(value)] if field == "interventions" else choice_in_words(field, value)


def lines_of_record(kind: str, body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a version of a record says: each field's words and what stands in it."""
    return list(_lines(words_of_record(kind), body, ""))


def _lines(words: FormWords, body: Mapping[str, Any], within: str) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        path = within + name
        if value in ([], {}):
            continue
        if isinstance(value, dict):
            yield from _lines(words, cast("dict[str, Any]", value), f"{path}.")
        else:
            yield words.label(path).label.rstrip("?"), _said(words, path, value)


def _said(words: FormWords, path: str, value: object) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return "; ".join(_said(words, path, one) for one in cast("Sequence[object]", value))
    if isinstance(value, dict):
        return ", ".join(str(one) for one in cast("dict[str, object]", value).values())
    text = str(value)
    if path in ("setting", "interventions"):
        return words.choice(path, text)
    try:
        return day_in_words(date.fromisoformat(text))
    except ValueError:
        return text
