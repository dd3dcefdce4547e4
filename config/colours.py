"""The colours of a theme out of one colour of the operator's, readable by WCAG 2.2.

Text on the colour is white, or black where white would not do: one of the two always reaches
4.5 : 1. Where the colour itself is text, as in links, it must reach that on the page; where it does
not, that place takes the nearest shade that does.
"""

from dataclasses import dataclass
from typing import Final

WHITE, BLACK = "#ffffff", "#000000"
# WCAG 2.2, success criterion 1.4.3, for text of the usual size.
READABLE: Final = 4.5
_HOVER_SHARE, _SOFT_SHARE, _STEP = 0.2, 0.9, 0.05


@dataclass(frozen=True, slots=True)
class Ground:
    """What stands in a theme already; the same values as in static/css/tokens.css.

    Attributes:
        paper: the page; likewise `surface`, its panels.
        towards: where a colour goes to be read better.
    """

    paper: str
    surface: str
    towards: str


LIGHT: Final = Ground(paper="#faf9f7", surface="#ffffff", towards=BLACK)
DARK: Final = Ground(paper="#131416", surface="#1b1d20", towards=WHITE)


@dataclass(frozen=True, slots=True)
class Theme:
    """The operator's colours in one theme.

    Attributes:
        accent: behind text, as of buttons.
        hover: the same under the pointer.
        ink: text on both.
        soft: a breath of it behind dark text.
        link: the colour, or its nearest legible shade, as text and in charts.
    """

    accent: str
    hover: str
    ink: str
    soft: str
    link: str

    def style(self) -> str:
        """The declarations of a style sheet."""
        return (
            f"--accent:{self.accent};--accent-hover:{self.hover};--accent-ink:{self.ink};"
            f"--accent-soft:{self.soft};--link:{self.link}"
        )


def theme(colour: str, *, ground: Ground) -> Theme:
    """The theme of a colour, "#rrggbb"."""
    ink = WHITE if contrast(WHITE, colour) >= READABLE else BLACK
    return Theme(
        accent=colour,
        hover=mixed(colour, BLACK if ink == WHITE else WHITE, share=_HOVER_SHARE),
        ink=ink,
        soft=mixed(colour, ground.paper, share=_SOFT_SHARE),
        link=legible(colour, ground=ground),
    )


def legibility(colour: str, *, ground: Ground) -> float:
    """The least contrast that the colour has as text in its own theme."""
    return _least_contrast(colour, backs=_backs(colour, ground=ground))


def legible(colour: str, *, ground: Ground) -> str:
    """The colour, or the nearest one on its way to white or black that can be read as text."""
    backs = _backs(colour, ground=ground)
    share, found = 0.0, colour
    while _least_contrast(found, backs=backs) < READABLE:
        share += _STEP
        found = mixed(colour, ground.towards, share=share)
    return found


def _backs(colour: str, *, ground: Ground) -> tuple[str, ...]:
    """What text may stand on in the theme of a colour."""
    return ground.paper, ground.surface, mixed(colour, ground.paper, share=_SOFT_SHARE)


def _least_contrast(colour: str, *, backs: tuple[str, ...]) -> float:
    return min(contrast(colour, each) for each in backs)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21; WCAG 2.2, "contrast ratio"."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, other: str, *, share: float) -> str:
    """A colour with so much of the other in it, 0 to 1."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(each / 255) for each in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  # the formula of sRGB


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
