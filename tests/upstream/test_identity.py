"""How we introduce ourselves, and what nobody can make us say."""

from __future__ import annotations

from copilot_desktop.upstream.identity import Identity


def spoken(**changes: object) -> dict[str, str]:
    arguments = {"intent": "conversation-agent", "initiator": "user", "request_id": "r-1"}
    return Identity().copilot_headers("secret-token", **(arguments | changes))


def test_exchange_mode_carries_what_copilot_insists_on() -> None:
    headers = spoken(vision=True)
    assert headers["Authorization"] == "Bearer secret-token"
    assert headers["Editor-Version"].startswith("vscode/")
    assert headers["Editor-Plugin-Version"].startswith("copilot-chat/")
    assert headers["Copilot-Integration-Id"] == "vscode-chat"
    assert headers["X-Initiator"] == "user"
    assert headers["X-Request-Id"] == "r-1"
    assert headers["Copilot-Vision-Request"] == "true"
    assert "Copilot-Vision-Request" not in spoken()


def test_no_telemetry_identity_is_invented() -> None:
    named = {name.lower() for name in spoken()}
    assert not named & {"vscode-sessionid", "vscode-machineid", "editor-device-id"}


def test_a_github_token_goes_without_editor_headers() -> None:
    headers = spoken(direct=True)
    assert headers["User-Agent"].startswith("copilot-desktop/")
    assert not headers.keys() & {"Editor-Version", "Copilot-Integration-Id"}


def test_a_model_entry_may_add_headers_but_not_take_over() -> None:
    headers = spoken(
        extra={
            "x-model-hint": "a",
            "x-github-api-version": "2026-01-01",
            "AUTHORIZATION": "Bearer other",
            "Host": "evil.example",
            "x-initiator": "agent",
            "x-broken": "a\r\nx-smuggled: 1",
            "Content-Encoding": "gzip",
            "Expect": "100-continue",
            "Upgrade": "h2c",
        }
    )
    assert headers["x-model-hint"] == "a"
    assert headers["X-GitHub-Api-Version"] == "2026-01-01"
    assert headers["Authorization"] == "Bearer secret-token"
    assert headers["X-Initiator"] == "user"
    assert "Host" not in headers
    assert "x-broken" not in headers
    assert headers.keys().isdisjoint({"Content-Encoding", "Expect", "Upgrade"})


def test_what_is_sent_and_understood_is_said_by_us_and_once() -> None:
    form = {"Accept": "application/json", "anthropic-version": "2023-06-01"}
    extra = {"ACCEPT": "text/html", "Anthropic-Version": "1", "x-a": "1", "X-A": "2"}
    headers = spoken(form=form, extra=extra)
    assert form.items() <= headers.items()
    assert len({name.lower() for name in headers}) == len(headers)
    assert headers["x-a"] == "2"
    assert spoken(form=form).items() == (spoken() | form).items()


def test_github_is_told_who_asks() -> None:
    headers = Identity().github_headers("gho_12345678")
    assert headers["Authorization"] == "token gho_12345678"
    assert headers["User-Agent"]
    assert Identity().sign_in_headers()["Accept"] == "application/json"
