"""What names a person, a computer or a company is taken out of a text that others will read.

Two ways together. What is known to be a name here (the account, this computer, the proxy) goes
wherever it stands. Beyond that everything goes that has the form of a host or an address, because a
log may hold names that nobody has told us: a word with dots that ends like a domain, a word with a
port, a share, an address of either kind. What is ours or says nothing stays: GitHub's own hosts,
loopback, versions, names of files of this program.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from copilot_desktop import redaction

COMPANY = "[company]"
_SHORTEST = 3  # characters of a name that can be taken out without breaking other words
_SHORTEST_GUESS = 4  # of a name that is only guessed to be a company's
_OWN_HOSTS = re.compile(
    r"(?:[a-z0-9-]+\.)*(?:github\.com|githubcopilot\.com|githubstatus\.com)", re.IGNORECASE
)
_HERE = re.compile(r"127\.[\d.]+|localhost|\[?::1?\]?|0\.0\.0\.0", re.IGNORECASE)
_PLACED = re.compile(r"\[[a-z ]+\]")  # one of our own words for a name
# These begin where a word does and nowhere inside it: a long one would be looked through for each
# of its characters.
_TENANT = re.compile(
    r"(?<![a-z0-9-])(?<![a-z0-9-]\.)[a-z0-9-]+(?:\.[a-z0-9-]+)*\.ghe\.com\b", re.IGNORECASE
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*")
_ADDRESS = re.compile(
    r"(://(?:\[secret\]@)?)(\[[0-9a-f:.]+(?:%\w+)?\]|[^\s/:@\"'<>,;)]+)", re.IGNORECASE
)
_NUMBERS = re.compile(r"\b(?!127\.|0\.0\.0\.0\b)(?:\d{1,3}\.){3}\d{1,3}\b")
_SIX = re.compile(
    r"(?<![\w:.])(?=[0-9a-f]*:)[0-9a-f:]{2,}(?:\.\d+)*(?:%\w+)?(?![\w])", re.IGNORECASE
)
_CARD = re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b", re.IGNORECASE)  # a network card's
_HOMES = re.compile(
    r"[A-Za-z]:[\\/]+Users[\\/]+[^\s/\\:\"']+(?: [^\s/\\:\"']+){1,3}(?=[\\/])"  # with blanks
    r"|(?:/home/|/Users/|[A-Za-z]:[\\/]+Users[\\/]+)[^\s/\\:\"']+"
)
_SHARE = re.compile(r"(?<![\w\\:])\\\\[^\s\\\"']+\\")
_DOTTED = re.compile(
    r"(?<![\w.-])(?:[^\W_](?:[\w-]*[^\W_])?\.)+(?:[^\W\d_]{2,}|xn--[a-z0-9-]+)\.?(?![\w-])",
    re.IGNORECASE,
)
_WITH_PORT = re.compile(r"(?<![\w./\[-])([a-z][a-z0-9-]*)(?=:\d{2,5}\b)", re.IGNORECASE)
# Endings of files; none of them is the end of a domain.
_FILES = re.compile(
    r"[\w-]+\.(?:json|js|css|html|txt|toml|csv|log|sqlite3|pem|png|svg|lock|broken|plist|desktop)",
    re.IGNORECASE,
)
_SOURCES = re.compile(r"[\w-]+\.py", re.IGNORECASE)
_OURS = re.compile(r"copilot_desktop(?:\.[a-z_]+)+")  # who writes into the log
_RAISED = re.compile(r"(?:\w+\.)+\w+(?:Error|Exception|Warning|Exit|Interrupt)")
# Parts of a host's name that say nothing about whose it is.
_COMMON = frozenset(
    {
        *("cloud", "company", "corp", "example", "home", "intern", "internal", "intranet", "lan"),
        *("local", "localdomain", "localhost", "network", "office", "private", "proxy", "server"),
    }
)


@dataclass(frozen=True, slots=True)
class Mask:
    """Takes out what names somebody. `names` are pairs of what to take out and what stands there
    instead; the longest first."""

    names: tuple[tuple[re.Pattern[str], str], ...] = field(default=())

    @classmethod
    def of(cls, names: Iterable[tuple[str, str]]) -> Mask:
        known = {name: instead for name, instead in names if len(name) >= _SHORTEST}
        longest_first = sorted(known.items(), key=lambda pair: -len(pair[0]))
        return cls(tuple((_whole(name), instead) for name, instead in longest_first))

    def __call__(self, text: str) -> str:
        """`text` with `[account]`, `[host]`, `[computer]`, `~` and so on in the place of names."""
        text = redaction.redact(text)
        text = _MAIL.sub("[mail]", text)
        text = self._without_names(text, of_companies=False)
        text = _HOMES.sub("~", text)
        text = _TENANT.sub("[host]", text)
        text = _ADDRESS.sub(lambda found: found[1] + _host(found[2]), text)
        text = _SHARE.sub(lambda _: "\\\\[host]\\", text)
        text = _CARD.sub("[address]", text)
        text = _SIX.sub(lambda found: _six(found[0]), text)
        text = _DOTTED.sub(_dotted, text)
        text = _WITH_PORT.sub(lambda found: _host(found[1]), text)
        text = _NUMBERS.sub("[address]", text)
        return self._without_names(text, of_companies=True)

    def _without_names(self, text: str, *, of_companies: bool) -> str:
        """A company's name is a part of its hosts' names, so it comes after them."""
        for pattern, instead in self.names:
            if (instead == COMPANY) is of_companies:
                text = pattern.sub(instead, text)
        return text


def company_in(host: str) -> str:
    """The part of a host's name that tells whose it is: `acme` of `proxy.acme.example`; or ""."""
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2 or all(label.isdigit() for label in labels):
        return ""
    name = labels[0] if host.lower().endswith(".ghe.com") else labels[-2]
    return name if len(name) >= _SHORTEST_GUESS and name not in _COMMON else ""


def _whole(name: str) -> re.Pattern[str]:
    """`name` where it is not a part of a longer word; a path of Windows also as errors quote it."""
    plain = r"[\\/]+".join(map(re.escape, name.split("\\")))
    return re.compile(rf"(?<![A-Za-z0-9]){plain}(?![A-Za-z0-9])", re.IGNORECASE)


def _host(host: str) -> str:
    kept = _OWN_HOSTS.fullmatch(host) or _HERE.fullmatch(host) or _PLACED.fullmatch(host)
    return host if kept else "[host]"


def _six(word: str) -> str:
    """Only what is an address: a time of day has colons, too."""
    try:
        found = ipaddress.IPv6Address(word.rstrip(":") if not word.endswith("::") else word)
    except ValueError:
        return word
    return word if found.is_loopback or found.is_unspecified else "[address]"


def _dotted(found: re.Match[str]) -> str:
    word, before = found[0], found.string[found.start() - 1 : found.start()]
    if _FILES.fullmatch(word) or _OURS.fullmatch(word) or _RAISED.fullmatch(word):
        return word
    if _SOURCES.fullmatch(word) and before in {"/", "\\"}:  # in a traceback
        return word
    dot = "." if word.endswith(".") else ""
    return _host(word.rstrip(".")) + dot
