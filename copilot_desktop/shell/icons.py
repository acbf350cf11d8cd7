"""The seven tray glyphs and the application icon, drawn with Pillow; no image files are needed.

All glyphs differ in shape, so that they hold in one colour (`ui-design.md` §5.1): a ring on a
16-unit grid with a mark inside. Drawn at eight times the size and reduced, so that 16 px are sharp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Glyph = Literal["running", "stopped", "busy", "error", "signin", "low", "exhausted"]
GLYPHS: tuple[Glyph, ...] = (
    "running", "stopped", "busy", "error", "signin", "low", "exhausted",
)  # fmt: skip

LIGHT_INK = "#F0F2F5"  # for dark panels
DARK_INK = "#1C1E22"  # for light panels
_GREEN, _RED, _AMBER = "#35B870", "#EA5F56", "#E89E24"
_OVERSAMPLING = 8
_GRID = 16.0
_OUTLINE = 0.9  # grid units on each side of a line


@dataclass(frozen=True, slots=True)
class _Pen:
    """Draws on the 16-unit grid."""

    draw: ImageDraw
    scale: float
    ink: str
    stroke: float

    def arc(self, start: float, end: float) -> None:
        """Part of the ring, in degrees from three o'clock, clockwise."""
        radius = 7.0 - (7.0 - 6.25) * (self.stroke < 1.75)
        self.draw.arc(
            self._box(radius), start, end, fill=self.ink, width=round(self.stroke * self.scale)
        )

    def dot(self, radius: float, colour: str, y: float = 8.0) -> None:
        self.draw.ellipse(self._box(radius, y), fill=colour)

    def pie(self, radius: float, start: float, end: float, colour: str) -> None:
        self.draw.pieslice(self._box(radius), start, end, fill=colour)

    def bar(self, line: tuple[float, float, float, float], width: float, colour: str) -> None:
        points = [position * self.scale for position in line]
        self.draw.line(points, fill=colour, width=round(width * self.scale))

    def _box(self, radius: float, y: float = 8.0) -> tuple[float, float, float, float]:
        s = self.scale
        return ((8 - radius) * s, (y - radius) * s, (8 + radius) * s, (y + radius) * s)


def paint(
    glyph: Glyph,
    size: int = 32,
    ink: str = LIGHT_INK,
    *,
    mono: bool = False,
    outline: str | None = None,
) -> Image:
    """The glyph as a square RGBA picture. `mono` draws the mark in the ink, too (macOS).

    `outline` runs around all lines in a second colour: where nobody tells whether the panel is
    light or dark (Linux), one of the two always stands out.
    """
    from PIL import Image as Images  # noqa: PLC0415 - only a tray needs Pillow
    from PIL import ImageDraw as Draws  # noqa: PLC0415

    side = size * _OVERSAMPLING
    canvas = Images.new("RGBA", (side, side), (0, 0, 0, 0))
    stroke = 1.75 if size <= 20 else 1.5
    pen = _Pen(Draws.Draw(canvas), side / _GRID, ink, stroke)

    def coloured(colour: str) -> str:
        return ink if mono else colour

    match glyph:
        case "running":
            pen.arc(0, 360)
            pen.dot(2.75, coloured(_GREEN))
        case "stopped":
            pen.arc(0, 360)
        case "busy":
            pen.arc(0, 270)
            pen.dot(1.4, ink)
        case "error":
            pen.arc(0, 360)
            pen.bar((8, 4.3, 8, 8.5), 2.0, coloured(_RED))
            pen.dot(1.1, coloured(_RED), y=10.9)
        case "signin":
            for start in (18, 108, 198, 288):
                pen.arc(start, start + 54)
            pen.dot(1.6, ink)
        case "low":
            pen.arc(0, 360)
            pen.pie(4.1, 270, 360, coloured(_AMBER))
        case "exhausted":
            pen.arc(0, 360)
            pen.bar((3.6, 3.6, 12.4, 12.4), 1.75, coloured(_RED))
    if outline is not None:
        canvas = _outlined(canvas, outline, _OUTLINE * side / _GRID)
    return canvas.resize((size, size), Images.Resampling.LANCZOS)


def _outlined(picture: Image, colour: str, width: float) -> Image:
    """`picture` on a broader copy of itself in `colour`."""
    from PIL import Image as Images  # noqa: PLC0415
    from PIL import ImageFilter as Filters  # noqa: PLC0415

    blurred = picture.getchannel("A").filter(Filters.GaussianBlur(width / 2))
    # A blurred edge falls off over twice the radius; what is left of it there becomes solid.
    broader = blurred.point(lambda opacity: min(255, opacity * 6))
    below = Images.new("RGBA", picture.size, colour)
    below.putalpha(broader)
    return Images.alpha_composite(below, picture)


def application_icon(size: int = 256) -> Image:
    """The ring with two prongs, like a plug, on a rounded square."""
    from PIL import Image as Images  # noqa: PLC0415
    from PIL import ImageDraw as Draws  # noqa: PLC0415

    side = size * 4
    canvas = Images.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = Draws.Draw(canvas)
    unit = side / 64
    draw.rounded_rectangle(
        (2 * unit, 2 * unit, 62 * unit, 62 * unit), radius=14 * unit, fill="#1B1F24"
    )
    for x in (24, 40):
        draw.rounded_rectangle(
            ((x - 2.5) * unit, 9 * unit, (x + 2.5) * unit, 22 * unit),
            radius=2.5 * unit,
            fill=LIGHT_INK,
        )
    draw.ellipse((14 * unit, 18 * unit, 50 * unit, 54 * unit), fill="#1B1F24")
    draw.ellipse(
        (15 * unit, 19 * unit, 49 * unit, 53 * unit), outline=LIGHT_INK, width=round(4.5 * unit)
    )
    draw.ellipse((25 * unit, 29 * unit, 39 * unit, 43 * unit), fill=_GREEN)
    return canvas.resize((size, size), Images.Resampling.LANCZOS)
