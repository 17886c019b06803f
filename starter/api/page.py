"""What the API's page lists, from the app and the vocabulary themselves: its routes, and the kinds of fact.

None is left out and none is invented.
"""

from collections.abc import Iterator
from typing import Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from starter.api.asking import AskedRoute
from starter.api.problems import PREFIX
from workflows.fact_kinds import ABOUT_TASKS, FACTS, Detail
from workflows.vocabulary import Role

BEGINS: Final = "<!-- The routes: written by 'make api', not by hand. -->"
ENDS: Final = "<!-- The end of the routes. -->"
FACTS_BEGIN: Final = "<!-- The kinds of fact: written by 'make api', not by hand. -->"
FACTS_END: Final = "<!-- The end of the kinds of fact. -->"

_IN_ITS_FORM: Final = {"text": "", "day": "a day", "instant": "a time", "many": "several with commas between"}


def asked_routes(app: FastAPI) -> Iterator[AskedRoute]:
    """Every route of the API that asks who comes, in the order in which the app has them; not the console's pages."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, AskedRoute) and context.original_route.path.startswith(PREFIX):
            yield context.original_route


def routes_in_words(app: FastAPI) -> str:
    """The routes by what they are about, each with what it does and the permission it needs, in Markdown."""
    about: dict[str, list[AskedRoute]] = {}
    for route in asked_routes(app):
        about.setdefault(str(route.tags[0]), []).append(route)
    lines: list[str] = []
    for what, routes in sorted(about.items()):
        lines += [f"### {what.capitalize()}", "", "| Route | What it does | Permission |", "|---|---|---|"]
        lines += [f"| `{_way(route)}` | {_does(route)} | `{route.permission}` |" for route in routes]
        lines.append("")
    return "\n".join(lines)


def _way(route: AskedRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


def _does(route: AskedRoute) -> str:
    return route.description.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")


def facts_in_words() -> str:
    """Every kind of fact that can be sent, in words, with the details it may carry, in Markdown."""
    lines = ["| Kind | What it says | Details |", "|---|---|---|"]
    for kind, meaning in FACTS.items():
        if kind not in ABOUT_TASKS:
            details = "; ".join(_detail(name, detail) for name, detail in meaning.details.items())
            lines.append(f"| `{kind}` | {meaning.words} | {details} |")
    return "\n".join([*lines, "", f"A role is one of {', '.join(f'`{role}`' for role in Role)}.", ""])


def _detail(name: str, detail: Detail) -> str:
    form = [_IN_ITS_FORM[detail.form]] if _IN_ITS_FORM[detail.form] else []
    choices = "a role" if detail.choices == tuple(Role) else ", ".join(detail.choices)
    said = ": ".join([*form, choices] if choices else form)
    named = f"**`{name}`**" if detail.required else f"`{name}`"
    return named + (f" ({said})" if said else "")


def with_lists(page: str, app: FastAPI) -> str:
    """A page whose lists, each between its two marks, are as they should be. Raises ValueError without the marks."""
    page = _between(page, BEGINS, ENDS, routes_in_words(app))
    return _between(page, FACTS_BEGIN, FACTS_END, facts_in_words())


def _between(page: str, begin: str, end: str, listed: str) -> str:
    before, begins, rest = page.partition(begin)
    _, ends, after = rest.partition(end)
    if not (begins and ends):
        raise ValueError("the page has no place for a list")
    return f"{before}{begin}\n\n{listed}\n{end}{after}"
