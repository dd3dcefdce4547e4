import re

from django.core import mail
from pytest_django import Settings

from onboarding.notices.letters import Letter, absolute_url, render_letter, send_letter

LETTER = Letter(
    subject="A <b>key</b>\nneeds you",
    paragraphs=("It is refused & paused.", "<script>alert(1)</script>"),
    action_label="See it",
    action_url="https://latchkey.test/stores/1/?a=1&b=2",
    note="Sent once.",
)


def test_text_and_html_say_the_same() -> None:
    rendered = render_letter(LETTER, language="en")
    for words in (
        "It is refused",
        "See it",
        "Sent once.",
        "support@example.test",
        "Your app builder",
    ):
        assert words in rendered.text
        assert words in rendered.html


def test_subject_is_one_line() -> None:
    assert render_letter(LETTER, language="en").subject == "A <b>key</b> needs you"


def test_html_is_escaped_and_text_is_not() -> None:
    rendered = render_letter(LETTER, language="en")
    assert "<script>" not in rendered.html
    assert "<b>key" not in rendered.html
    assert "refused & paused" in rendered.text
    assert "?a=1&b=2" in rendered.text


def test_html_fetches_nothing_and_has_no_inline_style() -> None:
    html = render_letter(LETTER, language="en").html
    assert "style=" not in html
    assert not re.search(r"<(img|link|iframe|script)\b|url\(|@import", html)


def test_nonce_stands_on_previews_only() -> None:
    assert "nonce" not in render_letter(LETTER, language="en").html
    assert '<style nonce="abc">' in render_letter(LETTER, language="en", nonce="abc").html


def test_letter_without_an_action_has_no_button() -> None:
    html = render_letter(Letter(subject="Hi", paragraphs=("There.",)), language="en").html
    assert "<a href=" not in html.replace('<a href="mailto', "")


def test_frame_speaks_the_readers_language() -> None:
    assert '<html lang="nl">' in render_letter(LETTER, language="nl").html


def test_sent_letter_has_both_forms() -> None:
    send_letter(LETTER, to="owner@example.test", language="en")
    message = mail.outbox[0]
    assert message.to == ["owner@example.test"]
    assert message.alternatives[0].mimetype == "text/html"


def test_address_of_a_page_has_the_sites_host(settings: Settings) -> None:
    settings.SITE_URL = "https://latchkey.test"
    assert absolute_url("/stores/") == "https://latchkey.test/stores/"
