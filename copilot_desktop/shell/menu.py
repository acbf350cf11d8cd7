"""The tray menu as a value: a pure, total function of the snapshot (`ui-design.md` §5.2).

Window and tray read the same snapshot and the same sentences, so they cannot disagree. This module
knows neither pystray nor how a verb is carried out; an item says which verb it stands for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from copilot_desktop.core.headline import spoken_percent
from copilot_desktop.proxy.config import own_address
from copilot_desktop.strings import Words

ROW_LIMIT = 60  # characters of a row
TOOLTIP_LIMIT = 127  # UTF-16 units that Windows shows
WEEK = 7 * 86_400  # seconds in which a weekday says which day is meant

Snapshot = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One row. `verb` is empty for rows that only tell something; `copies` is a text to copy.

    `checked` is None for rows that are no switch.
    """

    text: str
    verb: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    copies: str = ""
    default: bool = False
    checked: bool | None = None
    enabled: bool = True
    rows: tuple[Item, ...] = ()

    @property
    def is_separator(self) -> bool:
        return not self.text


SEPARATOR = Item("")


def menu_for(snapshot: Snapshot, words: Words) -> tuple[Item, ...]:
    """The rows of the menu, top to bottom."""
    proxy, signed_in = snapshot["proxy"], snapshot["auth"]["state"] == "signed_in"
    meters: Sequence[Mapping[str, Any]] = snapshot["usage"]["meters"] if signed_in else ()
    rows = [Item(clipped(headline_text(snapshot, words)), enabled=False)]
    if worst := worst_meter(meters):
        rows.append(Item(meter_text(worst, words), enabled=False))
    rows += _brake_rows(snapshot.get("brakes") or {}, words)
    rows += [SEPARATOR, Item(words.text("tray.open"), "show_window", default=True)]
    if snapshot["auth"]["state"] not in {"signed_in", "unknown", "checking"}:
        rows.append(Item(words.text("tray.sign_in"), "show_window", {"screen": "sign_in"}))
    rows += _proxy_rows(proxy, words)
    rows.append(SEPARATOR)
    if proxy["phase"] == "running":
        rows.append(Item(words.text("tray.copy"), rows=_addresses(proxy, words)))
    if meters:
        usage = [Item(meter_text(meter, words), enabled=False) for meter in meters]
        usage += [SEPARATOR, Item(words.text("tray.usage_refresh"), "refresh_quota")]
        rows.append(Item(words.text("tray.usage"), rows=tuple(usage)))
    if rows[-1] is not SEPARATOR:
        rows.append(SEPARATOR)
    rows.append(_login_row(snapshot["app"]["login_item"], words))
    rows.append(Item(words.text("tray.activity"), "show_window", {"screen": "activity"}))
    if version := (snapshot.get("update") or {}).get("version"):
        text = clipped(words.text("tray.update", version=version))
        rows.append(Item(text, "open_link", {"id": "downloads"}))
    rows += [SEPARATOR, Item(words.text("tray.quit"), "quit", {"ask": True})]
    return tuple(rows)


def _login_row(item: Mapping[str, Any], words: Words) -> Item:
    """What the system has switched off, only its own settings switch on again."""
    text, state = words.text("tray.start_at_login"), item["state"]
    if state == "blocked" and item["settings"]:
        return Item(text, "open_login_settings", checked=False)
    on = state == "on"
    return Item(text, "start_at_login", {"on": not on}, checked=on, enabled=state != "unknown")


def headline_text(snapshot: Snapshot, words: Words) -> str:
    """The one sentence that says how things are; the window's sidebar shows the same."""
    headline = snapshot["headline"]
    key, fields = f"headline.{headline['key']}", dict(headline["fields"])
    if "when" in fields:
        fields["when"] = spoken_time(fields["when"], words)
        if not fields["when"] and words.has(f"{key}_undated"):
            key += "_undated"
    if "meter" in fields:
        fields["meter"] = words.meter(str(fields["meter"]))
    return words.text(key, **fields)


def tooltip(snapshot: Snapshot, words: Words) -> str:
    """At most 127 UTF-16 units: Windows refuses more."""
    line = words.text("tray.tooltip", headline=headline_text(snapshot, words))
    while len(line.encode("utf-16-le")) // 2 > TOOLTIP_LIMIT:
        line = line[:-2].rstrip() + "…"
    return line


