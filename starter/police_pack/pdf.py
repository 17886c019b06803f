"""The police pack as a PDF: the same content as the page, on A4, on as many sheets as the answers need."""

from typing import Final

from fpdf.enums import XPos, YPos

from starter.police_pack.items import Item, PolicePack
from starter.sheets import FONT, MARGIN, Sheets, sheets

_TITLE_WIDTH: Final = 58
_LINE: Final = 4.6


def as_pdf(pack: PolicePack) -> bytes:
    """The PDF's bytes. Characters that its font lacks show as boxes; the HTML page shows them all."""
    with sheets("Police pack", pack.made) as pdf:
        _head(pdf, pack)
        for item in pack.items:
            _item(pdf, item)
        pdf.write_section("Risk, as each has graded it", pack.risk or ("NOT KNOWN: no grade is recorded",))
        pdf.write_section("Photographs", pack.photographs)
        if pack.notices:
            pdf.write_section("To know", pack.notices)
        pdf.write_section(
            "If the response is put off and you strongly disagree",
            (
                "Ask for the district inspector: your concern is logged, you may speak with them, and above them with "
                "the district commander or the critical incident manager. New information goes to the police at once.",
            ),
        )
        return bytes(pdf.output())


def _head(pdf: Sheets, pack: PolicePack) -> None:
    pdf.write_lines("Missing child: what the police ask", style="B", size=15)
    child = pack.child_reference or "with no reference"
    pdf.write_lines(f"{pack.police}. Child {child}: {pack.status}. Made {pack.made}, London time.", size=10)
    pdf.write_lines(f"{pack.gaps} of 14 not known. Episode {pack.episode_id}.", size=10)
    words = "Having gone missing before never makes the risk smaller: this absence is judged in its own right."
    pdf.write_lines(words, style="B", size=10)


def _item(pdf: Sheets, item: Item) -> None:
    """One row: the question on the left, the answers beside it; a row that would be torn apart begins a new sheet."""
    said = "\n".join([*item.known, *([item.ask] if item.ask else [])])
    pdf.set_font(FONT, "B" if item.ask else "", 10)
    width = pdf.epw - _TITLE_WIDTH
    height = pdf.multi_cell(width, _LINE, said, dry_run=True, output="HEIGHT")  # pyright: ignore[reportUnknownMemberType]
    if isinstance(height, float | int) and pdf.will_page_break(height) and height < pdf.eph / 2:
        pdf.add_page()
    top = pdf.get_y() + 0.8
    pdf.line(MARGIN, top, pdf.w - MARGIN, top)
    pdf.set_y(top + 0.4)
    page, start = pdf.page, pdf.get_y()
    pdf.set_font(FONT, "B", 10)
    pdf.multi_cell(
        _TITLE_WIDTH - 2, _LINE, f"{item.number}. {item.title}", align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )  # pyright: ignore[reportUnknownMemberType]
    below_title = pdf.get_y()
    pdf.set_xy(MARGIN + _TITLE_WIDTH, start)
    pdf.set_left_margin(MARGIN + _TITLE_WIDTH)
    pdf.set_font(FONT, "B" if item.ask else "", 10)
    pdf.multi_cell(width, _LINE, said, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # pyright: ignore[reportUnknownMemberType]
    pdf.set_left_margin(MARGIN)
    pdf.set_xy(MARGIN, max(pdf.get_y(), below_title) if pdf.page == page else pdf.get_y())
