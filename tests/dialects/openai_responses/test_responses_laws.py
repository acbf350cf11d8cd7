"""Laws: what is written can be read back, on both sides of the dialect."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from copilot_desktop.canonical import (
    Effort,
    Image,
    Message,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Usage,
    fold,
    unfold,
)
from copilot_desktop.sealing import seal, unseal

from .responses_samples import DIALECT, MODEL, payloads_of, reply_of, written

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
spoken = words.filter(lambda text: bool(text.strip()))
names = st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
arguments = st.dictionaries(names, values, max_size=3).map(json.dumps)
counts = st.integers(0, 10**6)


@st.composite
def usages(draw):
    output = draw(counts)
    reasoning = draw(st.integers(0, output))
    return Usage(draw(counts), output, draw(counts), draw(counts), reasoning)


@st.composite
def replies(draw):
    """Replies as readers make them: neighbouring texts differ in kind, call ids are distinct."""
    blocks = []
    for number in range(draw(st.integers(0, 5))):
        kind = draw(st.sampled_from(["text", "refusal", "thinking", "call"]))
        if kind == "thinking":
            signature = draw(st.just("") | words.map(lambda s: seal("gm1.", "claude-x", s=s)))
            blocks.append(Thinking(draw(words), signature))
        elif kind == "call":
            blocks.append(ToolUse(f"call_{number}", draw(names), draw(arguments)))
        else:
            blocks.append(Text(draw(spoken), kind == "refusal"))
    called = any(isinstance(block, ToolUse) for block in blocks)
    ends = [StopReason.LENGTH, StopReason.REFUSAL, StopReason.PAUSE]
    reason = draw(st.sampled_from([StopReason.TOOL_USE if called else StopReason.END, *ends]))
    said = {block.refusal for block in blocks if isinstance(block, Text)}
    if reason is StopReason.END and said == {True}:
        reason = StopReason.REFUSAL
    return Reply("resp_1", tuple(blocks), reason, draw(usages()))


ASKED = Request("gpt-x", (Message("user", (Text("x"),)),), echo_reasoning=True)


def unwrapped(reply: Reply) -> Reply:
    """The reader seals what it reads; open that one layer again."""
    blocks = []
    for block in reply.blocks:
        if isinstance(block, Thinking) and block.signature:
            sealed = unseal(block.signature, "gr1.", MODEL.id)
            assert sealed is not None
            assert sealed["i"].startswith("rs_")
            block = replace(block, signature=sealed["e"])
        blocks.append(block)
    return replace(reply, blocks=tuple(blocks))


@given(replies(), st.sampled_from([1, 7, 4096]))
def test_the_reader_reads_what_the_writer_writes(reply, size):
    assert unwrapped(reply_of(written(reply, ASKED), size)) == reply


@given(replies())
def test_the_unstreamed_answer_says_what_the_stream_says(reply):
    streamed = payloads_of(written(reply, ASKED))[-1]["response"]
    whole = DIALECT.render_reply(reply, ASKED)

    def anonymous(response):
        items = [{k: v for k, v in item.items() if k != "id"} for item in response["output"]]
        return {**response, "created_at": 0, "output": items}

    assert anonymous(streamed) == anonymous(whole)
    assert fold(unfold(reply)) == reply


# ------------------------------------------------------------------------------------- requests

pictures = st.sampled_from([Image("image/png", "iVBORw0KGgoA"), Image("image/gif", "R0lGODlh")])
declared = st.lists(
    st.builds(
        Tool,
        name=names,
        description=words | st.just(""),
        schema=st.just({"type": "object", "properties": {"a": {"type": "string"}}}),
        strict=st.just(False),
    ),
    max_size=3,
    unique_by=lambda tool: tool.name,
)


@st.composite
def conversations(draw):
    """Prepared histories: turns alternate, each call is answered at once, results lead."""
    messages = []
    for turn in range(draw(st.integers(1, 3))):
        results = ()
        if turn:
            calls = tuple(
                ToolUse(f"c{turn}_{n}", draw(names), draw(arguments))
                for n in range(draw(st.integers(0, 2)))
            )
            thoughts = tuple(
                Thinking(draw(words), seal("gr1.", MODEL.id, i="rs_1", e="ENC"))
                for _ in range(draw(st.integers(0, 1)))
            )
            said = tuple(Text(text) for text in draw(st.lists(words, max_size=2)))
            if not calls and not said:
                said = (Text("ok"),)
            messages.append(Message("assistant", thoughts + said + calls))
            results = tuple(
                ToolResult(call.id, (Text(draw(words)), *draw(st.lists(pictures, max_size=1))))
                for call in calls
            )
        if not results or draw(st.booleans()):
            results += (Text(draw(words)), *draw(st.lists(pictures, max_size=1)))
        messages.append(Message("user", results))
    return tuple(messages)


@given(
    st.builds(
        Request,
        model=st.just(MODEL.id),
        messages=conversations(),
        system=st.lists(words.map(Text), max_size=1).map(tuple),
        tools=declared.map(tuple),
        parallel_tools=st.sampled_from([None, False, True]),
        max_tokens=st.none() | st.integers(16, 10**6),
        temperature=st.none() | st.floats(0, 2),
        effort=st.none() | st.sampled_from([Effort.LOW, Effort.MEDIUM, Effort.HIGH]),
        stream=st.just(True),
        echo_reasoning=st.just(True),
    )
)
def test_a_rendered_request_parses_back(request):
    body = json.loads(json.dumps(DIALECT.render_request(request, MODEL)))
    # Reasoning that Copilot encrypted is no client's to translate; seal it as a client would.
    for item in body["input"]:
        if item["type"] == "reasoning":
            item["encrypted_content"] = seal(
                "gr1.", MODEL.id, i=item["id"], e=item["encrypted_content"]
            )
    expected = request if request.tools else replace(request, parallel_tools=None)
    parsed = DIALECT.parse_request(body)
    assert parsed == expected
    assert DIALECT.cannot(request, MODEL) == ()
