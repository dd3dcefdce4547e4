"""The operator's logo and colours: read from the settings, served as files that never change.

A file's name holds its digest, so browsers keep it for good; a new logo has a new name. An SVG is
shown as a picture only, where scripts do not run, and under a policy that loads nothing.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config.colours import DARK, LIGHT, Theme, legible, theme

# The first page is to stay below 100 KB, logo included.
MOST_LOGO_BYTES: Final = 32 * 1024
KEPT_SECONDS: Final = 365 * 24 * 3600
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
_PNG: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class BrandFile:
    """A file as it is served.

    Attributes:
        content: its bytes.
        type: its media type.
        suffix: of its name.
    """

    content: bytes
    type: str
    suffix: str

    @property
    def name(self) -> str:
        """Its name, which is another one for other bytes."""
        return f"{hashlib.sha256(self.content).hexdigest()[:16]}.{self.suffix}"


@dataclass(frozen=True, slots=True)
class Brand:
    """What an operator shows of itself; all of it may be absent.

    Attributes:
        light: its colours on a light page; likewise `dark`.
        logo: its logo.
        logo_dark: the same for a dark page.
    """

    light: Theme | None = None
    dark: Theme | None = None
    logo: BrandFile | None = None
    logo_dark: BrandFile | None = None

    def files(self) -> dict[str, BrandFile]:
        """Everything that is served, by name."""
        found = [each for each in (self.style(), self.logo, self.logo_dark) if each]
        return {each.name: each for each in found}

    def style(self) -> BrandFile | None:
        """The style sheet that follows that of the tokens."""
        if self.light is None or self.dark is None:
            return None
        text = (
            f":root{{{self.light.style()}}}\n"
            f"@media (prefers-color-scheme: dark){{:root{{{self.dark.style()}}}}}\n"
        )
        return BrandFile(text.encode(), "text/css", "css")

    def shown(self) -> dict[str, str]:
        """What templates need of it, for `settings.OPERATOR`."""
        urls = {"style_url": self.style(), "logo_url": self.logo, "logo_dark_url": self.logo_dark}
        found = {name: f"/brand/{file.name}" for name, file in urls.items() if file}
        if self.light is not None:
            found |= {"colour": self.light.accent, "ink": self.light.ink}
        return found

    def mail_logo(self) -> bytes:
        """The logo that a letter carries: mail programs show no SVG. Empty: none."""
        return self.logo.content if self.logo and self.logo.suffix == "png" else b""


def brand(
    *, colour: str | None, colour_dark: str | None, logo: Path | None, logo_dark: Path | None
) -> Brand:
    """The brand of an operator.

    Args:
        colour: "#rrggbb" on a light page; None: our own in both themes.
        colour_dark: on a dark page; None: the first one, lightened until it can be read there.
        logo: a file for `read_logo`.
        logo_dark: the same for a dark page.

    Raises:
        ValueError: a file is no logo; the message says why.
    """
    return Brand(
        light=theme(colour, ground=LIGHT) if colour else None,
        dark=theme(colour_dark or legible(colour, ground=DARK), ground=DARK) if colour else None,
        logo=read_logo(logo) if logo else None,
        logo_dark=read_logo(logo_dark) if logo_dark else None,
    )


def read_logo(path: Path) -> BrandFile:
    """A logo from its file.

    Raises:
        ValueError: it cannot be read, is too large, or is neither PNG nor SVG.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise ValueError(message) from None
    if len(content) > MOST_LOGO_BYTES:
        message = f"{path} has {len(content)} bytes, a logo may have {MOST_LOGO_BYTES}"
        raise ValueError(message)
    if content.startswith(_PNG):
        return BrandFile(content, "image/png", "png")
    if b"<svg" in content[:1000] and path.suffix == ".svg":
        return BrandFile(content, "image/svg+xml", "svg")
    message = f"{path} is neither a PNG nor an SVG picture"
    raise ValueError(message)


@require_safe
def brand_file(request: HttpRequest, name: str) -> HttpResponse:  # noqa: ARG001  # Django passes it
    """A file of the brand; anybody may have it, as the sign-in page shows it."""
    found: BrandFile | None = settings.BRAND.files().get(name)
    if found is None:
        raise Http404
    response = HttpResponse(found.content, content_type=found.type)
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}, immutable"
    response.headers["Content-Security-Policy"] = POLICY
    return response
