"""Pages: templates over GOV.UK's components, with what every page needs to know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, Undefined
from jinja2.exceptions import UndefinedError

from starter.access import Principal
from starter.api.asking import Asked
from starter.console import spoken
from starter.console.assets import path_of
from starter.console.navigation import ACCOUNT, sections_for
from starter.console.terms import TERMS
from workflows.instants import LONDON, day_in_words, in_words, to_rfc3339

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may fetch and run: what comes from here, and nothing that stands in the page itself."""

_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    # Older browsers, which know no Sec-Fetch-Site, say by it that a form is ours.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class _MissingParameter(Undefined):
    """What is not there: nothing where a component's parameters leave it out, a mistake everywhere else."""

    def _is_left_out(self) -> bool:
        # GOV.UK's components say by the name 'undefined' that something is nothing.
        return isinstance(self._undefined_obj, dict) or self._undefined_name in ("caller", "undefined")

    def _fail_unless_left_out(self) -> None:
        if not self._is_left_out():
            raise UndefinedError(self._undefined_message)

    def __str__(self) -> str:
        self._fail_unless_left_out()
        return ""

    def __bool__(self) -> bool:
        self._fail_unless_left_out()
        return False

    def __iter__(self) -> Any:
        self._fail_unless_left_out()
        return iter(())

    def __len__(self) -> int:
        self._fail_unless_left_out()
        return 0


def _field_day(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%Y-%m-%d}"


def _field_time(at: datetime) -> str:
    return f"{at.astimezone(LONDON):%H:%M}"


def _new_key() -> str:
    return str(uuid4())


def _environment() -> Environment:
    govuk = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    made = Environment(
        loader=ChoiceLoader([PackageLoader("starter", "console/templates"), govuk]),
        autoescape=True,
        undefined=_MissingParameter,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": in_words,
        "day": day_in_words,
        "rfc3339": to_rfc3339,
        "role": spoken.role_in_words,
        "plain": spoken.in_plain_words,
        "lasting": spoken.length_in_words,
        "field_day": _field_day,
        "field_time": _field_time,
    }
    known_everywhere: dict[str, Any] = {
        "asset": path_of,
        "new_key": _new_key,
        "terms": TERMS,
        "status_words": spoken.STATUS_WORDS,
        "state_words": spoken.STATE_WORDS,
        "time_left": spoken.time_left,
        "pressure": spoken.pressure,
    }
    made.globals.update(known_everywhere)
    return made


_TEMPLATES: Final = _environment()


def words_of(template: str, context: Mapping[str, Any]) -> str:
    """A template's words. Raises jinja2.UndefinedError for a name that it misses."""
    return _TEMPLATES.get_template(template).render(context)


def page(asked: Asked, template: str, section: str = "", *, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for whoever asks, in a section of the console. Every page knows `now`, in UTC."""
    return page_for(asked.principal, asked.now, template, section, status=status, **context)


def page_for(
    principal: Principal | None,
    now: datetime | None,
    template: str,
    section: str = "",
    *,
    status: int = 200,
    **context: Any,
) -> HTMLResponse:
    """A page for somebody who is known, or for nobody yet."""
    shown = {
        "who": principal,
        "now": now,
        "section": section,
        "sections": sections_for(principal) if principal else [],
        "account": ACCOUNT,
        **context,
    }
    return HTMLResponse(words_of(template, shown), status, _HEADERS)
