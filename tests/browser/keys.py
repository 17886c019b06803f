"""The keyboard alone: going from one thing to the next by Tab, seeing each time where one is."""

from typing import Any, Final

from playwright.async_api import Page

MOST_TABS: Final = 120

_WHERE: Final = """() => {
    const here = document.activeElement;
    const looks = () => [here, ...(here.labels || [])].flatMap(one => [null, "::before"].map(part => {
        const style = getComputedStyle(one, part);
        return [style.outline, style.boxShadow, style.backgroundColor, style.borderColor].join();
    })).join();
    let shown = getComputedStyle(here).outlineStyle !== "none";
    // A field of several stops, as of a day, would be begun anew.
    if (!["date", "time"].includes(here.type)) {
        const focused = looks();
        here.blur();
        shown = looks() !== focused;
        here.focus();
    }
    const box = (here.labels && here.labels[0] || here).getBoundingClientRect();
    const named = here.getAttribute("aria-label") || (here.labels && here.labels[0] || here).textContent;
    const group = here.closest("fieldset")?.querySelector("legend")?.textContent || "";
    return {
        name: named.replace(/\\s+/g, " ").trim(),
        group: group.replace(/\\s+/g, " ").trim(),
        shown: shown,
        in_sight: box.bottom > 0 && box.top < innerHeight,
        html: here.outerHTML.slice(0, 160),
    };
}"""


async def where(page: Page) -> dict[str, Any]:
    """What has the focus: its name, the question it belongs to, whether it looks otherwise than without, its place."""
    return await page.evaluate(_WHERE)


async def tab_to(page: Page, name: str, *, group: str = "") -> None:
    """Press Tab until what has this in its name has the focus. Each stop on the way must show that it is one."""
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
        here = await where(page)
        if here["html"].startswith("<body"):
            continue
        assert here["shown"], f"{page.url}: it cannot be seen that this has the focus: {here['html']}"
        assert here["in_sight"], f"{page.url}: what has the focus is out of sight: {here['html']}"
        if name in here["name"] and group in here["group"]:
            return
    raise AssertionError(f"{page.url}: no Tab leads to '{name}'")


async def press(page: Page, name: str) -> None:
    """Go to a link or button and press Enter; wait for the page that comes."""
    await tab_to(page, name)
    async with page.expect_navigation():
        await page.keyboard.press("Enter")


async def write(page: Page, name: str, words: str) -> None:
    """Go to a field and write into it."""
    await tab_to(page, name)
    await page.keyboard.type(words)


async def choose(page: Page, group: str, *, down: int = 0) -> None:
    """Go to the answers of a question and take the first, or one so many further down."""
    await tab_to(page, "", group=group)
    await page.keyboard.press("Space")
    for _ in range(down):
        await page.keyboard.press("ArrowDown")
