"""What the assistant says and does: the same on every endpoint."""

from __future__ import annotations

import json
from typing import Any

import pytest

SCHEMAS = {
    "Write": {"file_path": {"type": "string"}, "content": {"type": "string"}},
    "write": {"filePath": {"type": "string"}, "content": {"type": "string"}},
    "Read": {"file_path": {"type": "string"}, "limit": {"type": "number"}},
    "Edit": {"file_path": {"type": "string"}, "content": {"type": "string"}},
    "bash": {"command": {"type": "string"}, "description": {"type": "string"}},
    "shell": {"command": {"type": "array", "items": {"type": "string"}}},
    "exec_command": {"cmd": {"type": "string"}},
    "apply_patch": {"input": {"type": "string"}},
    "run_shell_command": {"command": {"type": "string"}, "is_background": {"type": "boolean"}},
    "run_commands": {"commands": {"type": "array", "items": {"type": "string"}}},
    "view_image": {"path": {"type": "string"}},
    "create_issue": {"title": {"type": "string"}},
    "get_weather": {"city": {"type": "string"}},
}


class Dialect:
    """The least that a test needs to hold a conversation on one endpoint."""

    path = model = ""

    def tool(self, name: str, required: list[str]) -> Any:
        raise NotImplementedError

    def schema(self, name: str, required: list[str]) -> Any:
        fields = SCHEMAS[name]
        return {"type": "object", "properties": fields, "required": required or list(fields)}


