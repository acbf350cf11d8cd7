"""What can be typed: commands, flags, help. Knows words, not what they do."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from copilot_desktop.cli.examples import examples

DEFAULT_SCENARIO = "pro"
SWITCHES = ("all", "check", "dry_run", "leave", "lines", "start", "test", "update", "yes")
KEY_LIMITS = ("models", "max_effort", "credits", "requests", "stop", "no_budget")

_DESCRIPTION = """\
Use your own GitHub Copilot from any editor or agent: a window, a tray icon and a local proxy that
answers in the OpenAI and Anthropic formats. Unofficial; not made or supported by GitHub."""

_EPILOGUE = """\
Without a command the window opens; without a screen it serves as with `serve`.
Every setting can also be given as an environment variable COPILOT_DESKTOP_<NAME> or in the
settings file; flags win, then the environment, then the file.
Exit codes: 0 done, 1 failed, 2 not understood, 3 nobody is signed in, 130 interrupted."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One command line. `flags` are settings by name, only those that were given."""

    command: str = "desktop"
    flags: Mapping[str, Any] = field(default_factory=dict)
    demo: str | None = None
    hidden: bool = False
    json: bool = False
    browser: bool = True
    action: str = ""
    model: str = ""
    accept_terms: bool = False
    account: str = ""
    server: str = ""
    days: int = 30
    by: str = "client"
    report: str = ""
    follow: bool = False
    level: str = "debug"
    key: str = ""
    to: str = ""
    limits: Mapping[str, Any] = field(default_factory=dict)
    tool: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)  # role to model; "" is the first role
    words: tuple[str, ...] = ()  # for the tool that is started
    shell: str = ""
    options: frozenset[str] = frozenset()  # the plain switches of connect, disconnect and run


def read(arguments: Sequence[str]) -> Invocation:
    """Exits with code 2 and a usage line if the words cannot be understood."""
    # A bare `--demo` must not swallow the command behind it.
    spelled = [f"--demo={DEFAULT_SCENARIO}" if word == "--demo" else word for word in arguments]
    found = vars(parser(next(iter(spelled), "")).parse_args(spelled))
    theirs = len(arguments) - len(found.pop("words", ()))
    while found.get("command") == "run" and arguments[theirs - 1] == "--":
        theirs -= 1  # argparse takes it for the end of our flags, but the tool's name was that
    return Invocation(
        command=found.pop("command", None) or "desktop",
        demo=found.pop("demo", None),
        hidden=found.pop("hidden", False),
        json=found.pop("json", False),
        browser=found.pop("browser", True),
        action=found.pop("action", None) or "",
        model=found.pop("model", ""),
        accept_terms=found.pop("accept_terms", False),
        account=found.pop("account", ""),
        server=found.pop("server", ""),
        days=found.pop("days", 30),
        by=found.pop("by", "client"),
        report=found.pop("report", ""),
        follow=found.pop("follow", False),
        level=found.pop("level", "debug"),
        key=found.pop("key", ""),
        to=found.pop("to", ""),
        limits={name: found.pop(name) for name in KEY_LIMITS if name in found},
        tool=found.pop("tool", None) or "",
        chosen=dict(found.pop("chosen", ())),
        # As they were typed: a tool may have a flag of the same name.
        words=tuple(arguments[theirs:]),
        shell=found.pop("shell", ""),
        options=frozenset(name for name in SWITCHES if found.pop(name, False)),
        flags=found,
    )


def parser(first: str = "") -> argparse.ArgumentParser:
    """Everything that can be typed; `docs/commands.md` is compared with it.

    `first` is the first word of a line: where it is a command, the others cannot be meant and are
    not made, which is the better part of the work.
    """
    shared = _shared_flags()
    layout = argparse.RawDescriptionHelpFormatter
    whole = argparse.ArgumentParser(
        prog="copilot-desktop",
        description=_DESCRIPTION,
        epilog=_EPILOGUE,
        formatter_class=layout,
        parents=[shared],
        allow_abbrev=False,
    )
    _add_flags_of_the_window(whole)
    commands = whole.add_subparsers(
        dest="command", metavar="command", title="commands", parser_class=_Command
    )
    known = _commands(shared)
    for name in (first,) if first in known else known:
        words, fill = known[name]
        made = commands.add_parser(
            name,
            help=words,
            description=words,
            epilog=examples(name),
            parents=[shared],  # type: ignore[list-item]  # only its flags are taken
            formatter_class=layout,
            allow_abbrev=False,
        )
        for add in fill:
            add(made)
    return whole


