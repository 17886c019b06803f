"""The names of all settings, so that a misspelt one is refused and not passed over in silence.

Where the issuer's name is misspelt the default would hold: local accounts.
"""

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from starter.identity.settings import IdentitySettings
from starter.observing.settings import ObservingSettings
from starter.post_settings import PostSettings
from starter.settings import SECRETS_DIR, Settings, secrets_folder
from starter.watchdog.settings import WatchSettings
from workflows.plain_errors import BadInputError

PREFIX: Final = "HOMEWARD_"
KINDS: Final = (Settings, PostSettings, IdentitySettings, ObservingSettings, WatchSettings)
NAMES: Final = frozenset(f"{PREFIX}{field.upper()}" for kind in KINDS for field in kind.model_fields)
"""The variables that Homeward reads."""


def require_known_names() -> None:
    """Raise BadInputError for a variable, or a file of the secrets' folder, that begins as ours and is no setting."""
    for name in _ours(os.environ):
        _require_known(name, name)
    if folder := secrets_folder():
        for name in _ours(path.name for path in folder.iterdir()):
            _require_known(name, f"{SECRETS_DIR}: {name}")
            _require_file(folder / name)


def _ours(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if name.upper().startswith(PREFIX))


def _require_known(name: str, said_as: str) -> None:
    if name.upper() in NAMES:
        return
    near = get_close_matches(name.upper().removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in NAMES], 1)
    hint = f"did you mean {PREFIX}{near[0]}?" if near else "'Settings' in the README names them all"
    raise BadInputError(f"{said_as}: is no setting of Homeward; {hint}")


def _require_file(path: Path) -> None:
    """What is no file would be passed over: a folder, which containers make where a mount's file is not there."""
    if not path.is_file() or path.parent.resolve() not in path.resolve().parents:
        raise BadInputError(f"{SECRETS_DIR}: {path.name} must be a file of that folder, with the setting's value in it")
