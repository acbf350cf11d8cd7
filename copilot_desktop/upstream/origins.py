"""Which hosts we talk to, and the proof that a secret goes nowhere else.

The list is fixed: github.com, api.github.com, `*.githubcopilot.com` and the one GHE.com tenant the
user typed in, https only. An override by flag or environment must be on that list or be plain http
to an address of this machine; anything else stops the start. Addresses that arrive over the wire
(`endpoints.api`, `verification_uri`) are measured against the same list (`upstream.md` §1.5, §3).

Knows no token and sends nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from copilot_desktop.errors import BadSetting, UpstreamFault

PUBLIC = "github.com"
DEVICE_PATH = "/login/device"
GENERIC_COPILOT = "https://api.githubcopilot.com"

_TENANT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.ghe\.com")
_COPILOT_HOST = re.compile(r"(?:[a-z0-9-]+\.){0,3}githubcopilot\.com")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")


@dataclass(frozen=True, slots=True)
class Origins:
    """`host` ("github.com", the tenant, or the loopback address) names the account's home."""

    github: str
    api: str
    copilot: str | None
    host: str

    @classmethod
    def of(
        cls,
        *,
        host: str = PUBLIC,
        github: str | None = None,
        api: str | None = None,
        copilot: str | None = None,
    ) -> Origins:
        """Origins for a GitHub host as a person types it, with the three addresses overridable.

        With `github` overridden the API address follows it. Raises BadSetting naming the setting.
        """
        if github is None:
            home = known_host(host)
            github = f"https://{home}"
        else:
            github, home = _checked("GITHUB_URL", github, _is_github)
        if api is None:
            api = github if _loopback(github) else f"https://api.{home}"
        else:
            api, _ = _checked("GITHUB_API_URL", api, _is_api)
        if copilot is not None:
            copilot, _ = _checked("COPILOT_URL", copilot, _is_copilot)
        return cls(github, api, copilot, home)

    @property
    def device_page(self) -> str:
        """The only address that is ever shown for the device flow."""
        return self.github + DEVICE_PATH

    @property
    def copilot_default(self) -> str:
        """Where to find Copilot when no answer has named a place (`upstream.md` §3, rules 4, 5)."""
        if self.copilot:
            return self.copilot
        if _loopback(self.github):
            return self.api  # a rig that plays GitHub plays Copilot as well
        return f"https://copilot-api.{self.host}" if self.is_tenant else GENERIC_COPILOT

    @property
    def releases_api(self) -> str:
        """Where the versions of this app are told: at github.com, whatever GitHub the user has."""
        return self.api if _loopback(self.api) else f"https://api.{PUBLIC}"

    @property
    def is_tenant(self) -> bool:
        """A GHE.com tenant (data residency)."""
        return self.host.endswith(".ghe.com")

    @property
    def direct_first(self) -> bool:
        """GHE.com takes the GitHub token itself as the bearer; the exchange is second choice."""
        return self.is_tenant

    def pinned(self, url: str) -> str:
        """`url` without trailing slash, if a Copilot token may be sent there.

        Raises UpstreamFault for every other address: the token stays here.
        """
        found = _split(url)
        host = (found.hostname or "") if found else ""
        if found is None or not _acceptable(found):
            raise UpstreamFault("GitHub named an address for Copilot that cannot be used.")
        if found.scheme == "http":
            if self._on_this_machine and _loopback_host(host):
                return _joined(found)
        elif _is_copilot(host) and (not host.endswith(".ghe.com") or host == self._tenant_copilot):
            return _joined(found)
        raise UpstreamFault(f"GitHub named {host}, which is not a Copilot host.")

    def device_page_of(self, answered: str) -> str:
        """The address to show for a `verification_uri` GitHub sent (security rule 13).

        Raises UpstreamFault unless it is the known page. A rig on this machine may name GitHub's
        own page or one of its own.
        """
        given = answered.rstrip("/")
        if given == self.device_page:
            return given
        if _loopback(self.github):
            found = _split(given)
            own = found is not None and found.scheme == "http" and _loopback(given)
            if given == f"https://{PUBLIC}{DEVICE_PATH}" or (
                own and found is not None and found.path == DEVICE_PATH
            ):
                return given
        raise UpstreamFault("GitHub named an unknown address for the sign-in.")

    @property
    def _tenant_copilot(self) -> str:
        return f"copilot-api.{self.host}" if self.is_tenant else ""

    @property
    def _on_this_machine(self) -> bool:
        return any(_loopback(url) for url in (self.github, self.api, self.copilot or ""))


def known_host(typed: str) -> str:
    """`"https://Acme.GHE.com/x" -> "acme.ghe.com"`; BadSetting unless GitHub or a tenant."""
    text = typed.strip()
    found = _split(text if "://" in text else f"https://{text}")
    host = (found.hostname or "") if found else ""
    plain = found is not None and found.scheme == "https" and not _decorated(found)
    if not plain or not (host == PUBLIC or _TENANT.fullmatch(host)):
        raise BadSetting(
            fields={"name": "GitHub host", "reason": "only github.com and NAME.ghe.com are known"}
        )
    return host


def _checked(name: str, url: str, on_list: Callable[[str], bool]) -> tuple[str, str]:
    """The address and its host, or BadSetting in the name of the setting."""
    found = _split(url.strip())
    host = (found.hostname or "").lower() if found else ""
    if found is None or not host or not _acceptable(found):
        raise BadSetting(fields={"name": name, "reason": "it is not a plain http(s) address"})
    if found.scheme == "http":
        if _loopback_host(host):
            return _joined(found), _literal(host)
        reason = "plain http is allowed for addresses of this machine only"
        raise BadSetting(fields={"name": name, "reason": reason})
    if on_list(host):
        return _joined(found), host
    raise BadSetting(fields={"name": name, "reason": f"{host} is not one of GitHub's hosts"})


def _is_github(host: str) -> bool:
    return host == PUBLIC or bool(_TENANT.fullmatch(host))


def _is_api(host: str) -> bool:
    return host.startswith("api.") and _is_github(host.removeprefix("api."))


def _is_copilot(host: str) -> bool:
    if _COPILOT_HOST.fullmatch(host):
        return True
    return host.startswith("copilot-api.") and bool(
        _TENANT.fullmatch(host.removeprefix("copilot-api."))
    )


def _split(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        _ = found.port  # raises for a port that is none
    except ValueError:
        return None
    return found


def _decorated(found: SplitResult) -> bool:
    return "@" in found.netloc or found.port is not None


def _acceptable(found: SplitResult) -> bool:
    """No user name, query or fragment; a port and a path only on this machine."""
    if found.scheme not in {"http", "https"} or "@" in found.netloc or not found.hostname:
        return False
    if found.query or found.fragment or not _PATH.fullmatch(found.path) or ".." in found.path:
        return False
    return found.scheme == "http" or (found.port in (None, 443) and found.path in ("", "/"))


def _joined(found: SplitResult) -> str:
    """The address in one spelling. `localhost` becomes a literal, so no resolver is asked."""
    host = _literal(found.hostname or "")
    host = f"[{host}]" if ":" in host else host
    port = "" if found.port is None or found.scheme == "https" else f":{found.port}"
    return f"{found.scheme}://{host}{port}{found.path.rstrip('/')}"


def _literal(host: str) -> str:
    return "127.0.0.1" if host.lower() == "localhost" else host.lower()


def _loopback_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(_literal(host)).is_loopback
    except ValueError:
        return False


def _loopback(url: str) -> bool:
    found = _split(url)
    return found is not None and _loopback_host(found.hostname or "")
