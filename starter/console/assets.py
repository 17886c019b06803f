"""The files that pages are made with: stylesheets, scripts, an icon. They name nobody and are open to all."""

from hashlib import sha256
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Response

PATH: Final = "/assets/{version}/{name}"

_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOR_GOOD: Final = {"Cache-Control": "public, max-age=31536000, immutable"}

_FILES: Final = {
    one.name: one.read_bytes()
    for one in sorted(files("starter.console").joinpath("assets").iterdir(), key=lambda one: one.name)
    if one.is_file()
}

VERSION: Final = sha256(b"".join(_FILES.values())).hexdigest()[:12]
"""A fingerprint of all of them, in each one's path: a browser that has one need not ask again."""


def path_of(name: str) -> str:
    """Where a file is. Raises KeyError for one that is not there."""
    _FILES[name]
    return PATH.format(version=VERSION, name=name)


def router_of() -> APIRouter:
    """The route of the files."""
    router = APIRouter()

    @router.get(PATH)
    async def asset(version: str, name: str) -> Response:
        """A file; of another version than this one's too, while pages of both are open."""
        content = _FILES.get(name)
        if content is None:
            return Response(status_code=404)
        media_type = _MEDIA_TYPES[f".{name.rpartition('.')[2]}"]
        return Response(content, media_type=media_type, headers=_FOR_GOOD if version == VERSION else None)

    return router
