"""The operator's own look: readable whatever the colour, small, and only what it claims to be."""

import re
from email import message_from_bytes
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client, override_settings
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from config import checks
from config.brand import MOST_LOGO_BYTES, Brand, brand
from config.colours import DARK, LIGHT, READABLE, Ground, contrast, theme
from config.environment import BASE_DIR, Environment
from onboarding.notices.letters import Letter, send_letter
from onboarding.notices.outbox import send_due

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="4" height="4"/></svg>'
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def branded(
    tmp_path: Path, *, colour: str = "#7a1fa2", logo: bytes = SVG, suffix: str = "svg"
) -> Brand:
    path = tmp_path / f"logo.{suffix}"
    path.write_bytes(logo)
    return brand(colour=colour, colour_dark=None, logo=path, logo_dark=None)


def worn(of: Brand) -> override_settings:
    backends = {
        "EMAIL_BACKEND": "onboarding.notices.backend.OutboxBackend",
        "NOTICES_TRANSPORT": "django.core.mail.backends.locmem.EmailBackend",
    }
    operator = {"name": "Acme", "support_email": "help@acme.test", **of.shown()}
    return override_settings(BRAND=of, OPERATOR=operator, NOTICES_LOGO=of.mail_logo(), **backends)


@given(colour=COLOURS)
def test_text_on_any_colour_can_be_read_in_both_themes(colour: str) -> None:
    for ground in (LIGHT, DARK):
        made = theme(colour, ground=ground)
        assert contrast(made.ink, made.accent) >= READABLE
        assert contrast(made.ink, made.hover) >= READABLE
        assert contrast(made.link, ground.paper) >= READABLE
        assert contrast(made.link, ground.surface) >= READABLE
        assert contrast(made.link, made.soft) >= READABLE


def test_a_colour_that_can_be_read_is_not_changed() -> None:
    assert theme("#0b5c4b", ground=LIGHT).link == "#0b5c4b"
    assert theme("#ffd400", ground=LIGHT).link != "#ffd400"
    assert theme("#ffd400", ground=DARK).link == "#ffd400"


@pytest.mark.parametrize(("ground", "part"), [(LIGHT, 0), (DARK, 1)])
def test_the_grounds_are_those_of_the_style_sheet(ground: Ground, part: int) -> None:
    tokens = (BASE_DIR / "static/css/tokens.css").read_text().split("prefers-color-scheme: dark")
    found = dict(re.findall(r"--(paper|surface): (#\w{6});", tokens[part]))
    assert found == {"paper": ground.paper, "surface": ground.surface}


@pytest.mark.django_db
def test_pages_wear_the_brand_and_browsers_keep_its_files(tmp_path: Path) -> None:
    client = Client()
    with worn(branded(tmp_path)):
        page = client.get("/accounts/login/").content.decode()
        style, logo = (
            re.search(r'href="(/brand/\w+\.css)"', page),
            re.search(r'src="(/brand/[^"]+)"', page),
        )
        assert style
        assert logo
        sheet = client.get(style[1])
        assert "--accent:#7a1fa2" in sheet.content.decode()
        assert "immutable" in sheet.headers["Cache-Control"]
        picture = client.get(logo[1])
        assert picture.content == SVG
        assert "default-src 'none'" in picture.headers["Content-Security-Policy"]
        assert client.get("/brand/other.svg").status_code == 404
    assert "/brand/" not in client.get("/accounts/login/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("logo", "suffix", "parts"), [(PNG, "png", 1), (SVG, "svg", 0)])
def test_letters_wear_the_colour_and_carry_a_logo_that_mail_programs_show(
    tmp_path: Path, logo: bytes, suffix: str, parts: int
) -> None:
    letter = Letter(
        subject="Hello", paragraphs=("Text",), action_label="Go", action_url="https://a.test/"
    )
    with worn(branded(tmp_path, logo=logo, suffix=suffix)):
        send_letter(letter, to="owner@example.test", language="en")
        send_due(timezone.now())
    sent = message_from_bytes(mail.outbox[-1].message().as_bytes())
    html = next(part for part in sent.walk() if part.get_content_type() == "text/html")
    text = html.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert 'bgcolor="#7a1fa2"' in text
    assert text.count("cid:brand-logo") == parts
    pictures = [part for part in sent.walk() if part.get_content_maintype() == "image"]
    assert [part["Content-ID"] for part in pictures] == ["<brand-logo>"] * parts


@pytest.mark.parametrize(
    ("content", "suffix", "fault"),
    [
        (PNG + bytes(MOST_LOGO_BYTES), "png", "bytes"),
        (b"GIF89a", "gif", "neither"),
        (b"<html>", "svg", "neither"),
    ],
)
def test_what_is_no_small_picture_is_refused(
    tmp_path: Path, content: bytes, suffix: str, fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        branded(tmp_path, logo=content, suffix=suffix)


def test_settings_are_checked_when_they_are_read(tmp_path: Path) -> None:
    for fields in ({"brand_colour": "red"}, {"brand_logo": tmp_path / "none.png"}):
        with pytest.raises(ValueError, match="brand_"):
            Environment(**fields)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({"brand_colour": "#0b5c4b"}, 0),
        ({"brand_colour": "#ffd400"}, 1),
        ({"brand_colour": "#0b5c4b", "brand_colour_dark": "#0b5c4b"}, 1),
    ],
)
def test_the_deploy_check_says_which_colour_cannot_be_read(
    fields: dict[str, str], count: int
) -> None:
    with override_settings(ENVIRONMENT=Environment(**fields)):
        found = [each for each in checks.check_deployment(None) if each.id == checks.PALE_BRAND.id]
    assert len(found) == count
