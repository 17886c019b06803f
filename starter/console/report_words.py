"""What the report's form says of the child's circumstances, and of what is still to be asked, in plain words. Pure."""

from typing import Final

from starter.reports import TITLES
from workflows.vocabulary import Setting

SETTING_WORDS: Final[dict[str, str]] = {
    Setting.FAMILY_HOME: "With their family",
    Setting.FOSTER: "With foster carers",
    Setting.CHILDREN_HOME: "In a children's home",
    Setting.SEMI_INDEPENDENT: "In supported or semi-independent accommodation",
    Setting.PLACED_WITH_PARENTS: "With their parents, while in the authority's care",
    Setting.HOSPITAL: "In hospital",
    Setting.OTHER: "Somewhere else",
}

EITHER_WAY_WORDS: Final[dict[str, tuple[str, str]]] = {
    "looked_after": (
        "Is the child in care?",
        "Looked after by an authority: by a court's order, or by agreement with the parents (section 20).",
    ),
    "allocated": ("Does the child have a social worker?", "A social worker of their own, by name."),
    "out_of_area": (
        "Do they live outside the area of the authority that cares for them?",
        "Placed in another authority's area. If the child is not in care, choose no.",
    ),
}
"""What holds for every child one way or the other: the question, and what it means."""

WHEN_SAID_WORDS: Final[dict[str, tuple[str, str]]] = {
    "open_case": ("There is an open case", "An assessment, an enquiry or a plan as a child in need."),
    "protection_plan": ("There is a child protection plan", ""),
    "trafficking_concern": (
        "They may have been trafficked",
        "Only people who hold a role for the child will see where the child is.",
    ),
    "unaccompanied": (
        "They are seeking asylum without their parents",
        "Only people who hold a role for the child will see where the child is.",
    ),
    "restricted": (
        "Where they live must not become known",
        "Only people who hold a role for the child will see this report.",
    ),
    "court_order": ("A court's order, curfew or bail tells them where to be", ""),
    "hosted": ("They are another authority's child, missing here", ""),
    "new_to_area": ("They are new to this area", "The area they lived in before is asked what it knows."),
}
"""What holds for some children: what it is called, and what it means or brings about."""

ASKED_WORDS: Final[dict[str, str]] = {
    "born": "Date of birth",
    "allocated": "Whether the child has a social worker",
    "looked_after": "Whether the child is in care",
    "out_of_area": "Whether they live outside the area of the authority that cares for them",
    "setting": "Where they live",
    **TITLES,
}
"""What is still to be asked, by the field of a report."""
