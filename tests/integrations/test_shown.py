"""What people are shown of a change: the exact lines, and no secret among them."""

from __future__ import annotations

import pytest

from copilot_desktop.integrations.shown import DOTS, GAP, lines_of, mask, masked


@pytest.mark.parametrize(
    "line",
    [
        '  "ANTHROPIC_AUTH_TOKEN": "hunter2-and-more-of-it",',
        "apiKey: 'hunter2-and-more-of-it'",
        "openai-api-key: hunter2-and-more-of-it",
        "export OPENAI_API_KEY=hunter2-and-more-of-it",
        "set -gx OPENAI_API_KEY hunter2-and-more-of-it",
        "$env:OPENAI_API_KEY = 'hunter2-and-more-of-it'",
        'http_headers = { Authorization = "hunter2-and-more-of-it" }',
        '"password": "hunter2-and-more-of-it"',
        "# sk-hunter2-and-more-of-it0123456789",
        "https://ada:hunter2-and-more-of-it@proxy.example",
        '"args": ["--api-key", "hunter2-and-more-of-it"]',
        "command: serve --token hunter2-and-more-of-it",
        '"tokens": ["hunter2-and-more-of-it"]',
        "DB_PASS=hunter2-and-more-of-it",
        '"passphrase": "hunter2-and-more-of-it"',
    ],
)
def test_what_sounds_like_a_secret_is_masked(line: str) -> None:
    assert "hunter2" not in masked(line, ())


@pytest.mark.parametrize(
    "line",
    [
        '  "max_tokens": 8192,',
        'env_key = "OPENAI_API_KEY"',
        '"ANTHROPIC_BASE_URL": "http://127.0.0.1:4141"',
        '"key_required": true',
        '"tokens": null,',
        "models:",
        '  "keys": [',
        '"bypass": "no", "compass": "north"',
    ],
)
def test_what_is_none_stays_legible(line: str) -> None:
    assert masked(line, ()) == line


def test_a_secret_in_capitals_is_not_taken_for_the_name_of_a_variable() -> None:
    assert "JBSWY3DP" not in masked('"totp_secret": "JBSWY3DPEHPK3PXP"', ())


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    assert masked("x = my-very-own-secret-1234", {"my-very-own-secret-1234"}) == f"x = {DOTS}1234"
    assert mask("short") == DOTS


def test_only_what_changes_is_shown_with_a_little_around_it() -> None:
    before = "\n".join(f"line {n}" for n in range(30))
    after = before.replace("line 3\n", "line three\n").replace("line 20\n", "")
    assert lines_of(before, after, ()) == (
        (" ", "line 1"), (" ", "line 2"), ("-", "line 3"), ("+", "line three"),
        (" ", "line 4"), (" ", "line 5"), (" ", GAP), (" ", "line 18"), (" ", "line 19"),
        ("-", "line 20"), (" ", "line 21"), (" ", "line 22"),
    )  # fmt: skip
    assert lines_of(before, before, ()) == ()


def test_a_long_text_is_compared_as_well_as_a_short_one() -> None:
    entry = ["{n}: [", "  1,", "  2", "],"]
    old = [line.replace("{n}", str(n)) for n in range(20_000) for line in entry]
    new = ["first", *old[:40_000], "added", *old[40_002:], "last"]
    signs = [
        (sign, line) for sign, line in lines_of("\n".join(old), "\n".join(new), ()) if sign != " "
    ]
    assert sorted(signs) == sorted(
        [("+", "first"), ("+", "added"), ("+", "last"), ("-", "10000: ["), ("-", "  1,")]
    )
    assert lines_of("x\n" * 50_000, "x\n" * 50_000 + "y\n", ()) == (
        (" ", "x"), (" ", "x"), ("+", "y")
    )  # fmt: skip


def test_of_a_long_line_the_part_that_changes_is_shown() -> None:
    before = '{"pad": "' + "x" * 5000 + '", "url": 1}'
    lines = lines_of(before, before.replace('"url": 1', '"url": 2'), ())
    assert [sign for sign, _ in lines] == ["-", "+"]
    assert all(len(text) < 500 for _, text in lines)
    assert lines[1][1].endswith('"url": 2}')


@pytest.mark.parametrize("piece", ["key", "token=", "a", "sk-", 'key:"', "-key-", "://"])
def test_no_line_makes_it_think_for_long(piece: str) -> None:
    """A line is somebody else's; a pattern that goes back and forth would outlast the test."""
    assert masked(piece * (300_000 // len(piece)), ())
