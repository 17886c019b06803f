"""The police pack: what the police ask when a child is missing, from what is known, with every gap in sight.

As a page for a screen or a printer, as a PDF, or as data. It stays with the
person who asked for it: it is full of the child's own details.
"""

from collections.abc import Mapping

from starter.police_pack.gathering import gather
from starter.police_pack.items import PolicePack, pack_of
from starter.templates import templates_of

__all__ = ["PolicePack", "as_html", "as_pdf", "gather", "pack_of"]

_TEMPLATES = templates_of("police_pack")


def as_html(pack: PolicePack, changes: Mapping[str, str] | None = None) -> str:
    """A complete HTML page that prints on A4; it has no script and fetches nothing; all text is text.

    `changes` are addresses at which what is kept for the child can be changed, each with what its link says: they
    show on a screen, and not on paper.
    """
    return _TEMPLATES.get_template("pack.html.j2").render(pack=pack, changes=changes or {})


def as_pdf(pack: PolicePack) -> bytes:
    """The bytes of a PDF. Characters that its font lacks show as boxes; the HTML page shows them all."""
    # What draws takes long to load, and every command loads this.
    from starter.police_pack import pdf  # noqa: PLC0415

    return pdf.as_pdf(pack)
