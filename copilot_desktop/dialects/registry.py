"""The only list of dialects: routes, error bodies and the law tests read it."""

from __future__ import annotations

from copilot_desktop.dialects import Dialect, UpstreamDialect
from copilot_desktop.dialects.anthropic_messages import AnthropicMessages
from copilot_desktop.dialects.ollama import OLLAMA
from copilot_desktop.dialects.openai_chat import OpenAIChat
from copilot_desktop.dialects.openai_completions import OpenAICompletions
from copilot_desktop.dialects.openai_responses import OpenAIResponses

# What Copilot speaks too. Richest first: the order in which endpoints are preferred.
UPSTREAM: tuple[UpstreamDialect, ...] = (AnthropicMessages(), OpenAIResponses(), OpenAIChat())
ALL: tuple[Dialect, ...] = (*UPSTREAM, OpenAICompletions(), *OLLAMA)

# In its words a client is told what is wrong if nobody knows what it speaks.
FALLBACK: Dialect = UPSTREAM[-1]
