"""Writes the routes of the API and the kinds of fact into its page: `make api`."""

from pathlib import Path

from activities.store import Store
from starter.api.page import with_lists
from tests.api.callers import Service

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"


def as_it_should_be() -> str:
    """The page with the routes and kinds of fact that there are."""
    app = Service(Store("sqlite+aiosqlite:///nowhere.sqlite")).app
    return with_lists(PAGE.read_text(encoding="utf-8"), app)


if __name__ == "__main__":
    PAGE.write_text(as_it_should_be(), encoding="utf-8")
