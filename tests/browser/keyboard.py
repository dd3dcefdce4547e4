"""A person without a mouse: Tab, Enter, Space and letters, and a focus seen at each stop."""

from playwright.sync_api import Locator, Page, expect

# No page has more stops than this; whoever needs more is caught in a trap.
MOST_STOPS = 90
_STOP = """() => {
  const stop = document.activeElement;
  if (!stop || stop === document.body) return null;
  const style = getComputedStyle(stop), box = stop.getBoundingClientRect();
  const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    what: stop.outerHTML.slice(0, 120),
    isMarked: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0)
      || style.boxShadow !== "none"
      // The parts of a date have marks of the browser's own, where a page cannot look.
      || stop.type === "date",
    isBig: box.width > 0 && box.height > 0,
    isOnTop: !!middle && (stop.contains(middle) || middle.contains(stop)),
  };
}"""


class Keyboard:
    """Walks a page by its keyboard alone."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def tab_to(self, target: Locator) -> None:
        """Go on until the target has the focus; every stop on the way must be seen."""
        expect(target).to_be_visible()
        for _ in range(MOST_STOPS):
            if target.evaluate("each => each === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
            self._assert_seen()
        message = f"{self.page.url}: Tab never comes to {target}"
        raise AssertionError(message)

    def press(self, target: Locator, key: str = "Enter") -> None:
        """Go there and press a key."""
        self.tab_to(target)
        self.page.keyboard.press(key)

    def fill(self, target: Locator, text: str) -> None:
        """Go there and type."""
        self.tab_to(target)
        self.page.keyboard.type(text)

    def button(self, name: str) -> None:
        """Press the button of that name."""
        self.press(self.page.get_by_role("button", name=name, exact=True).first)

    def link(self, name: str) -> None:
        """Follow the link of that name."""
        self.press(self.page.get_by_role("link", name=name, exact=True).first)

    def skip_to_content(self) -> None:
        """The first stop of a page, which leads past its head."""
        skip = self.page.get_by_role("link", name="Skip to the content")
        self.page.keyboard.press("Tab")
        expect(skip).to_be_focused()
        self._assert_seen()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#main")).to_be_focused()

    def walk_through(self) -> int:
        """Tab until the page is left; gives the number of stops."""
        self.page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        for stops in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(_STOP) is None:
                return stops
            self._assert_seen()
        message = f"{self.page.url}: Tab never leaves the page"
        raise AssertionError(message)

    def _assert_seen(self) -> None:
        stop = self.page.evaluate(_STOP)
        assert stop is None or all(stop.values()), f"{self.page.url}: {stop}"
