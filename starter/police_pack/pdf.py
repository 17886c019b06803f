"""The police pack as a PDF: the same content as the page, on A4, on as many sheets as the answers need."""

import logging
from importlib.resources import as_file, files
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from starter.police_pack.items import Item, PolicePack

FONT: Final = "Source Sans Pro"
_MARGIN: Final = 12
_TITLE_WIDTH: Final = 58
_LINE: Final = 4.6


def as_pdf(pack: PolicePack) -> bytes:
    """The PDF's bytes. Characters that its font lacks show as boxes; the HTML page shows them all."""
    # The font's builder reports each glyph it drops, at a level above what anyone needs to read.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    pdf = FPDF(format="A4")
    pdf.set_title("Police pack")
    pdf.set_lang("en-GB")
    pdf.set_margins(_MARGIN, _MARGIN)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN)
    folder = files("font_source_sans_pro") / "files"
    with as_file(folder / "SourceSansPro-Regular.ttf") as regular, as_file(folder / "SourceSansPro-Bold.ttf") as bold:
        pdf.add_font(FONT, "", regular)
        pdf.add_font(FONT, "B", bold)
        pdf.add_page()
        _head(pdf, pack)
        for item in pack.items:
            _item(pdf, item)
        _section(pdf, "Risk, as each has graded it", pack.risk or ("NOT KNOWN: no grade is recorded",))
        _section(pdf, "Photographs", pack.photographs)
        if pack.notices:
            _section(pdf, "To know", pack.notices)
        _section(
            pdf,
            "If the response is put off and you strongly disagree",
            (
                "Ask for the district inspector: your concern is logged, you may speak with them, and above them with "
                "the district commander or the critical incident manager. New information goes to the police at once.",
            ),
        )
        return bytes(pdf.output())


def _head(pdf: FPDF, pack: PolicePack) -> None:
    _write(pdf, "Missing child: what the police ask", style="B", size=15)
    child = pack.child_reference or "with no reference"
    _write(pdf, f"{pack.police}. Child {child}: {pack.status}. Made {pack.made}, London time.", size=10)
    _write(pdf, f"{pack.gaps} of 14 not known. Episode {pack.episode_id}.", size=10)
    words = "Having gone missing before never makes the risk smaller: this absence is judged in its own right."
    _write(pdf, words, style="B", size=10)


def _item(pdf: FPDF, item: Item) -> None:
    """One row: the question on the left, the answers beside it; a row that would be torn apart begins a new sheet."""
    said = "\n".join([*item.known, *([item.ask] if item.ask else [])])
    pdf.set_font(FONT, "B" if item.ask else "", 10)
    width = pdf.epw - _TITLE_WIDTH
    height = pdf.multi_cell(width, _LINE, said, dry_run=True, output="HEIGHT")  # pyright: ignore[reportUnknownMemberType]
    if isinstance(height, float | int) and pdf.get_y() + height > pdf.eph and height < pdf.eph / 2:
        pdf.add_page()
    top = pdf.get_y() + 0.8
    pdf.line(_MARGIN, top, pdf.w - _MARGIN, top)
    pdf.set_y(top + 0.4)
    page, start = pdf.page, pdf.get_y()
    pdf.set_font(FONT, "B", 10)
    pdf.multi_cell(
        _TITLE_WIDTH - 2, _LINE, f"{item.number}. {item.title}", align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )  # pyright: ignore[reportUnknownMemberType]
    below_title = pdf.get_y()
    pdf.set_xy(_MARGIN + _TITLE_WIDTH, start)
    pdf.set_left_margin(_MARGIN + _TITLE_WIDTH)
    pdf.set_font(FONT, "B" if item.ask else "", 10)
    pdf.multi_cell(width, _LINE, said, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # pyright: ignore[reportUnknownMemberType]
    pdf.set_left_margin(_MARGIN)
    pdf.set_xy(_MARGIN, max(pdf.get_y(), below_title) if pdf.page == page else pdf.get_y())


def _section(pdf: FPDF, title: str, lines: tuple[str, ...]) -> None:
    pdf.ln(1.5)
    _write(pdf, title, style="B", size=11)
    for line in lines:
        _write(pdf, line, size=10)


def _write(pdf: FPDF, text: str, *, style: str = "", size: int) -> None:
    pdf.set_font(FONT, style, size)  # pyright: ignore[reportArgumentType]
    pdf.multi_cell(0, size * 0.46, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # pyright: ignore[reportUnknownMemberType]
