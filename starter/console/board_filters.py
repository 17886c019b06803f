"""What somebody wants to see of the board: read from its address, and written into one. Pure."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from activities.store.board import OpenEpisode
from starter.api.asking import BY_ITSELF
from starter.console.spoken import SOON_IN_WORDS
from workflows.instants import Instant
from workflows.plain_errors import BadInputError
from workflows.vocabulary import RISK_GRADES, EpisodeStatus

PATH: Final = "/now"
NOT_ASSESSED: Final = "none"
STANDINGS: Final[Mapping[str, str]] = {
    "": "Everybody",
    "away": "Not back yet",
    "missing": "Missing now",
    "returned": "Back, with something owed",
}
DUES: Final[Mapping[str, str]] = {
    "": "Any time",
    "overdue": "Something is overdue",
    "soon": f"Something is due {SOON_IN_WORDS}",
}
RISKS: Final[Mapping[str, str]] = {
    "": "Any",
    **{grade: grade.replace("_", " ").capitalize() for grade in reversed(RISK_GRADES)},
    NOT_ASSESSED: "Not assessed",
}
OURS: Final = "ours"
AUTHORITIES: Final[Mapping[str, str]] = {
    "": "Any authority's",
    OURS: "Our own children",
    "other": "Another authority's, missing here",
}
_CHOICES: Final = {
    "status": STANDINGS,
    "due": DUES,
    "risk": RISKS,
    "authority": AUTHORITIES,
    "mine": {"": "", "yes": "yes"},
}
_LAST_PAGE: Final = 9999


class Filters(BaseModel):
    """What is wanted; empty is no condition. Pages are counted from 1."""

    model_config = ConfigDict(frozen=True)
    team: str = ""
    status: str = ""
    due: str = ""
    risk: str = ""
    authority: str = ""
    mine: str = ""
    page: int = 1

    @property
    def about_children(self) -> bool:
        """Whether what is found is thereby known to be of a team, grade or authority, or close to somebody."""
        return bool(self.team or self.risk or self.authority or self.mine)

    @property
    def any(self) -> bool:
        """Whether something is left out."""
        return self.about_children or bool(self.status or self.due)

    def take(self, episode: OpenEpisode, now: Instant) -> bool:
        """Whether an episode stands as is wanted, as far as that tells nothing of the child. `now` is UTC."""
        if not self.status and not self.due:
            return True
        away = episode.status.gone
        stands = {
            "": True,
            "away": away,
            "missing": episode.status is EpisodeStatus.MISSING,
            "returned": not away,
        }[self.status]
        if self.due == "overdue":
            return stands and episode.due is not None and episode.due < now
        return stands and (episode.soon or self.due != "soon")

    def query(self, **changed: str | int) -> str:
        """These as the query of an address, with some of them changed; the first page unless one is named."""
        said = {**self.model_dump(exclude={"page"}), "page": 1, **changed}
        kept = {name: value for name, value in said.items() if value not in ("", 1)}
        return f"?{urlencode(kept)}" if kept else ""

    def again(self) -> str:
        """The query of an address at which a page asks for the same by itself."""
        return self.query(page=self.page, **{BY_ITSELF: "yes"})

    def path(self, **changed: str | int) -> str:
        """The board with these, some of them changed."""
        return PATH + self.query(**changed)


def filters_of(said: Mapping[str, str]) -> Filters:
    """What the query of an address asks for. Raises BadInputError."""
    for name, choices in _CHOICES.items():
        if said.get(name, "") not in choices:
            raise BadInputError(f"{name}: must be one of {', '.join(one for one in choices if one)}, or left out")
    page = said.get("page", "1")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:5]) <= _LAST_PAGE and len(page) < 5):
        raise BadInputError("page: must be a number from 1")
    chosen = {name: said[name] for name in ("team", *_CHOICES) if name in said}
    return Filters(page=int(page), **chosen)
