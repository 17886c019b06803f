"""One clear line for a person whose input cannot be used: the field, and what would be right."""

import difflib
from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails


class BadInputError(ValueError):
    """What a person or system sent cannot be used. Its text is one line that names the field."""


def refuse_unkeepable(data: object, path: tuple[str | int, ...] = ()) -> None:
    """Raise ValueError, naming the field, where JSON-ready data holds what can be read and not be kept or passed on.

    That is the character NUL, which no database keeps, and half a character (a
    lone surrogate), which cannot be written down: a fact with one would reach no
    episode.
    """
    if isinstance(data, str):
        where = path_in_words(path) or "text"
        if "\0" in data:
            raise ValueError(f"{where}: must be without the character NUL")
        try:
            data.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{where}: must be of whole characters; it holds half of one") from None
    if isinstance(data, Mapping):
        for name, value in cast("Mapping[object, object]", data).items():
            refuse_unkeepable(str(name))
            refuse_unkeepable(value, (*path, str(name)))
    if isinstance(data, list):
        for number, value in enumerate(cast("list[object]", data)):
            refuse_unkeepable(value, (*path, number))


def path_in_words(location: Sequence[str | int]) -> str:
    """A pydantic location as people write it: facts[2].at."""
    path = ""
    for step in location:
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{step}"
    return path


def first_error(error: ValidationError, model: type[BaseModel] | None = None) -> tuple[str, str]:
    """The first thing that is wrong: the field's path and a sentence. `model` allows a hint for misspelt fields."""
    details = error.errors(include_url=False)
    # A misspelt field usually makes another one missing: the misspelling is what the person can mend.
    chosen = next((d for d in details if d["type"] == "extra_forbidden"), details[0])
    where = [step for step in chosen["loc"] if not (isinstance(step, str) and step.startswith("function-"))]
    return path_in_words(where), _sentence(chosen, model)


def one_line(error: ValidationError | ValueError, model: type[BaseModel] | None = None) -> str:
    """An error as one line, '<field>: <what would be right>'."""
    if not isinstance(error, ValidationError):
        return " ".join(str(error).split())
    path, sentence = first_error(error, model)
    return f"{path}: {sentence}" if path else sentence


def _sentence(detail: ErrorDetails, model: type[BaseModel] | None) -> str:
    kind, given = detail["type"], _shown(detail["input"])
    if kind == "extra_forbidden":
        return _unknown_field(str(detail["loc"][-1]), model if len(detail["loc"]) == 1 else None)
    if kind == "value_error":
        return str(detail["ctx"]["error"]) if "ctx" in detail else detail["msg"]
    said = {
        "missing": "must be given",
        "enum": f"{given} is unknown; use one of {_choices(detail)}",
        "literal_error": f"{given} is unknown; use one of {_choices(detail)}",
        "bool_type": f"must be true or false, without quotes (not {given})",
        "int_type": f"must be a whole number (not {given})",
    }
    return said.get(kind, f"{detail['msg'][0].lower()}{detail['msg'][1:]} (not {given})")


def _choices(detail: ErrorDetails) -> str:
    expected = str(detail.get("ctx", {}).get("expected", ""))
    return expected.replace("'", "").replace(" or ", ", ")


def _unknown_field(name: str, model: type[BaseModel] | None) -> str:
    fields = list(model.model_fields) if model else []
    near = difflib.get_close_matches(name, fields, n=1)
    if near:
        return f"there is no such field; did you mean '{near[0]}'?"
    return f"there is no such field; use {', '.join(fields)}" if fields else "there is no such field"


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."
