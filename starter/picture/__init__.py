"""The timeline of an episode as a picture: clocks as bars, facts as marks, in London time."""

from collections.abc import Sequence

from starter.picture.layout import lay_out
from starter.templates import templates_of
from workflows.clocks import Clock
from workflows.facts import Known

_TEMPLATES = templates_of("picture")


def draw_timeline(clocks: Sequence[Clock], known: Known, title: str) -> str:
    """A complete SVG document of the clocks and of the facts in force, as of `known.as_of` (UTC).

    It has no script, style or reference to anything outside; all text is text.
    """
    return _TEMPLATES.get_template("timeline.svg.j2").render(layout=lay_out(clocks, known), title=title)
