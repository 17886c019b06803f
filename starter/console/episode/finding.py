"""Finding an episode: a list of those that are open, and a search by the references of others."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.paging import Page
from starter.api.parts import Parts
from starter.api.v1.episodes import EpisodeListed, Searched, listed
from starter.console.asking import PostedBy, console_router
from starter.console.forms import Mistakes
from starter.console.naming import children_called
from starter.console.pages import page

_A_PAGE = 25
_LONGEST = {"child": 80, "police_reference": 200}


def router_of(parts: Parts) -> APIRouter:
    """The list of episodes, and the search."""
    router = console_router()

    @router.get("/episodes")
    @needs(Permission.READ_EPISODES)
    async def index(
        asked: AskedBy, closed: bool = False, cursor: Annotated[str | None, Query(max_length=8000)] = None
    ) -> Response:
        """The episodes that are open, or those that are closed, the most pressing first."""
        found = await listed(parts, asked, _searched(open=not closed, cursor=cursor))
        return await _list_page(asked, found, parts, closed=closed)

    @router.post("/episodes")
    @needs(Permission.READ_EPISODES)
    async def search(asked: AskedBy, posted: PostedBy) -> Response:
        """Those of one child, or of one report to the police.

        Posted, and answered without a redirect: a reference in an address would
        stand in the browser's history and in the logs of servers in between.
        """
        sought, wrong = posted.said(*_LONGEST), Mistakes()
        if not sought:
            wrong.add("child", "Enter a reference to look for")
        for name, longest in _LONGEST.items():
            if len(sought.get(name, "")) > longest:
                wrong.add(name, f"A reference has at most {longest} characters")
        if wrong:
            found = Page[EpisodeListed](items=[], next=None)
        else:
            found = await listed(parts, asked, _searched(limit=200, **sought))
        return await _list_page(asked, found, parts, sought=sought, wrong=wrong)

    return router


def _searched(**what: object) -> Searched:
    return Searched.model_validate({"order": "pressing", "limit": _A_PAGE, **what})


async def _list_page(
    asked: Asked,
    found: Page[EpisodeListed],
    parts: Parts,
    *,
    closed: bool = False,
    sought: dict[str, str] | None = None,
    wrong: Mistakes | None = None,
) -> Response:
    whole = [one.episode_id for one in found.items if not one.hidden]
    async with parts.store.snapshot() as session:
        called = await children_called(session, asked.authority, whole)
    titles = {one.episode_id: _next(parts, one) for one in found.items}
    said = {
        "found": found,
        "titles": titles,
        "called": called,
        "closed": closed,
        "sought": sought,
        "mistakes": wrong or Mistakes(),
    }
    return page(asked, "episode/find.html.j2", "episodes", status=422 if wrong else 200, **said)


def _next(parts: Parts, one: EpisodeListed) -> str:
    """What is owed next, in words; nothing where nothing is, or where it is not for whoever asks."""
    if not one.next_clock or not one.policy:
        return ""
    rule = parts.policies.pack(one.policy, one.policy_version).clocks.get(one.next_clock)
    return rule.title if rule else one.next_clock.replace("_", " ")