class _Command(argparse.ArgumentParser):
    """Refuses by itself what it does not know, so that the usage of this command is shown."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


_Add = Callable[[argparse.ArgumentParser], None]


def _commands(shared: argparse.ArgumentParser) -> dict[str, tuple[str, tuple[_Add, ...]]]:
    """What each command does, in words, and what adds its flags; in the order of the help."""
    accounts = partial(_add_account_actions, shared=shared)
    keys, models = (
        partial(_add_key_actions, shared=shared),
        partial(_add_model_actions, shared=shared),
    )
    return {
        "serve": ("run the proxy without a window, until SIGTERM or Ctrl-C", ()),
        "login": ("sign in to GitHub with a code and keep the sign-in", (_add_login,)),
        "logout": ("delete the stored sign-in of the account in use", ()),
        "accounts": ("the accounts that are signed in here", (accounts,)),
        "connect": (
            "let an editor or agent use this proxy; without one: the list",
            (_add_connect,),
        ),
        "disconnect": ("take back what was written for an editor or agent", (_add_disconnect,)),
        "run": ("start an agent with the right settings and touch no file", (_add_run,)),
        "env": (
            "lines that tell a shell's programs the address and the key",
            (partial(_add_shells, more=("cmd",)),),
        ),
        "completions": ("a script that lets a shell complete these commands", (_add_shells,)),
        "autostart": ("start the app when you log in to this computer", (_add_autostart,)),
        "resume": ("send again after GitHub's warning has paused it", ()),
        "keys": ("local keys with names, and their limits", (keys,)),
        "status": ("who is signed in, and whether the proxy runs (no network)", (_add_json,)),
        "models": ("the models of your Copilot", (_add_json, models)),
        "quota": ("how much is used and left", (_add_json,)),
        "doctor": ("look at each part once and say what fails", (_add_doctor,)),
        "usage": ("what this app has used (no network)", (_add_usage,)),
        "logs": ("the latest lines of the log (no network)", (_add_logs,)),
        "version": ("what exactly this is, and whether there is a newer one", (_add_version,)),
        "remove-everything": ("undo and delete all that the app has written", (_add_removal,)),
    }


def _add_flags_of_the_window(whole: argparse.ArgumentParser) -> None:
    whole.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS,
        help="say what exactly this is, and exit",
    )  # fmt: skip
    whole.add_argument(
        "--hidden", action="store_true", default=argparse.SUPPRESS,
        help="start in the tray, without showing the window",
    )  # fmt: skip


class _Version(argparse.Action):
    """Reads the disk only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from copilot_desktop.cli.version import tell  # noqa: PLC0415

        tell()
        parser.exit()


def _add_version(version: argparse.ArgumentParser) -> None:
    _add_switch(version, "--check", "ask the releases page, at most once a day")
    _add_json(version)


def _add_removal(removal: argparse.ArgumentParser) -> None:
    _add_switch(removal, "--dry-run", "only say what would be deleted")
    _add_switch(removal, "--yes", "delete it without asking")


def _add_login(login: argparse.ArgumentParser) -> None:
    login.add_argument(
        "--no-browser", dest="browser", action="store_false", default=argparse.SUPPRESS,
        help="do not open the browser; only print the address",
    )  # fmt: skip
    login.add_argument(
        "--server", metavar="NAME", default=argparse.SUPPRESS,
        help="sign in there: github.com, or your company's NAME.ghe.com",
    )  # fmt: skip


