"""What every page must be like on paper: nothing to press, nothing cut off, nothing that only its colour says."""

from io import BytesIO
from typing import Final

from playwright.async_api import Page, ViewportSize
from pypdf import PdfReader

A4: Final = ViewportSize(width=695, height=1020)
"""What a sheet leaves within its margins, in CSS pixels."""

_TO_PRESS: Final = "button, input, select, textarea, nav, header, footer, a[role=button], .govuk-back-link"
_LOOK: Final = """(toPress) => {
    const seen = one => one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length > 0;
    const all = [...document.querySelectorAll("body *")].filter(seen);
    const said = one => one.outerHTML.slice(0, 120);
    const drawn = one => one.closest("svg");
    const black = one => getComputedStyle(one).color === "rgb(11, 12, 12)";
    const words = all.filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
    return {
        "to press": all.filter(one => one.matches(toPress)).map(said),
        "cut off": all.filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !drawn(one)
            && !one.closest(".govuk-visually-hidden")).map(said),
        "coloured": words.filter(one => !drawn(one) && !black(one)).map(said),
        "folded away": [...document.querySelectorAll("details")].filter(seen)
            .filter(one => one.lastElementChild.getBoundingClientRect().height === 0).map(said),
    };
}"""


async def look_on_paper(page: Page) -> None:
    """Fail unless the page, printed on A4, has nothing to press, nothing cut off, coloured or folded away."""
    before = page.viewport_size
    await page.emulate_media(media="print")
    await page.set_viewport_size(A4)
    found: dict[str, list[str]] = await page.evaluate(_LOOK, _TO_PRESS)
    printed = await page.get_by_text("Printed for").is_visible()
    await page.emulate_media(media="null")
    if before:
        await page.set_viewport_size(before)
    assert not any(found.values()), (page.url, {name: those for name, those in found.items() if those})
    assert printed, f"{page.url} does not say on paper for whom and when it was printed"


async def sheets_of(page: Page) -> list[list[str]]:
    """The page as it comes out of a printer: the lines of each sheet."""
    pdf = await page.pdf(prefer_css_page_size=True)
    texts = [sheet.extract_text() for sheet in PdfReader(BytesIO(pdf)).pages]
    return [[line.strip() for line in text.splitlines() if line.strip()] for text in texts]
