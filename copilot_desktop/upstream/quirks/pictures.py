"""Which pictures of a passed-through request the model gets to see (`translation.md` §2.5, P11).

The rule is the same in the three formats, only the place of a picture differs. One `Sight` looks at
the pictures of one request, oldest first.
"""

from __future__ import annotations

from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model
from copilot_desktop.pictures import PICTURES, picture_type

TOO_MANY = "[image omitted: too many images]"


class Sight:
    """`total` is the number of pictures in the request. `omitted`: some became words."""

    def __init__(self, model: Model, total: int) -> None:
        self.omitted = False
        self._model = model
        self._surplus = max(0, total - model.max_images) if model.max_images else 0

    def instead(self, *, newest: bool) -> str | None:
        """Words that stand for the next picture; None if it stays.

        `newest`: a person has just shown it. Raises InvalidRequest if the model is blind to it.
        """
        if not self._model.vision:
            if newest:
                raise InvalidRequest(
                    f"{self._model.id} cannot read images. Choose a model with vision."
                )
            self.omitted = True
            return f"[image omitted: {self._model.id} cannot read images]"
        if self._surplus:
            self._surplus -= 1
            self.omitted = True
            return TOO_MANY
        return None


def true_url(url: str) -> str:
    """The data URL of a picture with the media type that its bytes show."""
    head, comma, data = url.partition(",")
    declared, semicolon, rest = head.removeprefix("data:").partition(";")
    kind = picture_type(data, declared)
    if not comma or kind == declared or kind not in PICTURES:
        return url
    return f"data:{kind}{semicolon}{rest},{data}"
