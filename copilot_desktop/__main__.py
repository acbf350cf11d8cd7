"""`python -m copilot_desktop`."""

from copilot_desktop.cli import entry

if __name__ == "__main__":
    entry()
