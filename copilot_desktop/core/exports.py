"""The list of requests as a file for a spreadsheet.

The file goes to where people look for downloads, under a name of its own that replaces nothing. A
cell that a spreadsheet would take for a formula is marked as text: names of clients and models come
from whoever sent them.
"""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from copilot_desktop.atomic import create_file, sweep
from copilot_desktop.core.ledger import counts_for
from copilot_desktop.proxy.exchange import Exchange

COLUMNS = (
    "time", "client", "format", "model_asked", "model_used", "route", "status", "outcome", "held",
    "streamed", "initiator", "input_tokens", "output_tokens", "cache_tokens", "credits",
    "multiplier", "first_ms", "took_ms", "notes", "error", "request_id",
)  # fmt: skip
# Also behind a semicolon: where the comma is for decimals, spreadsheets end a cell there, and know
# no quotes within one, so that a line ends there as well.
_FORMULA = re.compile(r'(^|[;\r\n][\s"]*)(?=[=+\-@\t\r])')
_TRIES = 100


def write(exchanges: Iterable[Exchange], folder: Path, *, now: float | None = None) -> Path:
    """A new file in `folder` with one line for each exchange. Raises OSError."""
    content = as_csv(exchanges).encode("utf-8-sig", "replace")  # spreadsheets ask for the mark
    return write_new(content, folder, "copilot-desktop", ".csv", now=now)


def write_new(
    content: bytes, folder: Path, name: str, ending: str, *, now: float | None = None
) -> Path:
    """A file for the owner only, under `name`, the day and perhaps a number. Raises OSError.

    What a kill has left of an earlier one in `folder` is deleted.
    """
    sweep(folder)
    day = time.strftime("%Y-%m-%d", time.localtime(now))
    for number in range(1, _TRIES):
        path = folder / f"{name}-{day}{f'-{number}' if number > 1 else ''}{ending}"
        try:
            create_file(path, content)
        except FileExistsError:
            continue
        return path
    raise FileExistsError


def as_csv(exchanges: Iterable[Exchange]) -> str:
    """With a line of names; times in UTC, empty where nothing is known."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for exchange in exchanges:
        table.writerow([_cell(value) for value in _row(exchange)])
    return out.getvalue()


def _row(each: Exchange) -> tuple[Any, ...]:
    usage = each.usage
    return (
        datetime.fromtimestamp(each.at, UTC).isoformat(timespec="milliseconds"),
        each.client, each.dialect, each.model_asked, each.model_used, each.route, each.status,
        each.outcome, each.held, each.stream, each.initiator,
        usage.total_input if usage else None, usage.output if usage else None,
        usage.cache_read if usage else None, each.credits, counts_for(each), each.first_ms,
        each.took_ms, "; ".join(each.notes), each.error, each.request_id,
    )  # fmt: skip


def _cell(value: Any) -> Any:
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
