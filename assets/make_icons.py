"""Write the application icon in the sizes and formats that systems want, beside this file."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from copilot_desktop.shell.icons import application_icon  # noqa: E402

PNG_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = [(16, 16), (20, 20), (24, 24), (32, 32), (48, 48), (256, 256)]


def main() -> None:
    for size in PNG_SIZES:
        application_icon(size).save(HERE / f"icon-{size}.png", optimize=True)
    application_icon(256).save(HERE / "icon.ico", sizes=ICO_SIZES)
    application_icon(1024).save(HERE / "icon.icns")


if __name__ == "__main__":
    main()
