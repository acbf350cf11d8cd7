"""The small questions that belong to one dialect: which path, what is needed, what to say.

A dialect knows how its clients ask for a list of models and how the list must look; it does not
know where the list comes from. So it declares its routes here, and the proxy, which has models and
embeddings at hand, answers them. All functions in here are pure and may raise a Problem.

`path` stands without the optional `/v1`, as in `Dialect.paths`; a GET route answers HEAD as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from copilot_desktop.model import Model

Json = dict[str, Any]
Method = Literal["GET", "HEAD", "POST", "DELETE"]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same answer, without a look at the request. A Problem raised is a refusal."""

    method: Method
    path: str
    answer: Callable[[], Json]


@dataclass(frozen=True, slots=True)
class AboutModels:
    """`answer` gets the models that are offered to clients, in the catalogue's order."""

    method: Method
    path: str
    answer: Callable[[Sequence[Model]], Json]


@dataclass(frozen=True, slots=True)
class AboutModel:
    """`name` finds in the body which model is meant; `answer` describes it."""

    method: Method
    path: str
    name: Callable[[Json], str]
    answer: Callable[[Model], Json]


@dataclass(frozen=True, slots=True)
class Texts:
    """What is to be turned into vectors. `model` is the client's own spelling."""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None


@dataclass(frozen=True, slots=True)
class Vectors:
    """One vector for each text, in order; `tokens` is what the texts counted."""

    model: str
    vectors: tuple[list[float], ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Embedding:
    """`asked` reads the texts out of the body; `answer` gets their vectors."""

    method: Method
    path: str
    asked: Callable[[Json], Texts]
    answer: Callable[[Vectors], Json]


SideRoute = Fixed | AboutModels | AboutModel | Embedding