def meter_text(meter: Mapping[str, Any], words: Words) -> str:
    """One meter in one row; the word "used" always stands beside a percentage."""
    name, percent = words.meter(meter["name"]), meter["percent_used"]
    if meter["kind"] in {"included", "unmetered"}:
        return clipped(words.text("tray.meter_included", meter=name))
    if percent is None:
        return clipped(words.text("tray.meter_unknown", meter=name))
    p, when = spoken_percent(percent), spoken_time(meter["resets_at"], words)
    if not when:
        return fitted(name, lambda short: words.text("tray.meter", meter=short, p=p))
    return fitted(name, lambda short: words.text("tray.meter_resets", meter=short, p=p, when=when))


def worst_meter(meters: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The meter that is used up most, among those that have a number."""
    counted = [meter for meter in meters if meter["percent_used"] is not None]
    counted = [meter for meter in counted if meter["kind"] in {"metered", "window"}]
    return max(counted, key=lambda meter: float(meter["percent_used"]), default=None)


def spoken_time(when: object, words: Words, *, now: float | None = None) -> str:
    """`1787400000` as "Sat 14:20" within a week, else as "22 Aug"; empty if it is no moment.

    The names of days and months are the strings' own: those of the system could be in a language
    that the sentence around them is not.
    """
    if not isinstance(when, int | float):
        return ""
    try:
        moment = time.localtime(when)
    except (OverflowError, ValueError, OSError):
        return ""
    if 0 <= when - (time.time() if now is None else now) < WEEK:
        day = words.text(f"format.weekday.{moment.tm_wday}")
        return f"{day} {moment.tm_hour:02}:{moment.tm_min:02}"
    month = words.text(f"format.month.{moment.tm_mon}")
    return words.text("format.day_month", d=moment.tm_mday, month=month)


def clipped(text: str) -> str:
    return text if len(text) <= ROW_LIMIT else text[: ROW_LIMIT - 1].rstrip() + "…"


def fitted(name: str, row: Callable[[str], str]) -> str:
    """The row with as much of `name` as fits: the numbers behind it matter more."""
    excess = len(row(name)) - ROW_LIMIT
    if excess <= 0:
        return row(name)
    return clipped(row(name[: max(0, len(name) - excess - 1)].rstrip() + "…"))


def _brake_rows(brakes: Mapping[str, Any], words: Words) -> list[Item]:
    """What waits for the user, or for its turn. Decided in the window, where the reason stands."""
    rows = []
    for question in brakes.get("questions", ())[:1]:
        asking = clipped(words.text("tray.asking", client=question["client"]))
        rows.append(Item(asking, "show_window", {"screen": "overview"}))
    halt = brakes.get("halt")
    if halt and halt["reason"] == "warned":
        rows.append(Item(words.text("tray.resume"), "show_window", {"screen": "overview"}))
    if waiting := brakes.get("waiting"):
        rows.append(Item(words.text("tray.waiting", n=waiting), enabled=False))
    return rows


def _proxy_rows(proxy: Mapping[str, Any], words: Words) -> list[Item]:
    phase = proxy["phase"]
    busy = phase in {"starting", "stopping"}
    running = phase in {"running", "stopping"}
    row = (
        Item(words.text("tray.stop"), "stop_proxy", enabled=not busy)
        if running
        else Item(words.text("tray.start"), "start_proxy", enabled=not busy)
    )
    error = proxy["error"]
    if phase == "error" and error and error["kind"] == "port_taken":
        free = str(error["fields"].get("next", ""))
        if free.isdecimal():  # there may be no free port nearby
            use = words.text("tray.use_port", port=free)
            return [row, Item(use, "use_port", {"port": int(free)})]
    return [row]


def _addresses(proxy: Mapping[str, Any], words: Words) -> tuple[Item, ...]:
    base = own_address(proxy["host"], proxy["port"])
    rows = [
        Item(words.text("tray.copy_openai"), copies=f"{base}/v1"),
        Item(words.text("tray.copy_anthropic"), copies=base),
    ]
    if proxy["key_required"]:
        rows.append(Item(words.text("tray.copy_key"), "copy_key"))
    return tuple(rows)
