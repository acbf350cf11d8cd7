"""Copilot Desktop: your own GitHub Copilot, answering on your own computer."""

__version__ = "0.1.0"
