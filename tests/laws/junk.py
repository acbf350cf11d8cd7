"""Bodies that no documentation describes: right names, wrong types, at every depth."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.laws.strategies import junk

FIELDS = (
    "messages", "input", "system", "instructions", "tools", "tool_choice", "stop", "n", "text",
    "max_tokens", "max_output_tokens", "thinking", "reasoning", "metadata", "temperature", "stream",
    "stop_sequences", "include", "output_config", "store", "functions", "response_format",
    "cache_control", "context_management", "reasoning_effort", "stream_options", "truncation",
    "prompt", "images", "format", "think", "options", "suffix", "keep_alive", "logprobs",
)  # fmt: skip
KINDS = (
    "text", "image", "image_url", "tool_use", "tool_result", "thinking", "document", "function",
    "custom", "message", "function_call", "function_call_output", "reasoning", "input_text",
    "input_image", "input_file", "namespace", "additional_tools", "enabled", "adaptive", "any",
    "tool", "allowed_tools", "base64", "url", "ephemeral", "json_schema", "web_search",
)  # fmt: skip
KEYS = (
    "type", "role", "content", "text", "source", "id", "name", "input", "tool_calls", "function",
    "arguments", "output", "call_id", "tool_use_id", "tool_call_id", "image_url", "url", "schema",
    "parameters", "input_schema", "cache_control", "signature", "thinking", "summary", "tools",
    "encrypted_content", "budget_tokens", "effort", "format", "mode", "media_type", "data",
    "images", "tool_name", "num_predict", "stop", "temperature",
)  # fmt: skip
ROLES = ("user", "assistant", "system", "developer", "tool", "function")

words = st.sampled_from((*KINDS, *ROLES)) | junk
objects = st.recursive(
    st.dictionaries(st.sampled_from(KEYS), words, max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(KEYS), inner | st.lists(inner, max_size=2) | words, max_size=5
    ),
    max_leaves=6,
)
turns = st.fixed_dictionaries(
    {"role": st.sampled_from(ROLES) | junk, "content": junk | st.lists(objects, max_size=3)},
    optional={
        "type": words,
        "tool_calls": junk | st.lists(objects, max_size=2),
        "images": junk,
        "tool_name": junk,
    },
)
lists = st.lists(turns | objects | junk, max_size=4)
bodies = st.dictionaries(st.sampled_from(FIELDS), junk | objects | lists, max_size=6).map(
    lambda fields: {"model": "m", **fields}
)
EVENT_KEYS = (
    "type", "choices", "usage", "error", "response", "item", "output", "output_index", "index",
    "delta", "content_block", "message", "id", "part", "item_id", "content", "call_id",
)  # fmt: skip
payloads = st.dictionaries(
    st.sampled_from(EVENT_KEYS),
    junk | objects | st.lists(objects, max_size=2) | st.sampled_from(KINDS),
    max_size=6,
)
