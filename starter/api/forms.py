"""A form as browsers and systems post it: its fields, each once."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

MOST_FIELDS: Final = 20


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form. Raises ValueError for what is none, or names a field twice."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise ValueError("the request must be a form")
    body = await request.body()
    pairs = parse_qsl(
        body.decode("utf-8"),
        keep_blank_values=True,
        strict_parsing=bool(body),
        errors="strict",
        max_num_fields=MOST_FIELDS,
    )
    fields = dict(pairs)
    if len(fields) != len(pairs) or any("\0" in value for value in fields.values()):
        raise ValueError("the form must name each field once")
    return fields
