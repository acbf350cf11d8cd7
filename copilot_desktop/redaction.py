"""One redactor for every text that leaves the process: logs, errors, reports.

It knows what GitHub's and Copilot's secrets look like (`upstream.md` §0.2, §2.3) and our own local
keys. It must never be asked whether something *is* a secret; it only takes out what looks like one.
Control characters are escaped, so that a client cannot forge log lines.
"""

from __future__ import annotations

import logging
import re

LOCAL_KEY = re.compile(r"cd-[A-Za-z0-9_-]{43}")  # 256 random bits, as `core.keys` makes them
_SECRETS = re.compile(
    r"""
      (?=[cgt])(?:               # not in a word, but behind an escape: JSON's and an address's
          (?<![a-z0-9]) | (?<=\\[bfnrt]) | (?<=\\u[0-9a-f]{4}) | (?<=\\x[0-9a-f]{2})
        | (?<=%[0-9a-f]{2})
      )(?:
          gh[opusr]_[A-Za-z0-9_]{8,}       # GitHub tokens
        | github_pat_[A-Za-z0-9_]{8,}
        | tid=[^\s"'<>]+                   # a Copilot token starts with its tracking id
        | cd-[A-Za-z0-9_-]{32,}            # our own local key
      )
    | (?<=[/\s"=])(?:                      # how all that stands before these ends
          (?<=://)[^\s/@"'<>]+(?=@)        # name and password in an address
        | (?<=bearer\s)[^\s"',;]{8,}
        | (?<=copilot-session-token:\s)[^\s"',;]{4,}
        | (?<="session_token":")[^"]+
        | (?<="session_token":\s")[^"]+
        | (?<=token\s)[^\s"',;]{20,}
        | (?<=x-api-key:\s)[^\s"',;]{4,}
        | (?<="device_code":")[^"]+
        | (?<="device_code":\s")[^"]+
        | (?<=device_code=)[^\s&"']+
      )
    """,
    re.VERBOSE | re.IGNORECASE,
)
# A signed token, as auto mode gives: three words between dots. A word is looked through once: what
# is relayed may be megabytes of beginnings.
_DOTTED = re.compile(r"(?<![\w-])[\w-]++(?=\.[\w-]{8,}+\.)")
_BEGINS = re.compile(
    r"(?:(?<![a-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4})|(?<=\\x[0-9a-f]{2})|(?<=%[0-9a-f]{2}))"
    r"eyJ[\w-]{8}",
    re.IGNORECASE,
)
_REST = re.compile(r"\.[\w-]+\.[\w-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x80-\x9f\u2028\u2029]")
MASK = "[secret]"


def redact(text: str) -> str:
    """`text` with everything that looks like a secret replaced by `[secret]`."""
    return _without_signed(_SECRETS.sub(MASK, text))


def _without_signed(text: str) -> str:
    parts, at = [], 0
    for word in _DOTTED.finditer(text):
        begin = _BEGINS.search(text, max(at, word.start()), word.end())
        rest = _REST.match(text, word.end()) if begin else None
        if begin is not None and rest is not None:
            parts += [text[at : begin.start()], MASK]
            at = rest.end()
    return "".join([*parts, text[at:]]) if parts else text


def one_line(text: str) -> str:
    """`text` without secrets and with control characters escaped: safe for one log line."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", redact(text))


class RedactingFormatter(logging.Formatter):
    """The only formatter in use. Tracebacks keep their lines, which are set in: an error's own
    text may hold line ends, and must not look like a record."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.getMessage())
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        text = self.formatMessage(record)
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            told = [f"    {one_line(line)}" for line in record.exc_text.split("\n")]
            text = "\n".join([text, *told])
        return text
