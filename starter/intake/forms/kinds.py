"""The kinds of form that are taken in, each by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from starter.intake.forms.home import HomeForm, read_home_form
from starter.intake.forms.police import PoliceForm, read_police_form
from starter.intake.forms.reading import FormPart, ReadForm
from workflows.plain_errors import BadInputError


@dataclass(frozen=True)
class FormKind:
    """A kind of form: its model, and how it is read. `read` raises BadInputError, one line naming the field."""

    model: type[FormPart]
    read: Callable[[object], ReadForm]

    def schema(self) -> dict[str, Any]:
        """The form's JSON Schema."""
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **self.model.model_json_schema()}


FORMS: Final[Mapping[str, FormKind]] = {
    "home": FormKind(HomeForm, read_home_form),
    "police": FormKind(PoliceForm, read_police_form),
}


def form_of(kind: str) -> FormKind:
    """A kind of form by its name. Raises BadInputError naming those there are."""
    if kind not in FORMS:
        raise BadInputError(f"kind: there is no form '{kind}'; use one of {', '.join(FORMS)}")
    return FORMS[kind]
