"""The list of the API's routes as a part of a page, from the app itself: none is left out and none is invented."""

from collections.abc import Iterator
from typing import Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from starter.api.asking import AskedRoute

BEGINS: Final = "<!-- The routes: written by 'make api', not by hand. -->"
ENDS: Final = "<!-- The end of the routes. -->"


def asked_routes(app: FastAPI) -> Iterator[AskedRoute]:
    """Every route that asks who comes, in the order in which the app has them."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, AskedRoute):
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


def with_routes(page: str, app: FastAPI) -> str:
    """A page whose list of routes, between its two marks, is that of the app. Raises ValueError without the marks."""
    before, begins, rest = page.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not (begins and ends):
        raise ValueError("the page has no place for the routes")
    return f"{before}{BEGINS}\n\n{routes_in_words(app)}\n{ENDS}{after}"
