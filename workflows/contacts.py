"""How a person is reached: e-mail addresses, mobile numbers, and the order of the channels. Pure.

No complaint repeats what was written: it may be a private address.
"""

import re
from typing import Final

from workflows.vocabulary import Channel

BEYOND_THE_TRAY: Final = (Channel.EMAIL, Channel.SMS, Channel.WEBHOOK)
"""The channels that a person may list; the tray is always there and never listed."""

_LONGEST_ADDRESS: Final = 254
_LONGEST_LOCAL_PART: Final = 64
_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?P<local>{_WORD}(?:\.{_WORD})*)@{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_UK_MOBILE = re.compile(r"(?:0|\+44)(7\d{9})", re.ASCII)
_E164 = re.compile(r"\+(?!44)[1-9]\d{7,14}", re.ASCII)


def read_email(written: str) -> str:
    """The e-mail address, as it is written. Raises ValueError for what cannot be one."""
    found = _EMAIL.fullmatch(written)
    if found is None or len(written) > _LONGEST_ADDRESS or len(found["local"]) > _LONGEST_LOCAL_PART:
        raise ValueError("must be one e-mail address, such as desk@example.org")
    return written


def read_mobile(written: str) -> str:
    """The mobile number in E.164; a British one may be written 07... Raises ValueError for what cannot be one."""
    together = written.replace(" ", "")
    if found := _UK_MOBILE.fullmatch(together):
        return f"+44{found[1]}"
    if _E164.fullmatch(together):
        return together
    raise ValueError("must be a mobile number, such as 07700 900123 or +447700900123")


def read_channels(written: str) -> tuple[Channel, ...]:
    """Read 'sms;email': the channels in the order in which they are tried. Raises ValueError for anything else."""
    names = [name.strip() for name in written.split(";")] if written else []
    if not set(names) <= set(BEYOND_THE_TRAY) or len(set(names)) < len(names):
        raise ValueError(f"must be some of {', '.join(BEYOND_THE_TRAY)}, each once, with ';' between them")
    return tuple(Channel(name) for name in names)
