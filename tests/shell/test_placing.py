"""A window opens where it was, and never where nobody can take hold of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from copilot_desktop.core.last_run import Place
from copilot_desktop.shell.placing import MINIMUM, SIZE, opening


@dataclass
class Glass:
    x: int
    y: int
    width: int
    height: int


LAPTOP = Glass(0, 0, 1280, 800)
SECOND = Glass(1280, -200, 2560, 1440)


def test_the_first_window_has_the_usual_size_and_no_wish_where() -> None:
    first = opening(Place(), [LAPTOP])
    assert (first.width, first.height) == SIZE
    assert (first.x, first.y, first.maximized, first.screen) == (None, None, False, None)


@pytest.mark.parametrize(
    ("place", "screen"),
    [
        (Place(30, 40, 900, 600), LAPTOP),
        (Place(2000, -150, 900, 600), SECOND),
        (Place(1000, 100, 900, 600), SECOND),  # on both; more of it there
        (Place(-700, 100, 900, 600), LAPTOP),  # 200 px can still be taken hold of
    ],
)
def test_a_window_comes_back_where_it_was(place: Place, screen: Glass) -> None:
    again = opening(place, [LAPTOP, SECOND])
    assert (again.x, again.y, again.width, again.height) == (place.x, place.y, 900, 600)
    assert again.screen is screen


@pytest.mark.parametrize(
    "place",
    [
        Place(2000, 100, 900, 600),  # the second screen has gone
        Place(-850, 100, 900, 600),
        Place(100, -30, 900, 600),  # its title is above the edge
        Place(100, 790, 900, 600),
        Place(1200, 100, 900, 600),
    ],
)
def test_a_place_that_nobody_sees_is_given_up_but_not_the_size(place: Place) -> None:
    again = opening(place, [LAPTOP])
    assert (again.x, again.y, again.width, again.height) == (None, None, 900, 600)


def test_a_window_fits_the_screen_and_keeps_its_least_size() -> None:
    big = opening(Place(0, 0, 3000, 2000), [LAPTOP])
    assert (big.width, big.height) == (1280, 800)
    tiny = opening(Place(0, 0, 10, 10), [LAPTOP])
    assert (tiny.width, tiny.height) == tiny.least == MINIMUM


def test_on_a_small_screen_nothing_lies_beyond_its_edge() -> None:
    """As where all is twice as large: a laptop with 1366 × 768 then has half of that."""
    large = opening(Place(), [Glass(0, 0, 683, 384)])
    assert (large.width, large.height) == (683, 384)
    assert large.least == (683, 304)  # the rest is for the title and a panel
    docked = opening(Place(), [SECOND, Glass(0, 0, 683, 384)])
    assert docked.least == (683, 304)  # it may be moved there
    assert (docked.width, docked.height) == SIZE


def test_maximised_stays_maximised_and_without_screens_nothing_is_asked_for() -> None:
    again = opening(Place(5, 5, 900, 600, maximized=True), [])
    assert (again.x, again.y, again.maximized) == (None, None, True)
