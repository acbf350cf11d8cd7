"""The same value however it is given, or one reason in words without the value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copilot_desktop.core import forms
from copilot_desktop.core.forms import Form

PLACE = Path("place")


@pytest.mark.parametrize(
    ("form", "given", "kept"),
    [
        (forms.switch(), "Yes", True),
        (forms.switch(), "off", False),
        (forms.switch(), 1, True),
        (forms.whole(0, 9), " 7 ", 7),
        (forms.whole(0, 9), "7.0", 7),
        (forms.whole(0, 9), 7.0, 7),
        (forms.number(9), "7", 7.0),
        (forms.number(9), 7, 7.0),
        (forms.number(9, least=0), "0", 0.0),
        (forms.one_of("a", "b"), " A ", "a"),
        (forms.path(), "place", PLACE),
        (forms.path(), PLACE, PLACE),
        (forms.path(), "~/x", Path("~/x")),
        (forms.listed(forms.whole(0, 9)), "1, 2,", (1, 2)),
        (forms.listed(forms.whole(0, 9)), [1, "2"], (1, 2)),
        (forms.paired(), "a=b, c = d=e", {"a": "b", "c": "d=e"}),
        (forms.paired(), {"a": "b"}, {"a": "b"}),
        (forms.either(forms.switch(), forms.one_of("last")), "LAST", "last"),
        (forms.either(forms.switch(), forms.one_of("last")), "no", False),
        (forms.maybe(forms.path()), None, None),
    ],
)
def test_whoever_gives_it_means_the_same(form: Form, given: object, kept: object) -> None:
    found = form.read(given)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("form", "given", "reason"),
    [
        (forms.switch(), "perhaps", "give true or false"),
        (forms.switch(), 2, "give true or false"),
        (forms.whole(1, 9), "seven", "give a whole number"),
        (forms.whole(1, 9), 7.5, "give a whole number"),
        (forms.whole(1, 9), True, "give a whole number"),
        (forms.whole(1, 9), "9" * 5000, "give a whole number"),
        (forms.whole(1, 9), 0, "give a number from 1"),
        (forms.whole(1, 9), "10", "give a number up to 9"),
        (forms.number(9), "nan", "give a number"),
        (forms.number(9), 10**400, "give a number"),
        (forms.number(9), b"7", "give a number"),
        (forms.number(9), 0, "give a number above 0"),
        (forms.number(9, least=0), -1, "give a number from 0"),
        (forms.number(9), float("inf"), "give a number"),
        (forms.one_of("a", "b", "c"), "d", "give 'a', 'b' or 'c'"),
        (forms.one_of("a", "b"), 5, "give 'a' or 'b'"),
        (forms.text("[a-z]+"), "a\n", forms.ODD),
        (forms.text(longest=2), "", forms.ODD),
        (forms.text(), "\ud800", forms.ODD),
        (forms.text(), None, forms.ODD),
        (forms.path(), 5, forms.ODD),
        (forms.path(), "", "give a path"),
        (forms.path(), " ", "give a path"),
        (forms.path(), "a\0b", forms.ODD),
        (forms.path(), "\ud800", forms.ODD),
        (forms.path(), "~nobody-of-that-name/x", "there is no such home folder"),
        (forms.listed(forms.text()), 5, forms.ODD),
        (forms.listed(forms.whole(0, 9)), "1, x", "give a whole number"),
        (forms.paired(), "fast", "give pairs such as fast=gpt-4.1"),
        (forms.paired(), {"a": 1}, forms.ODD),
        (forms.paired(), [], forms.ODD),
        (forms.either(forms.switch(), forms.one_of("last")), "first", "give true or false"),
    ],
)
def test_what_does_not_fit_is_said_in_words(form: Form, given: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r"\S") as caught:
        form.read(given)
    assert str(caught.value) == reason
