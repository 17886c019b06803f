"""The page behind a message's link: what one person was told, and the button that says it was seen.

The link is the key: whoever has it may read the page and answer. The page
shows what is asked, in the policy's own words, and nothing of the child;
reading it changes nothing, so that a mail scanner answers nobody.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.params import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from activities.store import Store
from activities.store import post as store_post
from activities.store.answers import InTray, message_tray
from starter.answers import Answers
from workflows.instants import in_words
from workflows.plain_errors import BadInputError
from workflows.vocabulary import ROLE_WORDS

_PAGES: Final = Environment(
    loader=PackageLoader("starter.api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE: Final = Path(__file__).parent / "templates" / "message.css"
MessageId = Annotated[UUID, InPath()]


def router_of(store: Store, answers: Answers) -> APIRouter:
    """The pages of messages."""
    router = APIRouter()

    async def page(message: str, status: int = 200, **more: Any) -> HTMLResponse:
        async with store.snapshot() as session:
            known = await store_post.message_of(session, message)
            tray = await message_tray(session, message) if known else []
        if known is None:
            return HTMLResponse(_PAGES.get_template("none.html.j2").render(), status_code=404)
        said = {
            "message": message,
            "lines": [_shown(one) for one in sorted(tray, key=_waits_longest)],
            "kept": False,
            **more,
        }
        return HTMLResponse(_PAGES.get_template("message.html.j2").render(said), status_code=status)

    @router.get("/m/style.css")
    async def style() -> Response:
        """The look of the pages."""
        return FileResponse(_STYLE, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    @router.get("/m/{message}")
    async def read(message: MessageId) -> Response:
        """What a message says."""
        return await page(str(message))

    @router.post("/m/{message}")
    async def answer(message: MessageId) -> Response:
        """Say that the person has seen it, and will look."""
        try:
            outcomes = await answers.to_message(str(message), datetime.now(UTC))
        except BadInputError:
            return await page(str(message))
        if any(outcome.state == "kept" for outcome in outcomes):
            return await page(str(message), 202, kept=True)
        return RedirectResponse(f"/m/{message}", status_code=303)

    return router


def _waits_longest(one: InTray) -> bool:
    """What waits for an answer comes first; the rest stays in its order."""
    return one.line.asks != "answer" or one.acknowledged_at is not None


def _shown(one: InTray) -> dict[str, Any]:
    line = one.line
    return {
        "role": ROLE_WORDS[line.role],
        "says": line.says,
        "due": in_words(line.due) if line.due else None,
        "at": in_words(one.sent_at.replace(microsecond=0)),
        "asks": line.asks,
        "episode": line.episode_id,
        "answered": in_words(one.acknowledged_at.replace(microsecond=0)) if one.acknowledged_at else None,
        "answered_by": one.acknowledged_by,
    }
