"""The home folder of a demo: a few editors that seem to be there, with settings as people have.

The demo shows real previews of real files, and none of them is the user's.
"""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.system.files import write_private

_FILES = {
    ".claude/settings.json": '{\n  "theme": "dark",\n  "env": {\n    "EDITOR": "vi"\n  }\n}\n',
    ".config/opencode/opencode.json": (
        '{\n  "$schema": "https://opencode.ai/config.json",\n'
        '  // how I like it\n  "autoupdate": false\n}\n'
    ),
    ".continue/config.yaml": "# my models\nname: Mine\nversion: 1.0.0\nschema: v1\nmodels: []\n",
    ".config/zed/settings.json": '// Zed settings\n{\n  "vim_mode": true\n}\n',
    ".codex/config.toml": '# kept by hand\napproval_policy = "on-request"\n',
}


def make(home: Path) -> None:
    """Fill the folder, unless there is one from an earlier demo. Raises OSError."""
    if home.exists():
        return
    for path, text in _FILES.items():
        write_private(home / path, text.encode())
