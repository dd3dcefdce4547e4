"""A page of somebody else's to look at: nothing in it can be pressed, sent or followed.

Forms become plain boxes, buttons and fields are disabled and have no name, links lose their
address, scripts and hidden fields are left out. What remains is what the page says.
"""

from html import escape
from html.parser import HTMLParser

from django.utils.safestring import SafeString, mark_safe

# Left out with everything in them; of the second kind there is nothing in them.
_GONE = frozenset({"script", "style", "template", "iframe", "object", "noscript"})
_GONE_VOID = frozenset({"link", "meta", "base", "embed"})
_DISABLED = frozenset({"button", "input", "select", "textarea"})
_VOID = frozenset({"br", "hr", "img", "input", "wbr", "col"})
# Attributes that neither act nor lead anywhere; aria-* are kept besides.
_KEPT = frozenset({
    "class", "id", "lang", "dir", "role", "tabindex", "title", "open", "scope", "colspan",
    "rowspan", "datetime", "type", "hidden", "alt", "viewbox", "preserveaspectratio",
    "focusable", "d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width",
    "height", "points", "fill", "stroke", "stroke-width", "stroke-linecap", "stroke-linejoin",
    "transform",
})  # fmt: skip


def inert_main(html: str) -> SafeString:
    """What stands in the `main` of a page that our own templates have made, without its effects.

    Args:
        html: the whole page; its texts are escaped already.

    Returns:
        The content, safe to put into another page.
    """
    parser = _Inert()
    parser.feed(html)
    parser.close()
    return mark_safe("".join(parser.parts))  # noqa: S308  # only tags and attributes that were let through


class _Inert(HTMLParser):
    """Passes on texts and harmless tags between `main` and its end."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._is_inside = False
        self._gone = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass a tag on as one that does nothing."""
        if tag == "main":
            self._is_inside = True
        elif self._is_inside and tag in _GONE:
            self._gone += 1
        elif self._is_shown and tag not in _GONE_VOID:
            self._open(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Pass on a tag that is closed at once, as drawings have them."""
        if self._is_shown and tag not in _GONE | _GONE_VOID:
            self._open(tag, dict(attrs))
            if tag not in _VOID:
                self.parts.append(f"</{tag}>")

    def handle_endtag(self, tag: str) -> None:
        """Close what was opened."""
        if tag == "main":
            self._is_inside = False
        elif tag in _GONE:
            self._gone = max(self._gone - 1, 0)
        elif self._is_shown and tag not in _VOID:
            self.parts.append(f"</{'div' if tag == 'form' else tag}>")

    def handle_data(self, data: str) -> None:
        """Pass a text on; it is escaped as it was."""
        if self._is_shown:
            self.parts.append(escape(data, quote=False))

    def handle_entityref(self, name: str) -> None:
        """Pass on a character that has a name."""
        if self._is_shown:
            self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        """Pass on a character that has a number."""
        if self._is_shown:
            self.parts.append(f"&#{name};")

    @property
    def _is_shown(self) -> bool:
        return self._is_inside and not self._gone

    def _open(self, tag: str, attributes: dict[str, str | None]) -> None:
        if tag == "input" and attributes.get("type") == "hidden":
            return
        kept = {
            name: value
            for name, value in attributes.items()
            if name in _KEPT or name.startswith("aria-")
        }
        if tag in _DISABLED:
            kept["disabled"] = None
        words = "".join(
            f" {name}" if value is None else f' {name}="{escape(value)}"'
            for name, value in kept.items()
        )
        self.parts.append(f"<{'div' if tag == 'form' else tag}{words}>")
