"""What every Copilot call must bring, in the order of `upstream.md` 13."""

from __future__ import annotations

import pytest

from copilot_desktop.demo import Scenario

PATHS = {
    "/chat/completions": ("gpt-4.1", "messages"),
    "/responses": ("gpt-5.4", "input"),
    "/v1/messages": ("claude-sonnet-4.6", "messages"),
}
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg"
    "=="
)


def body(path: str, text: str = "Hello", **more):
    model, key = PATHS[path]
    extra = {"max_tokens": 100} if path == "/v1/messages" else {}
    return {"model": model, key: [{"role": "user", "content": text}], **extra, **more}


pytestmark = pytest.mark.parametrize("path", PATHS)


async def test_a_good_call_is_answered_and_named(caller, path):
    answer = await caller.post(path, body(path), **{"X-Request-Id": "mine"})
    assert answer.status == 200
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["x-github-request-id"]


@pytest.mark.parametrize(
    ("header", "status"),
    [("", 401), ("Bearer", 400), ("token abc", 400), ("Bearer unknown", 401)],
)
async def test_authorization(caller, path, header, status):
    answer = await caller.post(path, body(path), Authorization=header)
    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/plain")


async def test_an_expired_token_is_told_apart(caller, path):
    caller.fake.tokens.expire()
    answer = await caller.post(path, body(path))
    assert (answer.status, "token expired" in answer.text) == (401, True)
    await caller.exchange()
    assert (await caller.post(path, body(path))).status == 200


async def test_the_editor_version_is_needed(caller, path):
    del caller.headers["Editor-Version"]
    answer = await caller.post(path, body(path))
    assert (answer.status, answer.text.strip()) == (
        400,
        "bad request: missing Editor-Version header for IDE auth",
    )


async def test_some_github_tokens_are_taken_directly(caller, path):
    del caller.headers["Editor-Version"]
    for kind, status in (("gho_", 200), ("ghu_", 401)):
        token = caller.fake.tokens.give(kind)
        answer = await caller.post(path, body(path), Authorization=f"Bearer {token}")
        assert answer.status == status


async def test_an_old_api_version_is_refused(caller, path):
    answer = await caller.post(path, body(path), **{"X-GitHub-Api-Version": "2024-01-01"})
    assert answer.status == 466
    assert "no longer supported" in answer.text


async def test_models_and_endpoints(caller, path):
    unknown = await caller.post(path, body(path, model="gpt-9"))
    assert (unknown.status, unknown.error["code"]) == (400, "model_not_supported")
    assert unknown.headers["content-type"].startswith("text/plain"), "JSON in disguise"
    wrong = {"/chat/completions": "gpt-5.3-codex"}.get(path, "gemini-3.1-pro-preview")
    answer = await caller.post(path, body(path, model=wrong))
    assert answer.error == {
        "code": "unsupported_api_for_model",
        "message": f'model "{wrong}" is not accessible via the {path} endpoint',
    }


async def test_a_prompt_can_be_too_long(calling, path):
    async with calling(Scenario(pace=0)) as caller:
        await caller.exchange()
        answer = await caller.post(path, body(path, "word " * 300_000))
        assert answer.error["code"] == "model_max_prompt_tokens_exceeded"
        assert answer.error["message"].startswith("prompt token count of 375")


@pytest.mark.parametrize("raw", [b"{", b"[]", b"", b'"text"', b"\xff"])
async def test_broken_bodies(caller, path, raw):
    headers = {**caller.headers, "Content-Type": "application/json"}
    answer = await caller.send("POST", path, data=raw, headers=headers)
    assert (answer.status, answer.error["code"]) == (400, "invalid_request_body")


async def test_odd_types_do_not_break_the_fake(caller, path):
    _, key = PATHS[path]
    for value in (7, [7], [{"role": 7}], {"a": 1}, [[]], [{"role": "user", "content": [7]}]):
        assert (await caller.post(path, body(path) | {key: value})).status == 400
    for name in ("tools", "tool_choice", "reasoning", "thinking", "text", "stop", "temperature"):
        assert (await caller.post(path, body(path, **{name: ["a", 7]}))).status in {200, 400}


async def test_images_need_a_header(caller, path):
    url = f"data:image/png;base64,{PIXEL}"
    part = {
        "/chat/completions": {"type": "image_url", "image_url": {"url": url}},
        "/responses": {"type": "input_image", "image_url": url},
        "/v1/messages": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
        },
    }[path]
    sent = body(path, [part])
    blind = await caller.post(path, sent)
    assert (blind.status, "Copilot-Vision-Request" in blind.text) == (400, True)
    seen = await caller.post(path, sent, **{"Copilot-Vision-Request": "true"})
    assert (seen.status, "I see 1 image" in seen.text) == (200, True)


async def test_remote_images_are_refused(caller, path):
    url = "https://example.org/cat.png"
    part = {
        "/chat/completions": {"type": "image_url", "image_url": {"url": url}},
        "/responses": {"type": "input_image", "image_url": url},
        "/v1/messages": {"type": "image", "source": {"type": "url", "url": url}},
    }[path]
    answer = await caller.post(path, body(path, [part]), **{"Copilot-Vision-Request": "true"})
    assert answer.error["message"] == "external image URLs are not supported"
