"""`doctor`: looks at each part once, says what fails, and writes a report that names nobody.

The running app is asked first, since it has the proxy; without one the rest is looked at from here.
As JSON: `{checks, editors}`. A check has `id`, `level` (`ok`, `look`, `failed`), `words`, `fields`
and `action`, the word for what would help; an editor is a row of the snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copilot_desktop import strings
from copilot_desktop.atomic import create_file
from copilot_desktop.cli import DONE, FAILED, SIGNED_OUT, Ended, complain, say
from copilot_desktop.cli.account import core_alone, running_app
from copilot_desktop.cli.parser import Invocation
from copilot_desktop.core.settings import Preferences
from copilot_desktop.redaction import one_line

Json = Mapping[str, Any]


async def run(preferences: Preferences, invocation: Invocation) -> int:
    """0 if nothing failed, 1 if something did, 3 if only a sign-in is missing. Raises Ended."""
    wanted = bool(invocation.report)
    if (app := await running_app(preferences)) is not None:
        checks = (await app.do("diagnose"))["checks"]
        editors = (await app.state())["editors"]["rows"]
        report = (await app.do("report"))["text"] if wanted else ""
    else:
        async with core_alone(preferences, invocation) as core:
            found = await core.reports.look(alone=True)
            checks = [each.to_json(strings.words()) for each in found]
            editors = [row.to_json() for row in core.store.state.editors.rows]
            report = (await core.reports.make())[1] if wanted else ""
    if invocation.json:
        say(json.dumps({"checks": checks, "editors": editors}, indent=2))
    else:
        for line in lines(checks):
            say(line)
    if wanted:
        _write(Path(invocation.report), report)
        complain(strings.text("diagnostics.report.saved", path=invocation.report))
    return _code(checks)


def lines(checks: Sequence[Json]) -> list[str]:
    """One line for each check, and how many failed."""
    names = [strings.text(f"diagnostics.name.{each['id']}") for each in checks]
    levels = [strings.text(f"diagnostics.level.{each['level']}") for each in checks]
    wide, high = max(map(len, names), default=0), max(map(len, levels), default=0)
    told = [
        f"{level:{high}}  {name:{wide}}  {one_line(_said(each))}"
        for level, name, each in zip(levels, names, checks, strict=True)
    ]
    failed = sum(each["level"] == "failed" for each in checks)
    end = (
        strings.text("diagnostics.trouble", n=failed)
        if failed
        else strings.text("diagnostics.no_trouble")
    )
    return [*told, "", end]


def _said(check: Json) -> str:
    """In the terminal's language, whichever the running app speaks."""
    return strings.text(check["key"], **check["fields"]) if "key" in check else str(check["words"])


def _code(checks: Sequence[Json]) -> int:
    if any(each["level"] == "failed" for each in checks):
        return FAILED
    signed_out = any(each["id"] == "sign_in" and each["level"] == "look" for each in checks)
    return SIGNED_OUT if signed_out else DONE


def _write(path: Path, text: str) -> None:
    """A new file for the owner only. Raises Ended; nothing that exists is replaced."""
    try:
        create_file(path, text.encode())
    except OSError as error:
        raise Ended(f"The report could not be written to {path}: {error.strerror}.") from None
