"""Puts into wheel and source archive what they are made from, for `--version` and for reports.

The source archive carries it along, so a wheel that is built from one knows as much.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))

import origin

NAME = "build.json"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # files that change afterwards
            return
        root = Path(self.root)
        carried = root / NAME
        if carried.exists() and not (root / ".git").exists():
            text = carried.read_text(encoding="utf-8")
        elif found := origin.commit(root):
            told = {"commit": found, "date": origin.day(origin.epoch(root))}
            text = json.dumps(told) + "\n"
        else:
            return
        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name) / NAME
        file.write_text(text, encoding="utf-8")
        inside = f"copilot_desktop/_resources/{NAME}" if self.target_name == "wheel" else NAME
        build_data["force_include"][str(file)] = inside

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "_folder"):
            self._folder.cleanup()
