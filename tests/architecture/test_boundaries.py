"""What only one part may know: the system, the keyring, the toolkits, the HTTP library's errors.

The layers themselves are contracts of import-linter (`pyproject.toml`), as the page says.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib

import pytest

from tests.architecture.source import ROOT, imports, modules, tree

# Library -> the modules (with what is below them) that may import it.
ONLY = {
    "keyring": ("copilot_desktop.upstream.stores.system_keyring",),
    "webview": ("copilot_desktop.shell.window",),
    "pystray": ("copilot_desktop.shell.tray",),
    "PIL": ("copilot_desktop.shell.icons",),
    "gi": ("copilot_desktop.shell",),
    "qtpy": ("copilot_desktop.shell",),
    "PySide6": ("copilot_desktop.shell",),
    "jeepney": ("copilot_desktop.shell", "copilot_desktop.system"),
    "truststore": ("copilot_desktop.upstream.outgoing",),
    "filelock": ("copilot_desktop.control.instance", "copilot_desktop.integrations.carrying"),
    "platformdirs": ("copilot_desktop.system",),
}
HEAVY = ("keyring", "PIL", "pystray", "webview", "gi", "qtpy", "PySide6", "jeepney")
CLIENT_ERRORS = {
    *("ClientError", "ClientConnectionError", "ClientConnectorError", "ClientOSError"),
    *("ClientPayloadError", "ClientResponseError", "ServerDisconnectedError", "InvalidURL"),
    *("ServerTimeoutError", "ClientConnectorCertificateError", "TooManyRedirects"),
}


def below(module: str, parents: tuple[str, ...]) -> bool:
    return any(module == parent or module.startswith(f"{parent}.") for parent in parents)


@pytest.mark.parametrize("library", ONLY)
def test_a_library_is_known_in_one_place(library: str) -> None:
    users = {
        module
        for module, path in modules()
        if any(name.split(".")[0] == library for name in imports(tree(path)))
    }
    assert {module for module in users if not below(module, ONLY[library])} == set()


def test_only_the_system_package_asks_which_system_this_is() -> None:
    asking = {
        module
        for module, path in modules()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in {"sys.platform", "os.name"})
        or (isinstance(node, ast.ImportFrom | ast.Import) and "platform" in imports(node))
    }
    assert {module for module in asking if not below(module, ("copilot_desktop.system",))} == set()


def test_errors_of_the_http_client_end_in_the_upstream_package() -> None:
    allowed = (
        "copilot_desktop.upstream",
        "copilot_desktop.demo",  # a server of its own
        "copilot_desktop.proxy.controller",  # reaches itself once after each start
    )
    knowing = {
        module
        for module, path in modules()
        for node in ast.walk(tree(path))
        if (isinstance(node, ast.Attribute) and node.attr in CLIENT_ERRORS)
        or (isinstance(node, ast.Name) and node.id in CLIENT_ERRORS)
    }
    assert {module for module in knowing if not below(module, allowed)} == set()


def test_nothing_heavy_is_loaded_before_it_is_wanted() -> None:
    """`serve` and `--version` must not pay for a window or a keyring."""
    code = (
        "import sys\n"
        "import copilot_desktop.cli.headless, copilot_desktop.cli.facts\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


def test_the_fake_upstream_is_loaded_for_a_demo_only() -> None:
    eager = {
        module
        for module, path in modules()
        if not below(module, ("copilot_desktop.demo",))
        for node in tree(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.startswith("copilot_desktop.demo") for name in imports(node))
    }
    assert eager == set()


def test_the_fake_upstream_shares_no_code_with_what_it_checks() -> None:
    inside = ("copilot_desktop.demo",)
    shared = {
        f"{module}: {name}"
        for module, path in modules()
        if below(module, inside)
        for name in imports(tree(path))
        if below(name, ("copilot_desktop",)) and not below(name, inside)
    }
    assert shared == set()


def test_the_page_tells_the_layers_that_are_checked() -> None:
    recipe = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = recipe["tool"]["importlinter"]["contracts"][0]
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    _, _, told = page.partition("\n## Layers\n\n")
    rows = [line.strip() for line in told.split("\n\n")[0].splitlines()]
    assert [re.split(" {2,}", row)[0] for row in rows] == contract["layers"]


def test_no_task_is_started_and_forgotten() -> None:
    """A task that nobody holds may vanish, and its error with it."""
    forgotten = [
        f"{module}:{node.lineno}"
        for module, path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func).endswith(("create_task", "ensure_future"))
    ]
    assert forgotten == []


def test_each_module_opens_with_what_it_is() -> None:
    silent = {module for module, path in modules() if not ast.get_docstring(tree(path))}
    assert silent == set()
