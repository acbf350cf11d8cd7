"""Every module has a test that imports it, bears its name, or goes through its package's face."""

from __future__ import annotations

from tests.architecture.source import PACKAGE, ROOT, TESTS, imports, modules, tree

# Packages that are used, and therefore tested, as one thing. The pieces are free to change.
FACES = {
    "copilot_desktop.cli": "tests/cli/test_serve.py",
    "copilot_desktop.control": "tests/control/test_control_app.py",
    "copilot_desktop.demo": "tests/demo/test_wire_chat.py",
    "copilot_desktop.dialects.anthropic_messages": (
        "tests/dialects/anthropic_messages/test_parse.py"
    ),
    "copilot_desktop.dialects.ollama": "tests/conformance/test_ollama.py",
    "copilot_desktop.dialects.openai_chat": "tests/dialects/openai_chat/test_parse.py",
    "copilot_desktop.dialects.openai_completions": "tests/conformance/test_completions.py",
    "copilot_desktop.dialects.openai_responses": (
        "tests/dialects/openai_responses/test_responses_parse.py"
    ),
    "copilot_desktop.integrations.tools": "tests/contracts/test_integration.py",
    "copilot_desktop.integrations.formats": "tests/integrations/formats/test_text.py",
    "copilot_desktop.pi": "tests/clients/pi/test_same_story.py",
    "copilot_desktop.preparation": "tests/preparation/test_preparation.py",
    "copilot_desktop.upstream.quirks": "tests/upstream/quirks/test_chat.py",
    "copilot_desktop.upstream.stores": "tests/contracts/test_token_store.py",
}
# Tested through something that cannot be seen in an import. This list only shrinks.
THROUGH = {
    "copilot_desktop.__main__": "tests/cli/test_serve.py",
    "copilot_desktop.core.listening": "tests/core/test_core.py",
    "copilot_desktop.upstream.quota_headers": "tests/upstream/test_quota.py",
    "copilot_desktop.upstream.refusal": "tests/upstream/test_token.py",
    "copilot_desktop.upstream.single_flight": "tests/upstream/test_session.py",
}


def seen() -> set[str]:
    """Modules that a test imports or is named after."""
    named = set()
    imported = {name for path in TESTS.rglob("*.py") for name in imports(tree(path))}
    for module, path in modules():
        mirror = TESTS / path.relative_to(PACKAGE).with_name(f"test_{path.stem}.py")
        if mirror.exists() or module in imported:
            named.add(module)
    return named


def of_a_face(module: str) -> bool:
    return any(module == face or module.startswith(f"{face}.") for face in FACES)


def test_every_module_has_a_test() -> None:
    known = {module for module, _ in modules()}
    without = {module for module in known - seen() if not of_a_face(module)}
    assert without - THROUGH.keys() == set()
    assert THROUGH.keys() - without == set(), "take these off the list"


def test_what_stands_in_for_a_module_exists() -> None:
    for module, test in {**FACES, **THROUGH}.items():
        assert (ROOT / test).is_file(), f"{module}: {test}"
