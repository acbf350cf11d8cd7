"""The glyphs as pixels: told apart in one colour at every size, seen on every panel."""

from __future__ import annotations

import itertools

import pytest
from PIL import Image, ImageChops, ImageStat

from copilot_desktop.shell.icons import (
    DARK_INK,
    GLYPHS,
    LIGHT_INK,
    Glyph,
    application_icon,
    paint,
)

SIZES = (16, 20, 22, 24, 32, 48)
PANELS = {"light": "#F5F5F5", "dark": "#1E1E1E", "grey": "#808080"}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("outline", [None, DARK_INK])
def test_seven_glyphs_are_seven_shapes_in_one_colour(size: int, outline: str | None) -> None:
    on_panel = {}
    for glyph in GLYPHS:
        panel = Image.new("RGBA", (size, size), PANELS["dark" if outline is None else "grey"])
        panel.alpha_composite(paint(glyph, size, mono=True, outline=outline))
        on_panel[glyph] = panel.convert("L")
    for one, other in itertools.combinations(GLYPHS, 2):
        apart = ImageChops.difference(on_panel[one], on_panel[other])
        clearly = sum(apart.histogram()[64:])  # pixels that differ by a quarter of the range
        assert clearly >= size / 4, f"{one} and {other} look the same at {size} px"


@pytest.mark.parametrize("glyph", GLYPHS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("panel", PANELS)
def test_with_an_outline_every_glyph_is_seen_on_every_panel(
    glyph: Glyph, size: int, panel: str
) -> None:
    """As on Linux: drawn once, and made smaller by the panel."""
    empty = Image.new("RGBA", (size, size), PANELS[panel])
    shown = empty.copy()
    drawn = paint(glyph, 48, LIGHT_INK, outline=DARK_INK)
    shown.alpha_composite(drawn.resize((size, size), Image.Resampling.LANCZOS))
    difference = ImageChops.difference(shown.convert("L"), empty.convert("L"))
    assert ImageStat.Stat(difference).extrema[0][1] > 90
    assert sum(difference.histogram()[60:]) >= size


@pytest.mark.parametrize("glyph", GLYPHS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("ink", "panel"), [(LIGHT_INK, "dark"), (DARK_INK, "light")])
def test_every_glyph_is_sharp_in_the_ink_of_its_panel(
    glyph: Glyph, size: int, ink: str, panel: str
) -> None:
    """Lines are full, not smeared over their neighbours; and they stand out."""
    drawn = paint(glyph, size, ink)
    opacity = drawn.getchannel("A").histogram()
    assert sum(opacity[230:]) >= 0.2 * sum(opacity[12:])
    shown = Image.new("RGBA", (size, size), PANELS[panel])
    empty = shown.copy()
    shown.alpha_composite(drawn)
    apart = ImageChops.difference(shown.convert("L"), empty.convert("L"))
    assert sum(apart.histogram()[150:]) >= size


@pytest.mark.parametrize("glyph", GLYPHS)
def test_a_glyph_keeps_its_corners_clear(glyph: Glyph) -> None:
    drawn = paint(glyph, 32, outline=DARK_INK)
    assert drawn.mode == "RGBA"
    assert drawn.size == (32, 32)
    assert [drawn.getpixel(corner)[3] for corner in ((0, 0), (31, 0), (0, 31), (31, 31))] == [0] * 4


def test_only_the_mark_has_a_colour() -> None:
    def saturation(glyph: Glyph, *, mono: bool) -> int:
        panel = Image.new("RGBA", (32, 32), PANELS["grey"])
        panel.alpha_composite(paint(glyph, 32, mono=mono))
        hsv = panel.convert("RGB").convert("HSV")
        return int(hsv.getchannel("S").getextrema()[1])

    for glyph in ("running", "error", "low", "exhausted"):
        assert saturation(glyph, mono=False) > 100
        assert saturation(glyph, mono=True) < 60
    for glyph in ("stopped", "busy", "signin"):
        assert saturation(glyph, mono=False) < 60


def test_the_application_icon_is_a_picture_of_the_asked_size() -> None:
    assert application_icon(64).size == (64, 64)
