"""GitHub's own Copilot CLI with another provider: variables only, there is no file for them."""

from __future__ import annotations

from copilot_desktop.integrations.tool import USUAL, Instruction, Launch, Link, Machine, Tool


def _launch(machine: Machine, link: Link) -> Launch:
    main = link.model("main")
    chosen = {}
    if main:
        chosen = {
            "COPILOT_MODEL": main.id,
            "COPILOT_PROVIDER_MAX_PROMPT_TOKENS": str(main.max_prompt),
            "COPILOT_PROVIDER_MAX_OUTPUT_TOKENS": str(main.max_output),
        }
    return Launch(
        env={
            "COPILOT_PROVIDER_BASE_URL": link.openai,
            "COPILOT_PROVIDER_TYPE": "openai",
            "COPILOT_PROVIDER_API_KEY": link.key,
            **chosen,
        }
    )


TOOL = Tool(
    id="copilot-cli",
    name="Copilot CLI",
    source="Copilot CLI 1.0.102, run with these variables",
    way="by_hand",
    programs=("copilot",),
    proof=("@github/copilot", "copilot-cli"),
    traces=lambda machine: (machine.home / ".copilot",),
    roles=(USUAL,),
    launch=_launch,
    steps=(
        Instruction("run"),
        Instruction("url", "openai"),
        Instruction("key", "key"),
        Instruction("model", "model"),
    ),
)
