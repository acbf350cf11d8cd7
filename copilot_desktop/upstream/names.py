"""From the model name a client uses to a model of this account (`translation.md` §12.1).

Clients know models by vendor ids, dated, dashed, prefixed, or by names that Copilot never had. A
name is turned into the ids it may stand for and looked up in the live list; nothing is guessed
across families, and a model that exists but may not be used is an error that says why, never
replaced by another.

`auto` is a name as well: it stands for "GitHub chooses", which is not decided here.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from copilot_desktop.errors import UnknownModel
from copilot_desktop.model import AUTO, CHAT, MESSAGES, RESPONSES, Model

SETTINGS_PAGE = "https://github.com/settings/copilot"
DEFAULT = "default"

Verdict = Literal[
    "auto", "needs_approval", "blocked", "embeddings", "completion", "unspoken", "hidden",
    "auto_only",
]  # fmt: skip
ONLY_AUTO = "This account leaves the choice of a model to GitHub. Ask for the model auto."

# Names that older clients have built in; they mean "whatever is usual here".
_CLASSICS = frozenset({DEFAULT, "gpt-4", "gpt-3.5-turbo"})
_PREFIXES = (
    "anthropic/", "openai/", "google/", "copilot/", "github_copilot/", "github-copilot/", "models/",
)  # fmt: skip
_SUFFIX = re.compile(r"(\[1m\]|:latest|-latest|@\d{8}|-20\d{6}|-20\d\d-\d\d-\d\d)$")
_LAST_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})([-.])(\d{1,2})(?=\D*$)")
_NUMBER = r"\d{1,2}(?:[.-]\d{1,2})?(?!\d)"
_NEW_STYLE = re.compile(rf"claude-([a-z]+)(?:-({_NUMBER}))?(.*)")
_OLD_STYLE = re.compile(rf"claude-({_NUMBER})-([a-z]+)(.*)")
_MOST = 40  # spellings tried for one name
_LONGEST = 200  # characters of a name that are looked at
_CHAIN = 8  # aliases in a row


def resolve(
    name: str,
    models: Mapping[str, Model],
    *,
    aliases: Mapping[str, str] | None = None,
    default: str | None = None,
) -> Model:
    """The callable model that `name` stands for. `models` by id, in GitHub's order.

    It is `auto_entry` where GitHub is to choose. Raises UnknownModel with the nearest ids, and with
    the reason if the model exists but may not be used. `default` is the user's own choice for
    `default` and for an empty name.
    """
    name = name.strip()[:_LONGEST]
    if (model := models.get(name)) is not None and usable(model):  # nearly always
        return model
    wanted = _follow(name, models, aliases or {}, default)
    for candidate in spellings(wanted):
        if candidate == AUTO:
            return auto_entry(models.values())
        model = models.get(candidate)
        if model is None:
            continue
        if usable(model):
            return model
        if candidate not in _CLASSICS:
            raise _unknown(name, models, why_not(model))
    if (usual := _classic(wanted, models, aliases or {}, default)) is not None:
        return usual
    if (newest := _newest(wanted, models)) is not None:
        if usable(newest):
            return newest
        raise _unknown(name, models, why_not(newest))
    raise _unknown(name, models, "" if models else "The list of models has not been loaded yet.")


def spellings(name: str) -> Iterator[str]:
    """`name` and every id that it may be a spelling of, nearest first, at most 40."""
    seen = {name}
    waiting = deque([name])
    while waiting:
        current = waiting.popleft()
        yield current
        for other in _variants(current):
            if other and other not in seen and len(seen) < _MOST:
                seen.add(other)
                waiting.append(other)


def usual_model(models: Iterable[Model]) -> Model | None:
    """What GitHub gives to somebody who does not choose: its default, else its fallback, else the
    first model of its picker."""
    chats = [model for model in models if usable(model) and model.kind == "chat"]
    ranks = (lambda m: m.is_default, lambda m: m.is_fallback, lambda m: m.in_picker, lambda _: True)
    for rank in ranks:
        if (found := next(filter(rank, chats), None)) is not None:
            return found
    return None


def auto_only(models: Iterable[Model]) -> bool:
    """Does this account leave the choice to GitHub? Its list has models, but offers none."""
    chats = [model for model in models if usable(model) and model.kind == "chat"]
    return bool(chats) and not any(model.in_picker for model in chats)


def auto_entry(models: Iterable[Model], among: Collection[str] = ()) -> Model:
    """What `auto` is in a list of models: it can do what each of those can that may answer.

    `among`: what GitHub has said it chooses from; without that, all that can be chosen by name.
    """
    models = tuple(models)
    listed = next((model for model in models if model.id == AUTO), Model(AUTO, "Auto", "GitHub"))
    chats = [model for model in models if usable(model) and model.kind == "chat"]
    chosen = [model for model in chats if model.id in among]
    chats = chosen or [model for model in chats if model.in_picker] or chats or [Model(AUTO)]
    return replace(
        listed,
        name=listed.name if listed.name != AUTO else "Auto",
        kind="chat",
        endpoints=(CHAT, RESPONSES, MESSAGES),
        websocket=False,
        in_picker=True,
        policy="enabled",
        max_prompt=min(model.max_prompt for model in chats),
        max_output=min(model.max_output for model in chats),
        max_context=min(model.max_context for model in chats),
        vision=all(model.vision for model in chats),
        tools=all(model.tools for model in chats),
        multiplier=None,
        token_prices={},
    )


def with_auto(models: Sequence[Model], among: Collection[str] = ()) -> tuple[Model, ...]:
    """The list with `auto` as something that can be chosen, where GitHub offers it: it lists the
    name, or no model can be chosen otherwise."""
    others = tuple(model for model in models if model.id != AUTO)
    if len(others) == len(models) and not auto_only(models):
        return others
    return (auto_entry(models, among), *others)


def offered(model: Model) -> bool:
    """Can a client ask for it? True for what can be called, and for `auto`."""
    return usable(model) or model.id == AUTO


def usable(model: Model) -> bool:
    """Can this account call it through an endpoint that we speak?"""
    return model.callable and bool(model.endpoints)


def why_not(model: Model) -> str:
    """One sentence about a model that is in the list but cannot be called."""
    if model.policy == "unconfigured":
        return (
            "Its terms have to be accepted first: open Models in Copilot Desktop, "
            f"or run `copilot-desktop models enable {model.id}`."
        )
    if model.policy == "disabled":
        return f"Your organisation or your plan does not allow it: {SETTINGS_PAGE}."
    return "It cannot be called through this proxy."


def verdict(model: Model, *, choice: bool) -> Verdict | None:
    """Why a model of the list is missing from pickers or cannot be used; None: it can be chosen.

    `choice` is false where the account leaves it to GitHub (`auto_only`).
    """
    if model.id == AUTO:
        return "auto"
    if model.policy == "unconfigured":
        return "needs_approval"
    if model.policy == "disabled":
        return "blocked"
    if model.kind != "chat":
        return model.kind
    if not usable(model):
        return "unspoken"
    if model.in_picker:
        return None
    return "hidden" if choice else "auto_only"


def nearest(name: str, models: Iterable[Model], most: int = 5) -> list[str]:
    """The ids of usable models that look most like `name`."""
    from difflib import SequenceMatcher  # noqa: PLC0415  (only on the way to an error)

    def likeness(model: Model) -> tuple[float, bool]:
        ratio = SequenceMatcher(None, name.lower(), model.id.lower()).ratio()
        return (round(ratio, 3), model.in_picker)

    known = [model for model in models if usable(model)]
    return [model.id for model in sorted(known, key=likeness, reverse=True)[:most]]


def _follow(
    name: str, models: Mapping[str, Model], aliases: Mapping[str, str], default: str | None
) -> str:
    """`name` after the user's alias table. An exact id always wins over an alias."""
    if not name and default:
        return default
    current = name
    for _ in range(_CHAIN):
        if current in models or current not in aliases:
            return current
        current = aliases[current]
    raise _unknown(name, models, "The aliases in the settings lead in a circle.")


