"""No text that leaves the process holds a secret, and nobody forges lines in the log."""

from __future__ import annotations

import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.redaction import MASK, RedactingFormatter, one_line, redact

SECRETS = (
    "ghu_abcdefgh12345678",
    "gho_abcdefgh12345678",
    "github_pat_11ABCDE_abcdefgh",
    "cd-" + "k" * 43,
    "tid=abc;exp=1;st=dotcom:0123abcd",
    "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3OCJ9.c2lnbmF0dXJl",
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around",
    [
        *("{}", "token {}", "key_{}", "KEY={}", '{{"token":"{}"}}', "https://x/?t={}&b=1", "«{}»"),
        *(r'"one:\n{}"', r"a\\t{} b", r'"\u003e{}"', r"line\x0a{}", "https://x/?q=t%3D{}"),
    ],
)
def test_secrets_are_taken_out_wherever_they_stand(secret: str, around: str) -> None:
    told = redact(around.format(secret))
    assert secret[4:] not in told
    assert MASK in told


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijk",
        "x-api-key: my-own-key",
        '"device_code":"3584d83530557f"',
        '{"session_token": "3584d83530557f"}',
        "Copilot-Session-Token: 3584d83530557f",
        '{"device_code": "3584d83530557f"}',
        "http://hana:3584d83530557f@proxy.example:3128",
        "client_id=Iv1.b507&device_code=3584d83530557f&grant_type=x",
    ],
)
def test_what_stands_behind_a_telling_name_is_a_secret(text: str) -> None:
    told = redact(text)
    assert MASK in told
    assert "3584d" not in told
    assert "grant_type" not in text or "grant_type=x" in told


@pytest.mark.parametrize(
    "text", ["The highs and lows", "cd-rom", "Model gpt-4.1 is not available."]
)
def test_plain_words_stay(text: str) -> None:
    assert redact(text) == text


# The rules one by one, in any order: `redact` asks first what several of them need.
APART = (
    r"(?:(?<![a-z0-9])|(?<=\\[bfnrt])|(?<=\\x[0-9a-f]{2})|(?<=%[0-9a-f]{2})|(?<=\\u[0-9a-f]{4}))"
)
RULES = (
    APART + r"gh[opusr]_[A-Za-z0-9_]{8,}",
    APART + r"github_pat_[A-Za-z0-9_]{8,}",
    APART + r"""tid=[^\s"'<>]+""",
    APART + r"cd-[A-Za-z0-9_-]{32,}",
    APART + r"eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    r"""(?<=://)[^\s/@"'<>]+(?=@)""",
    r"""(?<=bearer\s)[^\s"',;]{8,}""",
    r"""(?<=copilot-session-token:\s)[^\s"',;]{4,}""",
    r"""(?<="session_token":")[^"]+|(?<="session_token":\s")[^"]+""",
    r"""(?<=token\s)[^\s"',;]{20,}""",
    r"""(?<=x-api-key:\s)[^\s"',;]{4,}""",
    r"""(?<="device_code":")[^"]+|(?<="device_code":\s")[^"]+""",
    r"""(?<=device_code=)[^\s&"']+""",
)
PIECES = (
    "gho_", "github_pat_", "tid=", "cd-", "eyJ", ".", "://", "@", "Bearer ", "token ", "x-API-key:",
    "copilot-session-token: ", '"session_token":', '"device_code":', "device_code=", '"', "'", " ",
    "\n", "\\n", "\\", "%3d", "\\u003", "\u00a0", "\u017f", "\u212a", "a" * 8, "Z9_-" * 9, "0",
    ",", ";", "&", "/", "<", "é",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_each_rule_holds_wherever_the_others_stand(text: str) -> None:
    assert redact(text) == re.sub("|".join(RULES), MASK, text, flags=re.IGNORECASE)


def test_control_characters_are_escaped() -> None:
    assert one_line("a\r\n\x1b[31mb\u2028c\x00") == r"a\x0d\x0a\x1b[31mb\x2028c\x00"


def test_an_error_cannot_look_like_a_record() -> None:
    """An exception's own text may come from a client: line ends, escapes, secrets."""
    forged = "x\n2026-01-01 00:00:00 INFO app: all is well\x1b[2J ghu_abcdefgh12345678"
    try:
        raise ValueError(forged)
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, "f", 1, "broken", (), sys.exc_info())
    lines = RedactingFormatter("%(levelname)s %(message)s").format(record).split("\n")
    assert lines[0] == "ERROR broken"
    assert all(line.startswith("    ") for line in lines[1:])
    whole = "\n".join(lines)
    assert "all is well" in whole
    assert "\x1b" not in whole
    assert "ghu_" not in whole


def test_a_flood_of_beginnings_is_looked_through_once() -> None:
    """Each looked at to the end of all of them, this would take an hour, and the app with it."""
    flood = "-eyJ" * 500_000
    assert redact(flood) == flood
