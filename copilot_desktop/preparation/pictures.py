"""Pictures in a conversation: only those that the model can see (`translation.md` §2.5, P11).

What a person has just shown must be seen, or the answer would be about something else; older
pictures and those that tools brought become words that say so.
"""

from __future__ import annotations

from dataclasses import replace

from copilot_desktop.canonical import Block, Document, Image, Message, Text, ToolResult
from copilot_desktop.errors import InvalidRequest
from copilot_desktop.model import Model
from copilot_desktop.pictures import PICTURES, picture_type

TOO_MANY = "[image omitted: too many images]"


def visible(messages: tuple[Message, ...], model: Model) -> tuple[Message, ...]:
    """The history as far as `model` sees it; types as the bytes tell. Raises InvalidRequest."""
    if not any(_images(message) for message in messages):
        return messages
    last = max((i for i, message in enumerate(messages) if message.role == "user"), default=-1)
    if not model.vision:
        if any(isinstance(block, Image) for block in messages[last].blocks):
            raise InvalidRequest(f"{model.id} cannot read images. Choose a model with vision.")
        return tuple(
            _blinded(m, f"[image omitted: {model.id} cannot read images]") for m in messages
        )
    room = model.max_images or sum(_images(message) for message in messages)
    kept: list[Message] = []
    for message in reversed(messages):
        count = _images(message)
        kept.append(_blinded(message, TOO_MANY, keep=room))
        room = max(0, room - count)
    return tuple(reversed(kept))


def _images(message: Message) -> int:
    return sum(1 if isinstance(block, Image) else _result_images(block) for block in message.blocks)


def _result_images(block: Block) -> int:
    if not isinstance(block, ToolResult):
        return 0
    return sum(isinstance(part, Image) for part in block.content)


def _blinded(message: Message, words: str, keep: int = 0) -> Message:
    """All pictures but the last `keep` become words."""
    if not (count := _images(message)):
        return message
    surplus = count - keep

    def seen(part: Text | Image | Document) -> Text | Image | Document:
        nonlocal surplus
        if not isinstance(part, Image):
            return part
        if surplus > 0:
            surplus -= 1
            return Text(words, cached=part.cached)
        return _true(part)

    blocks: list[Block] = []
    for block in message.blocks:
        if isinstance(block, ToolResult):
            blocks.append(replace(block, content=tuple(seen(part) for part in block.content)))
        elif isinstance(block, Image):
            blocks.append(seen(block))
        else:
            blocks.append(block)
    return replace(message, blocks=tuple(blocks))


def _true(image: Image) -> Image:
    kind = picture_type(image.data, image.media_type)
    if kind not in PICTURES:
        raise InvalidRequest(f"Images must be JPEG, PNG, GIF or WebP, not {image.media_type[:40]}.")
    return image if kind == image.media_type else replace(image, media_type=kind)
