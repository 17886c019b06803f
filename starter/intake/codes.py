"""The codes of a case-system export, as data: what each cell may say and what it means. Capitals do not matter."""

from collections.abc import Mapping
from typing import Final

from workflows.vocabulary import Setting

COLUMNS: Final = (
    "PersonID",
    "DOB",
    "Legal Status",
    "Placement",
    "OOA",
    "Episode Type",
    "Missing From",
    "Start Date",
    "Start Time",
    "Reported To Police",
    "Police Ref",
    "End Date",
    "End Time",
    "RHI Offered",
    "RHI Offered Date",
    "RHI Accepted",
    "RHI Date",
    "Reason No RHI",
    "Allocated Worker",
    "Team",
)
"""Every column of the export; a file has each of them once, in any order."""

YES_NO: Final[Mapping[str, bool]] = {"Y": True, "Yes": True, "1": True, "N": False, "No": False, "0": False}

LEGAL_STATUS: Final[Mapping[str, bool]] = dict.fromkeys(
    ("C1", "C2", "D1", "E1", "J1", "J2", "J3", "L1", "L2", "L3", "V2", "V3", "V4"), True
)
"""SSDA903 legal status to whether the child is looked after. Every code is one of care; only a blank is not."""

PLACEMENT: Final[Mapping[str, Setting]] = {
    **dict.fromkeys(("U", "U1", "U2", "U3", "U4", "U5", "U6"), Setting.FOSTER),
    "K2": Setting.CHILDREN_HOME,
    "P1": Setting.PLACED_WITH_PARENTS,
    "P2": Setting.SEMI_INDEPENDENT,
    "H5": Setting.SEMI_INDEPENDENT,
}
"""SSDA903 placement code to where the child lives. A code that is not here is refused, not filed under 'other'."""

EPISODE_TYPE: Final[Mapping[str, str]] = {
    "M": "missing",
    "Missing": "missing",
    "A": "away",
    "Away from placement": "away",
    "Absent": "absent",
}
"""Episode type to category. 'A' alone is the SSDA903 code, which means away from placement, not absent."""

MISSING_FROM: Final[Mapping[str, str]] = {"Placement": "placement", "Home": "home"}

REASON_NO_RHI: Final[Mapping[str, bool]] = {
    "Declined": True,
    "Parent refused": True,
    "Missing again": False,
    "Unable to contact": False,
}
"""Why there was no interview, to whether somebody refused it. What prevents an interview does not end the duty."""

NO_NAMED_WORKER: Final = frozenset({"", "duty"})
"""What stands under Allocated Worker when nobody is named."""
