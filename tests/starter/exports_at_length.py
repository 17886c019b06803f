"""A generated export of as many lines as wanted, invented and the same each time: open, past, some of each mess."""

from datetime import date, timedelta

from tests.starter.exports import export

_MESS = (
    {"Start Time": ""},
    {"End Time": "00:00"},
    {"Start Date": "31/02/2026"},
    {"End Date": "01/01/2026", "End Time": "09:00"},
    {"PersonID": ""},
    {"OOA": "perhaps"},
    {"DOB": ""},
)


def long_export(lines: int) -> str:
    """An export with so many lines after its header. Nothing in it lies after the first half of 2026."""
    rows: list[dict[str, str]] = []
    for number in range(lines):
        start = date(2026, 1, 2) + timedelta(days=number % 150)
        row = {
            "PersonID": f"X-INVENTED-{number % 400}",
            "Start Date": f"{start:%d/%m/%Y}",
            "Start Time": f"{number % 24:02d}:{1 + number % 59:02d}",
            "Police Ref": "",
        }
        if number % 10:
            back = start + timedelta(days=1)
            row |= {"End Date": f"{back:%d/%m/%Y}", "End Time": f"{number % 24:02d}:59"}
        if number % 9 == 0:
            row |= _MESS[number // 9 % len(_MESS)]
        if number % 50 == 49:
            row = dict(rows[-1])
        rows.append(row)
    return export(*rows)
