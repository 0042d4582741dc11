"""The Gemini API (generativelanguage.googleapis.com) on loopback, for google-genai.

Rules: https://ai.google.dev/api (what is refused, and why, stands in gemini_requests)
"""

import re
from typing import Any

from tests.simulators import gemini_errors as errors
from tests.simulators import gemini_requests as requests
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

CHAT_MODELS = {"gemini-3.5-flash-lite", "gemini-3.5-flash", "gemini-3.6-flash"}
# The number is the default and the greatest of outputDimensionality.
EMBEDDING_MODELS = {"gemini-embedding-001": 3072, "gemini-embedding-2": 3072}
# This one leaves the normalising of shortened vectors to the caller.
UNNORMALISED = "gemini-embedding-001"
PAYLOAD_LIMIT = 4 * 1024 * 1024
# With these the stop keeps what was written; every other reason withholds the content.
KEEPING = {"STOP", "MAX_TOKENS", "OTHER", "FINISH_REASON_UNSPECIFIED"}

PATH = re.compile(r"^/(?P<version>v1|v1beta)/models(/(?P<model>[^/:]+))?(:(?P<method>\w+))?$")
OPERATIONS: dict[str, Operation] = {
    "generateContent": "chat",
    "streamGenerateContent": "chat",
    "embedContent": "embed",
    "batchEmbedContents": "embed",
}
METHODS = {None, *OPERATIONS}


class GeminiSimulator(ModelServer):
    """Stands in for the Gemini API; `url` goes into GEMINI_BASE_URL (without version path)."""

    def operation(self, request: Request) -> Operation:
        match = PATH.match(request.path)
        return OPERATIONS.get(match["method"] or "", "models") if match else "models"

    def error(self, fault: Status) -> Refused:
        return errors.fault_error(fault)

    def reply(self, request: Request, behaviour: Behaviour) -> Reply:
        match = PATH.match(request.path)
        verb = "POST" if match and match["method"] else "GET"
        if match is None or match["method"] not in METHODS or request.method != verb:
            raise Refused(404, errors.NOT_FOUND_PAGE)
        self._check_key(request)
        model, method = match["model"], match["method"]
        if method is None:
            return _models(model, match["version"])
        if len(request.raw) > PAYLOAD_LIMIT:
            limit = f"Request payload size exceeds the limit: {PAYLOAD_LIMIT} bytes."
            raise errors.error(400, limit)
        body = request.body
        if not isinstance(body, dict):
            raise errors.bad_payload("Expected an object.")
        chat = OPERATIONS[method] == "chat"
        if model not in (CHAT_MODELS if chat else EMBEDDING_MODELS):
            raise _unknown_model(model, match["version"], f"is not supported for {method}")
        if chat:
            frames = self._frames(model, requests.prompt(body), body, behaviour)
            return _answer(frames, method, request.query.get("alt"))
        if method == "batchEmbedContents":
            return _embed_batch(model, body, behaviour)
        return json_reply({"embedding": _embed(model, body, "EmbedContentRequest")})

    def _check_key(self, request: Request) -> None:
        """No key at all is a 403, a wrong one a 400."""
        given = request.headers.get("x-goog-api-key", request.query.get("key"))
        if self.key is None:
            return
        if not given:
            raise errors.error(403, errors.KEY_MISSING)
        if given != self.key:
            raise errors.bad_key()

    def _frames(self, model: str, prompt: str, body: Any, behaviour: Behaviour) -> list[Any]:
        """The responses of a stream: one for each token, and a last one with the reason."""
        usage = {"promptTokenCount": len(tokens(prompt)), "totalTokenCount": len(tokens(prompt))}
        common = {"usageMetadata": usage, "modelVersion": model, "responseId": "simulated"}
        if isinstance(behaviour, Blocked):
            return [{"promptFeedback": {"blockReason": behaviour.reason}, **common}]
        if isinstance(behaviour, Empty):
            bare = {"content": {"role": "model"}, "finishReason": "STOP", "index": 0}
            return [{"candidates": [bare], **common} if behaviour.candidate else common]
        words = tokens(self.faults.text(behaviour, prompt))
        finish = behaviour.finish if isinstance(behaviour, Answer) else None
        limit = (body.get("generationConfig") or {}).get("maxOutputTokens")
        if limit is not None and len(words) > limit:
            words, finish = words[:limit], finish or "MAX_TOKENS"
        usage |= {"candidatesTokenCount": len(words)}
        usage["totalTokenCount"] += len(words)
        last = {"finishReason": finish or "STOP", "index": 0}
        return [
            *({"candidates": [{"content": _said(word), "index": 0}], **common} for word in words),
            {"candidates": [last], **common},
        ]


def _answer(frames: list[Any], method: str, alt: str | None) -> Reply:
    """A stream is an array of responses, unless the client asks for server-sent events."""
    if method == "generateContent":
        return json_reply(_joined(frames))
    if alt != "sse":
        return json_reply(frames)
    *pieces, tail = [event(frame) for frame in frames]
    return Reply(pieces, tail=tail, stream=True)


def _said(text: str) -> dict[str, Any]:
    return {"role": "model", "parts": [{"text": text}]}


def _joined(frames: list[Any]) -> Any:
    """The one response that is not streamed; a withheld answer has no content at all."""
    *parts, last = frames
    if "candidates" not in last or "content" in last["candidates"][0]:
        return last
    candidate = dict(last["candidates"][0])
    if candidate["finishReason"] in KEEPING:
        texts = [part["candidates"][0]["content"]["parts"][0]["text"] for part in parts]
        candidate["content"] = _said("".join(texts)) if texts else {"role": "model"}
    return last | {"candidates": [candidate]}


def _embed(model: str, body: Any, message: str) -> Any:
    full = EMBEDDING_MODELS[model]
    text, dimensions = requests.embeddable(body, message, full)
    vector = embed(model, text, full)[:dimensions]
    if model != UNNORMALISED:
        vector = vector / (vector @ vector) ** 0.5
    return {"values": [round(value, 9) for value in vector.tolist()]}


def _embed_batch(model: str, body: Any, behaviour: Behaviour) -> Reply:
    batch = requests.batch(model, body)
    vectors = [_embed(model, one, f"requests[{index}]") for index, one in enumerate(batch)]
    return json_reply({} if isinstance(behaviour, Empty) else {"embeddings": vectors})


def _models(model: str | None, version: str) -> Reply:
    if model is None:
        names = [*sorted(CHAT_MODELS), *EMBEDDING_MODELS]
        return json_reply({"models": [_model(name) for name in names]})
    if model not in CHAT_MODELS and model not in EMBEDDING_MODELS:
        raise _unknown_model(model, version, "is not supported")
    return json_reply(_model(model))


def _model(name: str) -> Any:
    kind: Operation = "chat" if name in CHAT_MODELS else "embed"
    methods = [method for method, operation in OPERATIONS.items() if operation == kind]
    limits = {"inputTokenLimit": 1048576 if kind == "chat" else 2048, "outputTokenLimit": 65536}
    about = {"name": f"models/{name}", "version": "001", "displayName": name}
    return about | limits | {"supportedGenerationMethods": methods}


def _unknown_model(model: str | None, version: str, why: str) -> Refused:
    return errors.error(
        404,
        f"models/{model} is not found for API version {version}, or {why}. Call ListModels to see "
        "the list of available models and their supported methods.",
    )


if __name__ == "__main__":
    main(GeminiSimulator, 9001)