class Chat(Dialect):
    path, model = "/chat/completions", "gpt-4.1"

    def tool(self, name, required=()):
        function = {"name": name, "parameters": self.schema(name, list(required))}
        return {"type": "function", "function": function}

    def body(self, turns, **more):
        return {"messages": turns, **more}

    def heard(self, answer):
        message = answer["choices"][0]["message"]
        calls = message.get("tool_calls") or []
        made = [
            (call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls
        ]
        return message.get("content") or "", made

    def answered(self, answer, text):
        message = answer["choices"][0]["message"]
        calls = message["tool_calls"]
        return [
            {"role": "assistant", "content": None, "tool_calls": calls},
            *({"role": "tool", "tool_call_id": call["id"], "content": text} for call in calls),
        ]


class Responses(Dialect):
    path, model = "/responses", "gpt-5.3-codex"

    def tool(self, name, required=()):
        return {"type": "function", "name": name, "parameters": self.schema(name, list(required))}

    def body(self, turns, **more):
        return {"input": turns, **more}

    def heard(self, answer):
        text, calls = "", []
        for item in answer["output"]:
            if item["type"] == "message":
                text += item["content"][0]["text"]
            elif item["type"] == "function_call":
                calls.append((item["name"], json.loads(item["arguments"])))
        return text, calls

    def answered(self, answer, text):
        calls = [item for item in answer["output"] if item["type"] == "function_call"]
        fields = ("type", "call_id", "name", "arguments")
        return [
            *({field: call[field] for field in fields} for call in calls),
            *(
                {"type": "function_call_output", "call_id": call["call_id"], "output": text}
                for call in calls
            ),
        ]


class Messages(Dialect):
    path, model = "/v1/messages", "claude-sonnet-4.6"

    def tool(self, name, required=()):
        return {"name": name, "input_schema": self.schema(name, list(required))}

    def body(self, turns, **more):
        return {"messages": turns, "max_tokens": 4096, **more}

    def heard(self, answer):
        blocks = answer["content"]
        text = "".join(block["text"] for block in blocks if block["type"] == "text")
        calls = [(block["name"], block["input"]) for block in blocks if block["type"] == "tool_use"]
        return text, calls

    def answered(self, answer, text):
        calls = [block for block in answer["content"] if block["type"] == "tool_use"]
        results = [
            {"type": "tool_result", "tool_use_id": call["id"], "content": text} for call in calls
        ]
        return [
            {"role": "assistant", "content": answer["content"]},
            {"role": "user", "content": results},
        ]


@pytest.fixture(params=[Chat(), Responses(), Messages()], ids=["chat", "responses", "messages"])
def dialect(request):
    return request.param


@pytest.fixture
def ask(caller, dialect):
    """Ask and get the raw body, the text and the calls."""

    async def asking(turns, tools=(), **more):
        turns = [{"role": "user", "content": turns}] if isinstance(turns, str) else turns
        if tools:
            more["tools"] = [dialect.tool(name) for name in tools]
        body = {"model": dialect.model, **dialect.body(turns, **more)}
        answer = await caller.post(dialect.path, body)
        assert answer.status == 200, answer.text
        return answer.json, *dialect.heard(answer.json)

    return asking


async def test_it_says_what_it_heard_and_that_it_is_a_demo(ask):
    _, text, calls = await ask("Grüße ✓")
    assert text.startswith("You said: “Grüße ✓”")
    assert "demo" in text
    assert calls == []


@pytest.mark.parametrize(
    ("tools", "name", "arguments"),
    [
        (["Read", "Write"], "Write", {"file_path": "a.txt", "content": "Two words"}),
        (["Edit", "bash", "write"], "write", {"filePath": "a.txt", "content": "Two words"}),
        (
            ["bash"],
            "bash",
            {"command": "printf '%s\\n' 'Two words' > a.txt", "description": "demo"},
        ),
        (["exec_command"], "exec_command", {"cmd": "printf '%s\\n' 'Two words' > a.txt"}),
        (
            ["shell"],
            "shell",
            {"command": ["bash", "-lc", "printf '%s\\n' 'Two words' > a.txt"]},
        ),
        (
            ["exec_command", "apply_patch"],
            "apply_patch",
            {"input": "*** Begin Patch\n*** Add File: a.txt\n+Two words\n*** End Patch\n"},
        ),
    ],
)
async def test_it_finds_the_tool_that_writes(ask, tools, name, arguments):
    _, _, calls = await ask("demo: write a.txt Two words", tools)
    assert calls == [(name, arguments)]


async def test_it_finds_the_tools_that_read_and_run(ask):
    _, _, calls = await ask("demo: read a.txt", ["Write", "Read", "bash"])
    assert calls == [("Read", {"file_path": "a.txt", "limit": 1})]
    for name, arguments in (
        ("exec_command", {"cmd": "ls -la"}),
        ("run_shell_command", {"command": "ls -la", "is_background": False}),
        ("run_commands", {"commands": ["ls -la"]}),
    ):
        _, _, calls = await ask("demo: run ls -la", ["Read", name])
        assert calls == [(name, arguments)]
    _, _, calls = await ask("demo: read a.txt", ["view_image", "exec_command"])
    assert calls == [("exec_command", {"cmd": "cat a.txt"})]


async def test_a_task_of_several_steps_is_finished(ask, dialect):
    turns = [{"role": "user", "content": "Please:\ndemo: write a.txt A\ndemo: run cat a.txt"}]
    tools = ["Write", "bash"]
    seen = []
    for result in ("written", "A"):
        answer, _, calls = await ask(turns, tools)
        seen += calls
        turns += dialect.answered(answer, result)
    _, text, calls = await ask(turns, tools)
    assert [name for name, _ in seen] == ["Write", "bash"]
    assert (calls, text) == ([], "Done. The tool answered:\nA")


async def test_calls_side_by_side(ask, dialect):
    turns = [{"role": "user", "content": "demo: write a A\ndemo: and write b B"}]
    answer, _, calls = await ask(turns, ["Write"])
    assert [arguments["file_path"] for _, arguments in calls] == ["a", "b"]
    turns += dialect.answered(answer, "fine")
    _, text, _ = await ask(turns, ["Write"])
    assert text == "Done. The tools answered:\nfine\nfine"


async def test_exact_calls_and_words(ask):
    script = 'demo: say Let me look.\ndemo: call get_weather {"city": "Æ"}'
    _, text, calls = await ask(script, ["get_weather"])
    assert (text, calls) == ("Let me look.", [("get_weather", {"city": "Æ"})])


async def test_reminders_around_a_script_are_not_heard(ask, dialect):
    turns = [
        {"role": "user", "content": "<environment_context>demo: say No</environment_context>"},
        {"role": "user", "content": "demo: run pwd"},
    ]
    answer, _, calls = await ask(turns, ["bash"])
    assert calls[0][0] == "bash"
    turns += dialect.answered(answer, "/")
    turns.append({"role": "user", "content": "<system-reminder>Be good.</system-reminder>"})
    _, text, _ = await ask(turns, ["bash"])
    assert text.startswith("Done.")


async def test_a_new_message_starts_anew(ask, dialect):
    turns = [{"role": "user", "content": "demo: run pwd"}]
    answer, _, _ = await ask(turns, ["bash"])
    turns += dialect.answered(answer, "/")
    turns += [{"role": "assistant", "content": "Done."}, {"role": "user", "content": "Thanks"}]
    _, text, calls = await ask(turns, ["bash"])
    assert calls == []
    assert "Thanks" in text


async def test_a_message_that_names_a_tool_gets_one_call(ask, dialect):
    turns = [{"role": "user", "content": "What is the weather in Rome?"}]
    answer, _, calls = await ask(turns, ["get_weather", "bash"])
    assert calls == [("get_weather", {"city": "Rome"})]
    turns += dialect.answered(answer, "21 °C")
    _, text, calls = await ask(turns, ["get_weather", "bash"])
    assert (calls, text) == ([], "Done. The tool answered:\n21 °C")


async def test_agents_tools_are_not_used_without_being_asked(ask):
    tools = ["Write", "Read", "bash", "exec_command", "apply_patch", "create_issue"]
    for text in (
        "Write a poem about the sea",
        "What is in this file?",
        "Explain the command",
        "Fix this issue",
        "Use Write and create_issue",
    ):
        _, _, calls = await ask(text, tools)
        assert calls == []


async def test_without_a_fitting_tool_it_says_so(ask):
    _, text, calls = await ask("demo: write a A")
    assert (calls, "no tool was offered" in text) == ([], True)
    _, text, calls = await ask("demo: write a A", ["get_weather"])
    assert (calls, "can write" in text) == ([], True)


async def test_a_pause_and_a_failure(caller, dialect):
    body = dialect.body([{"role": "user", "content": "demo: pause 0.01\ndemo: fail"}])
    answer = await caller.post(dialect.path, {"model": dialect.model, **body})
    assert (answer.status, answer.error["code"]) == (502, "upstream_error")


async def test_a_long_answer(ask):
    _, text, _ = await ask("demo: count 3000")
    assert text.split() == [str(number) for number in range(1, 3001)]


@pytest.mark.parametrize(
    "said",
    [
        "# Environment\n - Primary working directory: /home/me/project\n",
        "<env>\n  Working directory: /home/me/project\n",
        "<cwd>/home/me/project</cwd>",
        "I'm currently working in the directory: /home/me/project\n",
        "# Current Working Directory (/home/me/project) Files",
    ],
)
async def test_a_full_path_is_given_if_the_client_says_where_it_works(caller, said):
    dialect = Messages()
    body = dialect.body([{"role": "user", "content": "demo: write a.txt A"}])
    body["system"] = said
    body["tools"] = [dialect.tool("Write")]
    answer = await caller.post(dialect.path, {"model": dialect.model, **body})
    assert dialect.heard(answer.json)[1][0][1]["file_path"] == "/home/me/project/a.txt"
