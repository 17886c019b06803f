"""Write workflows/policies/calendars/england.yaml again, known to a later day.

    make calendar KNOWN_TO=2028-12-31 VERSION=2027-01

KNOWN_TO is the last day for which the government has published bank holidays:
look it up before you give it. Proclaimed holidays that the `holidays` package
does not have yet are added to the file by hand, with their name.
"""

import sys
from importlib.metadata import version as package_version
from pathlib import Path

import holidays
import yaml

FIRST_YEAR, LAST_YEAR = 2010, 2040
PLACE = Path("workflows/policies/calendars/england.yaml")


def main(known_to: str, version: str) -> None:
    """Seed the holidays of England from the `holidays` package and write the calendar file."""
    days = holidays.country_holidays("GB", subdiv="ENG", years=range(FIRST_YEAR, LAST_YEAR + 1))
    calendar = {
        "calendar": "england",
        "version": version,
        "source": (
            "Saturdays, Sundays, Good Friday, Christmas Day, Boxing Day and bank holidays in England and Wales, "
            "as SI 2006/1738 regulation 2 counts working days; seeded from the Python package holidays "
            f"{package_version('holidays')} (GB, ENG)"
        ),
        "known_from": f"{FIRST_YEAR}-01-01",
        "known_to": known_to,
        "holidays": [{"date": day.isoformat(), "name": name} for day, name in sorted(days.items())],
        "closures": [],
    }
    PLACE.write_text(yaml.safe_dump(calendar, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
