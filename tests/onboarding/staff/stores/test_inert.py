import re
from html.parser import HTMLParser

import pytest

from onboarding.staff.inert import inert_main


def inert(content: str) -> str:
    head = '<head><link rel="x"><meta a><script>1</script></head>'
    return inert_main(
        f"<html>{head}<body>before<main id='main'>{content}</main>after</body></html>"
    )


def test_only_what_stands_in_the_page_is_shown() -> None:
    assert inert("<p>Hello</p>") == "<p>Hello</p>"


def test_forms_become_boxes_and_buttons_are_disabled() -> None:
    page = inert(
        '<form method="post" action="/stores/1/pause/" hx-post="/x"><input type="hidden" '
        'name="csrfmiddlewaretoken" value="token"><input name="q" value="v"><select name="s">'
        '<option>1</option></select><textarea name="t">x</textarea>'
        '<button type="submit" name="a" formaction="/b">Pause</button></form>'
    )
    assert page == (
        "<div><input disabled><select disabled><option>1</option></select>"
        '<textarea disabled>x</textarea><button type="submit" disabled>Pause</button></div>'
    )


def test_links_lead_nowhere() -> None:
    page = inert('<a class="btn" href="/stores/1/" onclick="x()" ping="/p" hx-get="/y">Go</a>')
    assert page == '<a class="btn">Go</a>'


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<style>p {}</style>",
        '<iframe src="/x">y</iframe>',
        "<template><p>x</p></template>",
        '<noscript><form action="/x"></form></noscript>',
        '<link rel="stylesheet" href="/x">',
        '<base href="https://evil.example/">',
        '<meta http-equiv="refresh" content="0">',
        '<script src="/x"/>',
        "<!-- comment -->",
    ],
)
def test_what_acts_by_itself_is_left_out_and_the_rest_goes_on(html: str) -> None:
    assert inert(f"<p>a</p>{html}<p>b</p>") == "<p>a</p><p>b</p>"


def test_texts_stay_escaped() -> None:
    escaped = '<p title="&quot;&lt;x&gt;">&lt;script&gt; &amp; &#x27;x&#x27; &nbsp;5 > 4</p>'
    page = inert(escaped)
    assert page == (
        '<p title="&quot;&lt;x&gt;">&lt;script&gt; &amp; &#x27;x&#x27; &nbsp;5 &gt; 4</p>'
    )


def test_drawings_are_kept() -> None:
    drawing = '<svg viewBox="0 0 9 1" aria-hidden="true"><rect width="3" height="1"/></svg>'
    assert inert(drawing) == (
        '<svg viewbox="0 0 9 1" aria-hidden="true"><rect width="3" height="1"></rect></svg>'
    )


def test_no_attribute_acts() -> None:
    names = ("href", "src", "action", "style", "srcset", "formaction", "xlink:href", "onload")
    attributes = " ".join(f'{name}="javascript:x()"' for name in names)
    page = inert(f"<svg {attributes}><path {attributes}/></svg><img {attributes}>")
    assert not re.search("javascript", page)


def test_what_comes_out_is_closed_as_it_was_opened() -> None:
    open_tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("input", "br", "img"):
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Tags().feed(inert("<form><p>a<br>b</p><svg><path d=''/></svg><form></form></form>"))
    assert open_tags == []
