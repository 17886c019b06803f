"""Sheets of A4 as a PDF: a font that has most letters, and lines that run on from sheet to sheet."""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import Final, Literal

from fpdf import FPDF
from fpdf.enums import XPos, YPos

FONT: Final = "Source Sans Pro"
MARGIN: Final = 12


class Sheets(FPDF):
    """A document of A4 sheets, the first begun. Sizes are points, lengths millimetres."""

    def write_lines(self, text: str, *, style: Literal["", "B"] = "", size: int, indent: float = 0) -> None:
        """Write text over the whole width, as many lines as it needs."""
        self.set_font(FONT, style, size)
        self.set_x(self.l_margin + indent)
        self.multi_cell(0, size * 0.46, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # pyright: ignore[reportUnknownMemberType]

    def write_section(self, title: str, lines: tuple[str, ...]) -> None:
        """Write a heading and what stands below it."""
        self.ln(1.5)
        self.write_lines(title, style="B", size=11)
        for line in lines:
            self.write_lines(line, size=10)


@contextmanager
def sheets(title: str) -> Generator[Sheets]:
    """A new document. Characters that its font lacks show as boxes."""
    # The font's builder reports each glyph it drops, at a level above what anyone needs to read.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    made = Sheets(format="A4")
    made.set_title(title)
    made.set_lang("en-GB")
    made.set_margins(MARGIN, MARGIN)
    made.set_auto_page_break(auto=True, margin=MARGIN)
    folder = files("font_source_sans_pro") / "files"
    with as_file(folder / "SourceSansPro-Regular.ttf") as regular, as_file(folder / "SourceSansPro-Bold.ttf") as bold:
        made.add_font(FONT, "", regular)
        made.add_font(FONT, "B", bold)
        made.add_page()
        yield made
