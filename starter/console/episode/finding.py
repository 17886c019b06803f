"""Finding an episode: a list of those that are open, and a search by the references of others."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from activities.store.reference_search import SHORTEST_BEGINNING, Beginnings
from activities.store.tables import letters_of
from starter.access import Permission
from starter.api.asking import Asked, AskedBy, needs
from starter.api.parts import Parts
from starter.api.v1.episodes import EpisodeListed, Searched, listed
from starter.console.asking import PostedBy, console_router
from starter.console.episode.sought import sought_by
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
        whole = [one.episode_id for one in found.items if not one.hidden]
        async with parts.store.snapshot() as session:
            called = await children_called(session, asked.authority, whole)
        return _find_page(asked, parts, found.items, called=called, closed=closed, next=found.next)

    @router.post("/episodes")
    @needs(Permission.READ_EPISODES)
    async def search(asked: AskedBy, posted: PostedBy) -> Response:
        """Those of one child, or of one report to the police, or of references that begin so.

        Posted, and answered without a redirect: a reference in an address would
        stand in the browser's history and in the logs of servers in between.
        """
        written, wrong = posted.said(*_LONGEST), Mistakes()
        said = {name: reference for name, reference in written.items() if letters_of(reference)}
        if not said:
            wrong.add("child", "Enter a reference to look for")
        for name, longest in _LONGEST.items():
            if len(said.get(name, "")) > longest:
                wrong.add(name, f"A reference has at most {longest} characters")
        if wrong:
            return _find_page(asked, parts, [], written=written, mistakes=wrong)
        sought = await sought_by(parts, asked, Beginnings(**said))
        found = [*sought.whole, *sought.begin_so]
        short = any(letters_of(reference) < SHORTEST_BEGINNING for reference in said.values())
        return _find_page(asked, parts, found, called=sought.called, written=written, sought=sought, short=short)

    return router


def _searched(**what: object) -> Searched:
    return Searched.model_validate({"order": "pressing", "limit": _A_PAGE, **what})


def _find_page(asked: Asked, parts: Parts, found: list[EpisodeListed], **more: Any) -> Response:
    shown: dict[str, Any] = {
        "found": found,
        "titles": {one.episode_id: _next(parts, one) for one in found},
        "called": {},
        "closed": False,
        "next": None,
        "written": None,
        "sought": None,
        "short": False,
        "shortest": SHORTEST_BEGINNING,
        "mistakes": Mistakes(),
    } | more
    status = 422 if shown["mistakes"] else 200
    return page(asked, "episode/find.html.j2", "episodes", status=status, **shown)


def _next(parts: Parts, one: EpisodeListed) -> str:
    """What is owed next, in words; nothing where nothing is, or where it is not for whoever asks."""
    if not one.next_clock or not one.policy:
        return ""
    return parts.policies.title_of(one.policy, one.policy_version, one.next_clock)
