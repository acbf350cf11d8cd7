"""The only list of dialects: routes, error bodies and the law tests read it."""

from __future__ import annotations

from copilot_desktop.dialects import Dialect
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.dialects.openai_responses import OpenAIResponses

# Richest first: the order in which endpoints are preferred for translation.
ALL: tuple[Dialect, ...] = (AnthropicMessages(), OpenAIResponses(), OpenAIChat())
