"""What of an edit is masked when it is shown."""

from __future__ import annotations

from pathlib import Path

from copilot_desktop.integrations.edits import Put

FILE = Path("settings.json")


def test_a_secret_value_is_masked_as_a_whole() -> None:
    put = Put(FILE, "json", ("key",), "k-1", secret=True)
    assert put.secrets("k-1") == {"k-1"}
    assert put.secrets({"former": ["a", "", {"b": "c"}]}) == {"a", "c"}
    assert put.secrets(None) == put.secrets(3) == frozenset()


def test_only_what_stands_under_the_named_keys_is_masked() -> None:
    entry = {"name": "here", "apiKey": "k-1", "deeper": [{"apiKey": "k-2", "url": "u"}]}
    put = Put(FILE, "json", ("models",), entry, hidden=("apiKey",))
    assert put.secrets(entry) == {"k-1", "k-2"}
    assert put.secrets("text") == frozenset()


def test_nothing_is_masked_unless_told() -> None:
    assert Put(FILE, "json", ("url",), "u").secrets("u") == frozenset()
