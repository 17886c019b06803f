"""What every page must be like, in whatever state: usable by everybody, and no wider than a small phone."""

from importlib.resources import files
from typing import Any, Final

from playwright.async_api import Page, ViewportSize

NARROW: Final = ViewportSize(width=320, height=640)

_AXE: Final = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_LOOK: Final = """async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const briefly = {resultTypes: ["violations"], preload: false, iframes: false};
    return (await axe.run(document, {runOnly: tags, ...briefly})).violations;
}"""
_WIDER: Final = """() => [...document.querySelectorAll("body *")]
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".hw-scroll, .hw-picture"))
    .map(one => one.outerHTML.slice(0, 120))"""


async def look_at(page: Page) -> None:
    """Fail unless axe finds no violation on the page as it is, and nothing sticks out of it at 320 pixels."""
    await page.evaluate(_AXE)
    found: list[dict[str, Any]] = await page.evaluate(_LOOK)
    said = [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in found]
    assert not said, "\n".join([page.url, *said])
    before = page.viewport_size
    await page.set_viewport_size(NARROW)
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    wider: list[str] = await page.evaluate(_WIDER)
    if before:
        await page.set_viewport_size(before)
    assert width <= NARROW["width"], f"{page.url} is {width} pixels wide at {NARROW['width']}: {wider[:3]}"