def _add_connect(connect: argparse.ArgumentParser) -> None:
    connect.add_argument("tool", metavar="TOOL", nargs="?", help="its name in the list")
    _add_chosen(connect)
    for flag, words in (
        ("--dry-run", "only show what would be written"),
        ("--yes", "write it without asking"),
        ("--test", "ask one tiny question through the proxy afterwards; it uses one request"),
        ("--lines", "print what to write, to do it by hand; the key is in it"),
        ("--update", "without a tool: bring all to the present address and key"),
    ):
        _add_switch(connect, flag, words)
    _add_json(connect)


def _add_disconnect(disconnect: argparse.ArgumentParser) -> None:
    disconnect.add_argument("tool", metavar="TOOL", nargs="?", help="its name, as `connect` lists")
    for flag, words in (
        ("--all", "every tool that something was written for"),
        ("--leave", "leave the file as it is, and forget that we wrote it"),
        ("--dry-run", "only show what would be taken back"),
        ("--yes", "take it back without asking"),
    ):
        _add_switch(disconnect, flag, words)
    _add_json(disconnect)


def _add_run(run: argparse.ArgumentParser) -> None:
    _add_chosen(run)
    _add_switch(run, "--start", "serve for as long as it runs, if the proxy does not")
    run.add_argument("tool", metavar="TOOL", help="its name in the list of `connect`")
    run.add_argument(
        "words", metavar="...", nargs=argparse.REMAINDER, help="all that follows is the tool's own"
    )


def _add_shells(to: argparse.ArgumentParser, more: tuple[str, ...] = ()) -> None:
    shells = ("bash", "zsh", "fish", "powershell", *more)
    to.add_argument("shell", metavar="SHELL", choices=shells, help=", ".join(shells))


def _add_chosen(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--model", metavar="ROLE=ID", dest="chosen", action="append", type=_choice,
        default=argparse.SUPPRESS, help="which model for what, such as main=gpt-5.4",
    )  # fmt: skip


def _choice(word: str) -> tuple[str, str]:
    role, sign, model = word.rpartition("=")
    if not model or (sign and not role):
        raise argparse.ArgumentTypeError("give a model's id, or ROLE=ID")
    return role, model


def _add_switch(to: argparse.ArgumentParser, flag: str, words: str) -> None:
    to.add_argument(flag, action="store_true", default=argparse.SUPPRESS, help=words)


def _add_autostart(autostart: argparse.ArgumentParser) -> None:
    autostart.add_argument(
        "action", metavar="on|off|status", nargs="?", choices=("on", "off", "status"),
        default="status", help="without one: say how it stands",
    )  # fmt: skip
    _add_json(autostart)


def _add_doctor(doctor: argparse.ArgumentParser) -> None:
    doctor.add_argument(
        "--report", metavar="FILE", default=argparse.SUPPRESS,
        help="also write a report that names nobody into a new file",
    )  # fmt: skip
    _add_json(doctor)


def _add_usage(usage: argparse.ArgumentParser) -> None:
    usage.add_argument(
        "--days", metavar="N", type=_days, default=argparse.SUPPRESS,
        help="how far back, today included: 1 to 90 (30)",
    )  # fmt: skip
    usage.add_argument(
        "--by", choices=("client", "model", "day"), default=argparse.SUPPRESS,
        help="what to sum up by (client)",
    )  # fmt: skip
    _add_json(usage)


def _add_logs(shown: argparse.ArgumentParser) -> None:
    shown.add_argument(
        "--follow", action="store_true", default=argparse.SUPPRESS,
        help="go on with new lines until you press Ctrl-C",
    )  # fmt: skip
    shown.add_argument(
        "--level", choices=("debug", "info", "warning", "error"), default=argparse.SUPPRESS,
        help="only lines of this level and above",
    )  # fmt: skip
    _add_json(shown)


