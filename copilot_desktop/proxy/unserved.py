"""What the vendors' own servers offer and Copilot has nothing for, said by name.

A service that does not exist is 501 in every dialect, together with the header that keeps SDKs from
trying again (`answers`). What can only be stored somewhere, such as an earlier response, is 404: so
answers the vendor's server too when it has kept nothing, and nothing is kept here. Everything else
that is unknown is an ordinary 404. Knows paths and words only.
"""

from __future__ import annotations

import re

from copilot_desktop.errors import NotSupported

# Paths without the optional /v1; the first that fits decides.
_SERVICES: tuple[tuple[str, str], ...] = (
    ("/responses/compact", "Compaction on the server"),
    ("/messages/batches", "Batch processing"),
    ("/batches", "Batch processing"),
    ("/files", "File storage"),
    ("/uploads", "File storage"),
    ("/audio", "Audio"),
    ("/images", "Image generation"),
    ("/videos", "Video generation"),
    ("/realtime", "The realtime interface"),
    ("/moderations", "Moderation"),
    ("/fine_tuning", "Fine-tuning"),
    ("/vector_stores", "Vector storage"),
    ("/assistants", "The assistants interface"),
    ("/threads", "The assistants interface"),
    ("/conversations", "Conversation storage"),
    ("/containers", "Code execution in containers"),
    ("/evals", "Evaluation"),
    ("/skills", "Skill storage"),
    ("/chatkit", "ChatKit"),
    ("/complete", "Anthropic's old text completion"),
    ("/agents", "Running agents on a server"),
    ("/sessions", "Running agents on a server"),
    ("/environments", "Running agents on a server"),
    ("/memory_stores", "Memory storage"),
    ("/vaults", "Storage of credentials"),
    ("/organization", "Organization management"),
    ("/organizations", "Organization management"),
)
_STORED = re.compile(r"/(responses|chat/completions)/[^/]+(/(cancel|input_items|messages))?/?")


def unserved(path: str) -> NotSupported | None:
    """Why nothing is served at `path`, if it is one of the vendors' own."""
    path = path.removeprefix("/v1")
    for prefix, what in _SERVICES:
        if path == prefix or path.startswith(prefix + "/"):
            return NotSupported(fields={"what": what})
    if _STORED.fullmatch(path):
        problem = NotSupported(fields={"what": "Storage of answers"})
        problem.status = 404
        return problem
    return None