def _variants(name: str) -> Iterator[str]:
    """One step from `name`: without prefix or suffix, dashed or dotted, the other word order."""
    yield name.lower()
    yield from (name.removeprefix(prefix) for prefix in _PREFIXES if name.startswith(prefix))
    yield _SUFFIX.sub("", name)
    yield _LAST_NUMBERS.sub(
        lambda found: f"{found[1]}{'.' if found[2] == '-' else '-'}{found[3]}", name
    )
    if old := _OLD_STYLE.fullmatch(name):
        yield f"claude-{old[2]}-{old[1]}{old[3]}"
    elif (new := _NEW_STYLE.fullmatch(name)) and new[2]:
        yield f"claude-{new[2]}-{new[1]}{new[3]}"


def _classic(
    name: str, models: Mapping[str, Model], aliases: Mapping[str, str], default: str | None
) -> Model | None:
    """For `default`, `gpt-4` and `gpt-3.5-turbo`, where the account has no such model."""
    if not _CLASSICS.intersection(spellings(name)):
        return None
    if default and default != DEFAULT:
        return resolve(default, models, aliases=aliases)
    if auto_only(models.values()):
        return auto_entry(models.values())
    return usual_model(models.values())


def _newest(name: str, models: Mapping[str, Model]) -> Model | None:
    """The newest model of a Claude line: for its bare name and for ids that GitHub lacks.

    A usable one if there is any; else one that says why the line cannot be used.
    """
    ranked: list[tuple[tuple[object, ...], Model]] = []
    line = _line_of(name)
    for model in models.values():
        own = _claude(model.id)
        if own is None or own[0] != line or model.kind != "chat":
            continue
        _, version, rest = own
        plain = not rest
        ranked.append(((usable(model), model.in_picker, plain, version), model))
    return max(ranked, key=lambda entry: entry[0])[1] if ranked else None


def _line_of(name: str) -> str | None:
    """`sonnet` for `sonnet`, `claude-sonnet-5-5` and `anthropic/claude-3-5-sonnet-latest`."""
    for candidate in spellings(name):
        if (own := _claude(candidate)) is not None:
            return own[0]
    bare = min(spellings(name), key=len).lower()
    return bare if bare.isalpha() else None


def _claude(name: str) -> tuple[str, tuple[int, ...], str] | None:
    """Line, version and the rest of a Claude id in either word order."""
    if old := _OLD_STYLE.fullmatch(name):
        number, line, rest = old.groups()
    elif new := _NEW_STYLE.fullmatch(name):
        line, number, rest = new.groups()
    else:
        return None
    version = tuple(int(part) for part in re.split(r"[.-]", number)) if number else ()
    return line, version, rest


def _unknown(name: str, models: Mapping[str, Model], reason: str) -> UnknownModel:
    closest = ", ".join(nearest(name, models.values()))
    return UnknownModel(
        fields={"model": name[:100] or "without a name", "alternatives": closest, "reason": reason}
    )
