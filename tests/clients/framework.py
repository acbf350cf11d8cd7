"""An agent as a person would write it with openai-agents; runs in that package's own environment.

    python framework.py BASE_URL chat|responses MODEL TASK

Prints one JSON object with the final output.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from agents import (
    Agent,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
)
from openai import AsyncOpenAI


@function_tool
def write_file(path: str, content: str) -> str:
    """Write a text file in the working directory."""
    Path(path).write_text(content)
    return f"{path} was written."


@function_tool
def run_command(command: str) -> str:
    """Run a shell command and return what it prints."""
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, timeout=30, check=False
    )
    return done.stdout + done.stderr


def main(url: str, wire: str, model: str, task: str) -> None:
    kind = OpenAIChatCompletionsModel if wire == "chat" else OpenAIResponsesModel
    client = AsyncOpenAI(base_url=url)
    agent = Agent(
        name="Assistant",
        instructions="You are helpful. Use the tools.",
        tools=[write_file, run_command],
        model=kind(model, client),
    )
    result = Runner.run_sync(agent, task)
    sys.stdout.write(json.dumps({"final_output": result.final_output}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
