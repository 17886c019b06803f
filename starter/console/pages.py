"""Pages: templates over GOV.UK's components, with what every page needs to know."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FunctionLoader, PackageLoader, PrefixLoader, Undefined
from jinja2.exceptions import TemplateNotFound, UndefinedError
from markupsafe import Markup

from starter.access import Principal
from starter.api.asking import Asked
from starter.console import spoken
from starter.console.assets import path_of
from starter.console.kin_words import owed_in_words, task_in_words
from starter.console.navigation import ACCOUNT, sections_for
from starter.console.terms import TERMS
from workflows.instants import day_in_words, day_or_moment_in_words, to_rfc3339
from workflows.names import duty_of
from workflows.vocabulary import CLOCK_STATE_WORDS, STATUS_WORDS, beginning_a_line, name_in_words

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


class _MissingInMapping(Undefined):
    """What is not there: nothing where a mapping leaves it out, a mistake everywhere else."""

    def _fail_unless_left_out(self) -> None:
        if not isinstance(self._undefined_obj, dict):
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


_COMPONENTS: Final = Environment(
    loader=PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}), autoescape=True
)
"""GOV.UK's components, by themselves: they are written for templates that miss names in silence, and ours are not."""


def _handed_on(name: str) -> str | None:
    """A template that hands on the macros of one of GOV.UK's; None for what is none of them."""
    try:
        macros = [macro for macro in vars(_COMPONENTS.get_template(name).module) if macro.startswith("govuk")]
    except TemplateNotFound:
        return None
    return "".join(f"{{% set {macro} = component({name!r}, {macro!r}) %}}" for macro in macros)


def _component(template: str, macro: str) -> object:
    return getattr(_COMPONENTS.get_template(template).module, macro)


def _new_key() -> str:
    return str(uuid4())


def _environment() -> Environment:
    made = Environment(
        loader=ChoiceLoader([PackageLoader("starter", "console/templates"), FunctionLoader(_handed_on)]),
        autoescape=True,
        undefined=_MissingInMapping,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "when": lru_cache(maxsize=4096)(day_or_moment_in_words),
        "day": day_in_words,
        "rfc3339": to_rfc3339,
        "role": spoken.role_in_words,
        "cover": spoken.cover_in_words,
        "plain": name_in_words,
        "lasting": spoken.length_in_words,
        "named": spoken.names_in_words,
        "beginning_a_line": beginning_a_line,
    }
    known_everywhere: dict[str, Any] = {
        "asset": path_of,
        "component": _component,
        "new_key": _new_key,
        "terms": TERMS,
        "status_words": STATUS_WORDS,
        "state_words": CLOCK_STATE_WORDS,
        "time_left": spoken.time_left,
        "child_called": spoken.child_called,
        "pressure": spoken.pressure,
        "by_or_was": spoken.by_or_was,
        "soon_in_words": spoken.SOON_IN_WORDS,
        "clock_of": spoken.clock_in_words,
        "quoted": spoken.quoted,
        "duty_of": duty_of,
        "task_called": task_in_words,
        "owed_called": owed_in_words,
    }
    made.globals.update(known_everywhere)
    return made


_TEMPLATES: Final = _environment()


def drawn_in_page(svg: str) -> Markup:
    """A picture of ours as it can stand in a page: all text in it was escaped when it was drawn."""
    return Markup(svg[svg.index("<svg") :])  # noqa: S704


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
