"""The first bytes of a picture decide what it is."""

from __future__ import annotations

import base64

import pytest

from copilot_desktop.pictures import picture_type


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_bytes_win_over_what_was_declared(head, kind):
    assert picture_type(base64.b64encode(head).decode(), "image/tiff") == kind


def test_unknown_bytes_keep_the_declared_type_in_its_usual_spelling():
    assert picture_type("AAAA", "image/jpg") == "image/jpeg"
    assert picture_type("AAAA", "image/PNG") == "image/png"
