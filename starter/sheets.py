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
_FOOT: Final = 4
_LEAST_BELOW_A_HEADING: Final = 10
"""As much room, in millimetres, a heading wants for what it stands above."""


class Sheets(FPDF):
    """A document of A4 sheets, the first begun. Sizes are points, lengths millimetres."""

    made: str = ""

    def footer(self) -> None:
        """Number the sheet: one that falls out of a stack can be put back, and it is seen when one is missing."""
        self.set_font(FONT, "", 8)
        self.set_xy(MARGIN, -MARGIN)
        self.cell(self.w - 2 * MARGIN, 4, f"{self.made}Page {self.page_no()} of {{nb}}", align="R")

    def write_heading(self, text: str, *, size: int) -> None:
        """Write a heading on the sheet on which what it stands above begins."""
        self.set_font(FONT, "B", size)
        height = self.multi_cell(0, size * 0.46, text, align="L", dry_run=True, output="HEIGHT")  # pyright: ignore[reportUnknownMemberType]
        if isinstance(height, float | int) and self.will_page_break(height + _LEAST_BELOW_A_HEADING):
            self.add_page()
        self.write_lines(text, style="B", size=size)

    def write_lines(self, text: str, *, style: Literal["", "B"] = "", size: int, indent: float = 0) -> None:
        """Write text over the whole width, as many lines as it needs."""
        self.set_font(FONT, style, size)
        self.set_x(self.l_margin + indent)
        self.multi_cell(0, size * 0.46, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)  # pyright: ignore[reportUnknownMemberType]

    def write_section(self, title: str, lines: tuple[str, ...]) -> None:
        """Write a heading and what stands below it."""
        self.ln(1.5)
        self.write_heading(title, size=11)
        for line in lines:
            self.write_lines(line, size=10)


@contextmanager
def sheets(title: str, made: str = "") -> Generator[Sheets]:
    """A new document; each sheet says when it was made, and its number. Characters its font lacks show as boxes."""
    # The font's builder reports each glyph it drops, at a level above what anyone needs to read.
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    paper = Sheets(format="A4")
    paper.set_title(title)
    paper.set_lang("en-GB")
    paper.set_margins(MARGIN, MARGIN)
    paper.set_auto_page_break(auto=True, margin=MARGIN + _FOOT)
    paper.made = f"Made {made}. " if made else ""
    folder = files("font_source_sans_pro") / "files"
    with as_file(folder / "SourceSansPro-Regular.ttf") as regular, as_file(folder / "SourceSansPro-Bold.ttf") as bold:
        paper.add_font(FONT, "", regular)
        paper.add_font(FONT, "B", bold)
        paper.add_page()
        yield paper
