"""Sheets of A4: each has its number, and no heading stands at the end of one by itself."""

from io import BytesIO

import pytest
from pypdf import PdfReader

from starter.sheets import sheets


@pytest.mark.parametrize("before", range(50, 62))
def test_a_heading_stands_on_the_sheet_of_what_follows_it(before: int) -> None:
    with sheets("Invented", "Wed 10 Jun 2026 13:00 BST") as paper:
        for number in range(before):
            paper.write_lines(f"line {number}", size=10)
        paper.write_heading("A heading", size=12)
        paper.write_lines("What it stands above", size=10)
        read = PdfReader(BytesIO(bytes(paper.output())))
    texts = [page.extract_text() for page in read.pages]
    assert [("A heading" in text) == ("What it stands above" in text) for text in texts] == [True] * len(texts)
    for number, text in enumerate(texts, start=1):
        assert f"Made Wed 10 Jun 2026 13:00 BST. Page {number} of {len(texts)}" in text
