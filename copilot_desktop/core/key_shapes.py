"""Names and limits of local keys as page, terminal and file spell them, checked strictly.

Apart from `core.keys`, because a start without named keys needs none of it (`core.verb_shapes`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from copilot_desktop.canonical import Effort
from copilot_desktop.core.keys import DEFAULT, MOST_KEYS
from copilot_desktop.proxy.keys import DailyBudget, KeyLimits, NamedKey
from copilot_desktop.redaction import LOCAL_KEY


def _not_taken(name: str) -> str:
    if name.casefold() == DEFAULT:
        raise ValueError("that is the name of the key for everybody")
    return name


KeyName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9 ._-]{0,30}[A-Za-z0-9])?$"),
    AfterValidator(_not_taken),
]
ModelPattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9*?._:/-]{1,100}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class GivenBudget(_Strict):
    unit: Literal["credits", "requests"]
    amount: float = Field(gt=0, le=100_000, allow_inf_nan=False)
    stops: bool = False


class GivenLimits(_Strict):
    """Limits as page, terminal and file spell them."""

    models: list[ModelPattern] = Field(default=[], max_length=50)
    max_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    budget: GivenBudget | None = None

    def limits(self) -> KeyLimits:
        budget = self.budget
        return KeyLimits(
            tuple(dict.fromkeys(self.models)),
            Effort(self.max_effort) if self.max_effort is not None else None,
            DailyBudget(budget.unit, budget.amount, budget.stops) if budget else None,
        )


class _Row(GivenLimits):
    name: KeyName
    key: str = Field(pattern=rf"^{LOCAL_KEY.pattern}$", repr=False)
    created: float = Field(ge=0, allow_inf_nan=False)


class _File(_Strict):
    v: Literal[1]
    keys: list[_Row] = Field(max_length=MOST_KEYS)


def kept(content: bytes) -> tuple[NamedKey, ...]:
    """The keys in a file. Raises ValueError if it holds anything else."""
    rows = _File.model_validate_json(content).keys
    return tuple(NamedKey(row.name, row.key, row.created, row.limits()) for row in rows)
