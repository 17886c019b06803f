"""What an answer says of open episodes after the directory was changed: that they know, or how they will."""

from starter.api.asking import Asked
from starter.api.directory_bodies import Told
from starter.api.parts import Parts
from starter.client import EngineSilentError
from starter.directory_telling import tell_open_episodes


async def tell_if_changed(parts: Parts, asked: Asked, *, changed: bool) -> Told:
    """Have open episodes look again after a change; the change stands, whether the engine answers or not."""
    if not changed:
        return Told()
    try:
        await tell_open_episodes(parts.store, parts.commands_of(asked), asked.authority, asked.now)
    except EngineSilentError:
        note = (
            "The directory is changed. Open episodes do not know yet: POST /v1/directory/checks tells them, or "
            "'homeward directory check'. Whatever falls due meanwhile goes to whom the directory names then."
        )
        return Told(episodes_told=False, note=note)
    return Told(episodes_told=True)
