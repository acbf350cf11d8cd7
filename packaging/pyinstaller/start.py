"""What the built program runs first."""

from copilot_desktop.cli import entry

entry()
