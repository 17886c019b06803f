"""Where the Temporal server's own program is."""

import shutil
import sys
from pathlib import Path

from workflows.plain_errors import BadInputError


def engine_binary() -> Path:
    """The `temporal` program of this environment, else of the PATH. Raises BadInputError when there is none."""
    beside = Path(sys.executable).parent / "temporal"
    if beside.is_file():
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise BadInputError("temporal: the server's program is not installed; run 'make env'")
    return Path(found)