def _days(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 1 <= int(word) <= 90:
        raise argparse.ArgumentTypeError("give a number from 1 to 90")
    return int(word)


def _add_account_actions(
    accounts: argparse.ArgumentParser, shared: argparse.ArgumentParser
) -> None:
    _add_json(accounts)
    actions = accounts.add_subparsers(dest="action", metavar="action", title="actions")
    for name, words in (
        ("use", "use this account from now on; the one in use stays signed in"),
        ("remove", "delete the stored sign-in of an account that is not in use"),
    ):
        action = actions.add_parser(
            name, help=words, description=words, parents=[shared], allow_abbrev=False
        )
        action.add_argument("account", metavar="LOGIN", help="the login, or HOST:ID")
        _add_json(action)


def _add_key_actions(keys: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    _add_json(keys)
    actions = keys.add_subparsers(dest="action", metavar="action", title="actions")
    for name, words in (
        ("list", "the keys, when they were used, and their limits"),
        ("make", "make a key and print it, this once"),
        ("limit", "change the limits of a key; those that are not named stay"),
        ("rename", "give a key another name"),
        ("revoke", "take a key back: it stops at once"),
    ):
        action = actions.add_parser(
            name, help=words, description=words, parents=[shared], allow_abbrev=False
        )
        if name != "list":
            action.add_argument("key", metavar="NAME", help="the name of the key")
        if name == "rename":
            action.add_argument("to", metavar="NEW", help="its new name")
        if name in {"make", "limit"}:
            _add_limits(action)
        _add_json(action)


def _add_limits(action: argparse.ArgumentParser) -> None:
    action.add_argument(
        "--models", metavar="IDS", default=argparse.SUPPRESS,
        help="only these: ids or patterns such as gpt-5*, separated by commas; all: every model",
    )  # fmt: skip
    action.add_argument(
        "--max-effort", metavar="EFFORT", default=argparse.SUPPRESS,
        choices=("none", "minimal", "low", "medium", "high", "xhigh", "max", "any"),
        help="higher efforts are lowered to this one: none to max; any: no limit",
    )  # fmt: skip
    budget = action.add_mutually_exclusive_group()
    for unit, words in (("credits", "AI credits"), ("requests", "premium requests")):
        budget.add_argument(
            f"--{unit}", metavar="N", type=float, default=argparse.SUPPRESS,
            help=f"a budget of so many {words} a day",
        )  # fmt: skip
    budget.add_argument(
        "--no-budget", action="store_true", default=argparse.SUPPRESS, help="no budget"
    )
    action.add_argument(
        "--stop", action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS,
        help="when the budget is used up: stop, or (--no-stop) only warn",
    )  # fmt: skip


def _add_json(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="as JSON, for programs"
    )


def _add_model_actions(models: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    actions = models.add_subparsers(dest="action", metavar="action", title="actions")

    def action(name: str, words: str) -> argparse.ArgumentParser:
        return actions.add_parser(
            name, help=words, description=words, parents=[shared], allow_abbrev=False
        )

    enable = action("enable", "show the terms of a model and, if you accept them, switch it on")
    enable.add_argument("model", metavar="ID", help="the model's id, as `models` lists it")
    enable.add_argument(
        "--accept-terms", action="store_true", default=argparse.SUPPRESS,
        help="accept the terms without being asked, where nobody can be",
    )  # fmt: skip
    learned = action("learned", "what refused requests have taught about models")
    forget = action("forget", "forget what was learned, of one model or of all")
    forget.add_argument(
        "model", metavar="ID", nargs="?", default="", help="the model's id; without one: all"
    )
    for each in (enable, learned, forget):
        _add_json(each)


def _shared_flags() -> argparse.ArgumentParser:
    """Flags that may stand before or after the command. No key: arguments can be read by others."""
    flags = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = flags.add_argument_group("settings")
    group.add_argument(
        "--demo", metavar="SCENARIO",
        help="use the built-in fake GitHub and Copilot: no account, no network "
        "(with a name: --demo=free, business, exhausted, no_access, …)",
    )  # fmt: skip
    group.add_argument("--port", metavar="N", help="port of the proxy (4141)")
    group.add_argument("--host", metavar="ADDRESS", help="address of the proxy (127.0.0.1)")
    group.add_argument("--data-dir", metavar="FOLDER", help="keep everything in this folder")
    group.add_argument(
        "--token-store", metavar="KIND", help="where the sign-in is kept: keyring, file or memory"
    )
    group.add_argument(
        "--auth-mode", metavar="MODE",
        help="managed: the app's sign-in; passthrough: each client brings its own token",
    )  # fmt: skip
    group.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    return flags
