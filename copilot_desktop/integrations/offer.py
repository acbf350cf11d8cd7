"""What is told about models to tools that keep a list of their own.

Not all that can be called: a list for people, so those of GitHub's own picker, at most a dozen, and
whatever was chosen for a role. The order is by name and not by rank, so that a catalogue that
changed its mind about the best model changes no file.

A prompt may hold less than the context window (`upstream.md` §5.1): Copilot refuses what is above
`max_prompt`, so that is the number by which a tool has to compact.
"""

from __future__ import annotations

from typing import Final

from copilot_desktop.canonical import Effort
from copilot_desktop.integrations.tool import Link
from copilot_desktop.model import Model

NAME: Final = "Copilot Desktop"
SLUG: Final = "copilot-desktop"
MOST: Final = 12


def offered(link: Link) -> tuple[Model, ...]:
    """The models to list: the chosen ones first, then those of the picker by name."""
    chosen = list(dict.fromkeys(link.chosen.values()))
    known = {model.id: model for model in link.models}
    first = [known[name] for name in chosen if name in known]
    picked = [model for model in link.models if model.in_picker and model not in first]
    rest = picked[: max(0, MOST - len(first))]
    return (*first, *sorted(rest, key=lambda model: (title(model).casefold(), model.id)))


def title(model: Model) -> str:
    """The name for people: "GPT-5.4"."""
    return model.name or model.id


def labelled(link: Link, model: Model) -> str:
    """The name in a list that holds models of others too: "GPT-5.4 (Copilot Desktop)".

    Such lists tell their entries apart by name, and Copilot gives one name to a model and to its
    dated versions: then it is the ID.
    """
    alone = sum(title(each) == title(model) for each in offered(link)) < 2
    return f"{title(model) if alone else model.id} ({NAME})"


def window(model: Model) -> int:
    """Tokens of prompt and answer together, for tools that subtract the answer themselves."""
    return min(model.max_context, model.max_prompt + model.max_output)


def thinks(model: Model) -> bool:
    """Whether there is anything to choose about its thinking."""
    return model.thinking != "none" or any(effort is not Effort.NONE for effort in model.efforts)
