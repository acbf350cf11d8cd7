"""How this app introduces itself to GitHub and Copilot.

The token exchange belongs to GitHub's own editor app, so calls made with an exchanged token carry
that editor's headers (`upstream.md` §1.3, §4.1); telemetry ids are left out, because inventing them
would be faking. A GitHub token used directly as the bearer goes without editor headers (§2.6).
Headers are built from nothing: no header of a client is ever copied (security rule 15).

All version constants live here and are settings; they are never fetched (§4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copilot_desktop import __version__

# Headers that decide where a request goes, how it is framed, or who pays; no model entry may set
# them.
_OURS = frozenset({
    "accept-encoding", "authorization", "connection", "content-encoding", "content-length",
    "content-type", "cookie", "expect", "host", "keep-alive", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-initiator",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """Defaults of `upstream.md` §1.3 and §4.3. `scope` is all that a sign-in asks for."""

    client_id: str = "Iv1.b507a08c87ecfe98"
    scope: str = "read:user"
    editor_version: str = "vscode/1.116.0"
    plugin_version: str = "copilot-chat/0.44.1"
    user_agent: str = "GitHubCopilotChat/0.44.1"
    copilot_api_version: str = "2025-10-01"
    github_api_version: str = "2025-04-01"
    integration_id: str = "vscode-chat"

    def sign_in_headers(self) -> dict[str, str]:
        """For the device flow. Without `Accept` GitHub answers form-encoded."""
        return {"Accept": "application/json", "User-Agent": self.user_agent}

    def github_headers(self, token: str) -> dict[str, str]:
        """For api.github.com, which refuses requests without a User-Agent."""
        return {
            "Authorization": f"token {token}",
            "Accept": "application/json",
            "User-Agent": self.user_agent,
            "Editor-Version": self.editor_version,
            "Editor-Plugin-Version": self.plugin_version,
            "X-GitHub-Api-Version": self.github_api_version,
        }

    def copilot_headers(
        self,
        token: str,
        *,
        intent: str,
        initiator: str,
        vision: bool = False,
        request_id: str,
        extra: Mapping[str, str] | None = None,
        form: dict[str, str] | None = None,
        direct: bool = False,
    ) -> dict[str, str]:
        """For the model API, each name once. `extra` comes from the catalogue and may not replace
        what is ours, nor `form`, which says what is sent and what is understood.

        `direct`: `token` is a GitHub token, not an exchanged one.
        """
        headers = {
            "Authorization": f"Bearer {token}",
            "OpenAI-Intent": intent,
            "X-Initiator": initiator,
            "X-Request-Id": request_id,
        }
        if direct:
            headers["User-Agent"] = f"copilot-desktop/{__version__}"
        else:
            headers |= {
                "User-Agent": self.user_agent,
                "Editor-Version": self.editor_version,
                "Editor-Plugin-Version": self.plugin_version,
                "Copilot-Integration-Id": self.integration_id,
                "X-GitHub-Api-Version": self.copilot_api_version,
            }
        if vision:
            headers["Copilot-Vision-Request"] = "true"
        return _with(headers, extra, form or {}) if extra else headers | (form or {})


def _with(
    headers: dict[str, str], extra: Mapping[str, str], form: dict[str, str]
) -> dict[str, str]:
    """`extra` wins over equal names in any case, except over `form` and `_OURS`; odd values are
    left out."""
    spelled = {name.lower(): name for name in headers}
    ours = _OURS.union(name.lower() for name in form)
    for name, value in extra.items():
        if name.lower() not in ours and value.isascii() and value.isprintable():
            headers[spelled.setdefault(name.lower(), name)] = value
    return headers | form
