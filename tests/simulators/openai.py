"""The OpenAI API on loopback, for openai and whatever else speaks its protocol.

Rules: https://platform.openai.com/docs/api-reference (chat, embeddings, models, errors)
"""

import base64
from typing import Any

import numpy as np

from tests.simulators import openai_errors as errors
from tests.simulators import openai_requests as requests
from tests.simulators.embedding import embed
from tests.simulators.faults import Answer, Behaviour, Blocked, Empty, Operation, Status
from tests.simulators.loopback import Request
from tests.simulators.model_server import (
    ModelServer,
    Refused,
    Reply,
    event,
    json_reply,
    main,
    tokens,
)

CHAT_MODELS = {"gpt-4o-mini", "gpt-4.1-mini", "gpt-5-mini"}
# The number is the default and the greatest of `dimensions`.
EMBEDDING_MODELS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
}
FIXED_DIMENSIONS = "text-embedding-ada-002"
ROLES = {"system", "developer", "user", "assistant", "tool"}
INPUT_LIMIT = 2048

PATHS: dict[str, Operation] = {
    "/v1/chat/completions": "chat",
    "/v1/embeddings": "embed",
    "/v1/models": "models",
}
DONE = b"data: [DONE]\n\n"


class OpenAISimulator(ModelServer):
    """Stands in for the OpenAI API; `url` goes into OPENAI_BASE_URL (it ends in /v1)."""

    path = "/v1"

    def operation(self, request: Request) -> Operation:
        return PATHS.get(request.path, "models")

    def error(self, fault: Status) -> Refused:
        return errors.fault_error(fault)

    def reply(self, request: Request, behaviour: Behaviour) -> Reply:
        operation = PATHS.get(request.path)
        if request.path.startswith("/v1/models/"):
            operation = "models"
        if operation is None or request.method != ("GET" if operation == "models" else "POST"):
            raise errors.error(404, f"Invalid URL ({request.method} {request.path})")
        self._check_key(request)
        if operation == "models":
            return _models(request.path.removeprefix("/v1/models").removeprefix("/"))
        body = request.body
        if not isinstance(body, dict):
            raise errors.error(400, errors.UNPARSABLE)
        known: Any = CHAT_MODELS if operation == "chat" else EMBEDDING_MODELS
        if not body.get("model"):
            raise errors.error(400, "you must provide a model parameter")
        if body["model"] not in known:
            raise errors.unknown_model(body["model"])
        return self._chat(body, behaviour) if operation == "chat" else _embed(body, behaviour)

    def _check_key(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if self.key is None:
            return
        if kind.lower() != "bearer" or not given.strip():
            raise errors.error(401, errors.KEY_MISSING)
        if given.strip() != self.key:
            raise errors.bad_key(given.strip())

    def _chat(self, body: Any, behaviour: Behaviour) -> Reply:
        prompt = _prompt(body)
        if isinstance(behaviour, Blocked):
            raise errors.error(400, errors.FLAGGED, code="invalid_prompt")
        words = tokens(self.faults.text(behaviour, prompt))
        finish = (behaviour.finish if isinstance(behaviour, Answer) else None) or "stop"
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        if limit is not None and len(words) > limit:
            words, finish = words[:limit], "length"
        if isinstance(behaviour, Empty):
            words = []
        refusal = isinstance(behaviour, Answer) and behaviour.refusal
        choice = not isinstance(behaviour, Empty) or behaviour.candidate
        usage = _usage(len(tokens(prompt)), len(words))
        if body.get("stream"):
            return _stream(body, words, finish, usage, refusal, choice)
        text = "".join(words) or None
        message = {"role": "assistant", "content": text, "refusal": None}
        if refusal:
            message |= {"content": None, "refusal": text}
        choices = [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]
        common = _common(body["model"], "chat.completion")
        return json_reply(common | {"choices": choices if choice else [], "usage": usage})


def _common(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-simulated", "object": kind, "created": 1700000000, "model": model}


def _usage(prompt: int, completion: int) -> dict[str, int]:
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    return counts | {"total_tokens": prompt + completion}


def _stream(
    body: Any, words: list[str], finish: str, usage: Any, refusal: bool, choice: bool
) -> Reply:
    """A first event with the role, one per token, one with the reason, perhaps the usage.

    The usage comes in an event whose `choices` is empty, so nobody may count on choices[0].
    """
    common = _common(body["model"], "chat.completion.chunk")
    if not choice:
        return Reply([], event(common | {"choices": []}), DONE, stream=True)

    def chunk(delta: Any, reason: str | None = None) -> bytes:
        one = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return event(common | {"choices": [one]})

    field = "refusal" if refusal else "content"
    tail = chunk({}, finish)
    if (body.get("stream_options") or {}).get("include_usage"):
        tail += event(common | {"choices": [], "usage": usage})
    head = chunk({"role": "assistant", "content": None if refusal else "", "refusal": None})
    return Reply([chunk({field: word}) for word in words], head, tail + DONE, stream=True)


def _prompt(body: Any) -> str:
    """The text of all messages; refuses what OpenAI refuses."""
    messages = body.get("messages")
    if messages is None:
        raise errors.missing("messages")
    if not isinstance(messages, list) or not messages:
        raise errors.error(400, errors.EMPTY_MESSAGES, param="messages", code="empty_array")
    if body.get("stream_options") and not body.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise errors.error(400, message, param="stream_options")
    return "\n".join(_text(turn, index) for index, turn in enumerate(messages))


def _text(turn: Any, index: int) -> str:
    role = turn.get("role") if isinstance(turn, dict) else None
    if role not in ROLES:
        raise errors.invalid_value(f"messages[{index}].role", role)
    content = turn.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(requests.part(part, f"messages[{index}].content") for part in content)
    if role == "assistant":  # may be null beside tool calls
        return ""
    message = f"Invalid value for 'content': expected a string, got {type(content).__name__}."
    raise errors.error(400, message, param=f"messages.[{index}].content")


def _embed(body: Any, behaviour: Behaviour) -> Reply:
    texts = body.get("input")
    texts = [texts] if isinstance(texts, str) else texts
    usable = isinstance(texts, list) and 0 < len(texts) <= INPUT_LIMIT
    if not usable or not all(isinstance(text, str) and text for text in texts):
        raise errors.error(400, errors.BAD_INPUT)
    model = body["model"]
    full = EMBEDDING_MODELS[model]
    dimensions = body.get("dimensions", full)
    if "dimensions" in body and model == FIXED_DIMENSIONS:
        raise errors.error(400, "This model does not support specifying dimensions.")
    if not isinstance(dimensions, int) or not 0 < dimensions <= full:
        raise errors.bad_dimensions(dimensions, full)
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise errors.invalid_value("encoding_format", encoding)
    vectors = [_vector(model, text, dimensions, encoding) for text in texts]
    data = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    count = sum(len(tokens(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    if isinstance(behaviour, Empty):
        data = []
    return json_reply({"object": "list", "data": data, "model": model, "usage": usage})


def _vector(model: str, text: str, dimensions: int, encoding: str) -> str | list[float]:
    """OpenAI normalises after shortening; base64 holds little-endian 32-bit floats."""
    vector = embed(model, text, EMBEDDING_MODELS[model])[:dimensions]
    vector = vector / (vector @ vector) ** 0.5
    if encoding == "base64":
        return base64.b64encode(vector.astype(np.dtype("<f4")).tobytes()).decode()
    return [round(value, 9) for value in vector.tolist()]


def _models(name: str) -> Reply:
    known = [
        {"id": model, "object": "model", "created": 1700000000, "owned_by": "system"}
        for model in [*sorted(CHAT_MODELS), *EMBEDDING_MODELS]
    ]
    if not name:
        return json_reply({"object": "list", "data": known})
    for model in known:
        if model["id"] == name:
            return json_reply(model)
    raise errors.unknown_model(name)


if __name__ == "__main__":
    main(OpenAISimulator, 9002)
