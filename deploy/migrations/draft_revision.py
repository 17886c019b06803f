"""Draft the next revision of the schema: what the model says and the revisions do not make yet.

    python deploy/migrations/draft_revision.py 'what_it_brings'

It is a draft: read it, shorten it, say what is lost when it is undone, and
whether workers of the version before go on.
"""

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from activities.store.schema import REVISIONS, alembic_config, bring_up

LONGEST_NAME = 32 - len("0001_")


def main(name: str) -> None:
    """Write the draft among the revisions."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or len(name) > LONGEST_NAME:
        raise SystemExit(f"NAME: must be at most {LONGEST_NAME} lower-case letters, digits and '_'")
    revision = f"{len(REVISIONS) + 1:04}_{name}"
    with TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'draft.sqlite'}")
        with engine.begin() as connection:
            bring_up(connection)
            command.revision(
                alembic_config(Config, connection), "<What it brings.>", autogenerate=True, rev_id=revision
            )
        engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
