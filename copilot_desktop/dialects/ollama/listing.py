"""What Ollama's clients ask beside the conversations: version, models, embeddings.

Editors read capabilities and the context length here before they offer a model at all. What would
change the models on this machine is refused: there are none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

from copilot_desktop.dialects.ollama.parse import model_of
from copilot_desktop.dialects.side_routes import (
    AboutModel,
    AboutModels,
    Embedding,
    Fixed,
    SideRoute,
    Texts,
    Vectors,
)
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model

Json = dict[str, Any]

VERSION = "0.13.5"  # the Ollama whose interface this is; editors refuse what is older than 0.6.4
_CHANGED = "2025-01-01T00:00:00Z"  # Copilot tells no date, and clients parse one


def tags(models: Sequence[Model]) -> Json:
    return {"models": [_entry(model) for model in models]}


def show(model: Model) -> Json:
    """`context_length` is what a prompt may hold, for clients cut their history to it."""
    family = _family(model)
    return {
        "modified_at": _CHANGED,
        "details": _details(model),
        "model_info": {
            "general.architecture": family,
            "general.basename": model.name or model.id,
            f"{family}.context_length": model.max_prompt,
        },
        "capabilities": _capabilities(model),
    }


def embedded(vectors: Vectors) -> Json:
    return {
        "model": vectors.model,
        "embeddings": list(vectors.vectors),
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": vectors.tokens,
    }


def first_of(vectors: Vectors) -> Json:
    """The older question is about one text."""
    return {"embedding": vectors.vectors[0] if vectors.vectors else []}


def _texts(body: Json) -> Texts:
    """Nothing at all is how clients load a model: the answer has no vectors then."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else [] if given is None else given
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InvalidRequest("input must be a text or a list of texts.")
    size = body.get("dimensions")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise InvalidRequest("dimensions must be a whole number above 0.")
    return Texts(model_of(body), () if given == "" else tuple(texts), size)


def _prompt(body: Json) -> Texts:
    return _texts({**body, "input": body.get("prompt")})


def _model_name(body: Json) -> str:
    """Older clients say `name`."""
    return model_of({"model": body.get("model") or body.get("name")})


def _entry(model: Model) -> Json:
    return {
        "name": model.id,
        "model": model.id,
        "modified_at": _CHANGED,
        "size": 0,
        "digest": sha256(model.id.encode()).hexdigest(),
        "details": _details(model),
        "capabilities": _capabilities(model),
    }


def _details(model: Model) -> Json:
    return {
        "parent_model": "",
        "format": "copilot",
        "family": _family(model),
        "families": [_family(model)],
        "parameter_size": "",
        "quantization_level": "",
    }


def _family(model: Model) -> str:
    return model.family or model.id


def _capabilities(model: Model) -> list[str]:
    if model.kind == "embeddings":
        return ["embedding"]
    able = {
        "completion": True,
        "tools": model.tools,
        "vision": model.vision,
        "thinking": model.thinking != "none" or bool(model.efforts),
    }
    return [word for word, is_able in able.items() if is_able]


def _refuse() -> Json:
    raise InvalidRequest("not supported: models are provided by GitHub Copilot")


def _always(answer: Json) -> Callable[[], Json]:
    return lambda: answer


SIDE_ROUTES: tuple[SideRoute, ...] = (
    Fixed("GET", "/api/version", _always({"version": VERSION})),
    Fixed("GET", "/api/ps", _always({"models": []})),
    AboutModels("GET", "/api/tags", tags),
    AboutModel("POST", "/api/show", _model_name, show),
    Embedding("POST", "/api/embed", _texts, embedded),
    Embedding("POST", "/api/embeddings", _prompt, first_of),
    Fixed("POST", "/api/pull", _refuse),
    Fixed("POST", "/api/push", _refuse),
    Fixed("POST", "/api/create", _refuse),
    Fixed("POST", "/api/copy", _refuse),
    Fixed("DELETE", "/api/delete", _refuse),
    Fixed("POST", "/api/blobs/{digest}", _refuse),
    Fixed("HEAD", "/api/blobs/{digest}", _refuse),
)
