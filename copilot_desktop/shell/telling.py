"""A notification as two short texts: what `core.alerts` found, in words that fit.

Pure. Windows shows 63 and 255 UTF-16 units and cuts the rest, so a long name gives way and the
numbers behind it stay. A name is what somebody else chose, so it is looked through for secrets.
Clicking cannot be relied on: each text is enough by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from copilot_desktop import strings
from copilot_desktop.core.alerts import Alert
from copilot_desktop.core.headline import spoken_percent
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.redaction import redact
from copilot_desktop.shell.menu import spoken_time
from copilot_desktop.strings import Words

if TYPE_CHECKING:
    from copilot_desktop.core.verbs import Outcome

TITLE_LIMIT, BODY_LIMIT = 63, 255  # UTF-16 units


def told(alert: Alert, words: Words) -> tuple[str, str]:
    """Title and body."""
    fields = {
        name: "" if value is None else redact(str(value)) for name, value in alert.fields.items()
    }
    if "p" in alert.fields:
        fields["p"] = str(spoken_percent(float(alert.fields["p"])))
    fields["when"] = spoken_time(alert.fields.get("when"), words)
    fields["left"] = _amount(alert.fields.get("left"), words)
    if "meter" in fields:
        fields["meter"] = words.meter(fields["meter"])
    key = f"notification.{alert.id}"
    body = f"{key}.body"
    if (alert.id, fields.get("kind")) == ("exhausted", "window"):
        body = "banner.session_limit.body"  # it stops the included models, too
    for lacking, name in (("when", "undated"), ("left", "uncounted")):
        if not fields[lacking] and words.has(f"{body}_{name}"):
            body = f"{body}_{name}"
    return (
        _fitted(fields, lambda given: words.text(f"{key}.title", **given), TITLE_LIMIT),
        _fitted(fields, lambda given: words.text(body, **given), BODY_LIMIT),
    )


def reason(outcome: Outcome, language: str) -> str:
    """Why what was pressed did not happen. In English the sentence of the app says more."""
    words, key = strings.words(language), f"problem.{outcome.code}.title"
    own = outcome.code == InvalidRequest.kind or language == "en" or not words.has(key)
    return outcome.message if own else words.text(key, **outcome.fields)


def clipped(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units."""
    if _units(text) <= limit:
        return text
    while _units(text) > limit - 1:
        text = text[:-1]
    return text.rstrip() + "…"


def _fitted(fields: dict[str, str], say: Callable[[dict[str, str]], str], limit: int) -> str:
    """The sentence with as much of its names as fits."""
    given = dict(fields)
    for name in ("meter", "client", "holder"):
        while name in given and _units(say(given)) > limit and len(given[name]) > 1:
            given[name] = given[name].removesuffix("…")[:-1].rstrip() + "…"
    return clipped(say(given), limit)


def _amount(left: object, words: Words) -> str:
    if not isinstance(left, int | float) or not math.isfinite(left):
        return ""
    return words.number(left, 0 if left >= 10 or left == round(left) else 1)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
