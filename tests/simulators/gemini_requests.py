"""What Google refuses in a request of the Gemini API.

Rules: https://ai.google.dev/api/generate-content and https://ai.google.dev/api/embeddings
"""

from typing import Any

from tests.simulators import gemini_errors as errors
from tests.simulators import pictures

BATCH_LIMIT = 100
PICTURE_TYPES = {"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"}
TASK_TYPES = {
    "TASK_TYPE_UNSPECIFIED",
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
}
GENERATE_FIELDS = {
    "model",
    "contents",
    "systemInstruction",
    "generationConfig",
    "safetySettings",
    "tools",
    "toolConfig",
    "cachedContent",
    "store",
    "serviceTier",
    "labels",
}


def prompt(body: Any) -> str:
    """The text of the request, system instruction first; refuses what Google refuses."""
    if unknown := sorted(set(body) - GENERATE_FIELDS):
        raise errors.bad_payload(f'Unknown name "{unknown[0]}": Cannot find field.')
    contents = body.get("contents")
    if not contents:
        raise errors.bad_field("GenerateContentRequest.contents", "contents is not specified")
    if not isinstance(contents, list):
        raise errors.bad_payload("Proto field is repeating, cannot start list.")
    system = body.get("systemInstruction")
    texts = [text(system, "systemInstruction")] if system is not None else []
    for index, content in enumerate(contents):
        texts.append(said(content, f"contents[{index}]"))
        if content.get("role", "user") not in ("user", "model"):
            raise errors.error(400, "Please use a valid role: user, model.")
    return "\n".join(texts)


def text(content: Any, field: str, message: str = "GenerateContentRequest") -> str:
    parts = content.get("parts") if isinstance(content, dict) else None
    if not parts or not isinstance(parts, list):
        raise errors.bad_field(f"{message}.{field}.parts", "contents.parts must not be empty.")
    for index, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            where = f"{message}.{field}.parts[{index}].data"
            raise errors.bad_field(
                where, "required oneof field 'data' must have one initialized field"
            )
    return "\n".join(part["text"] for part in parts)


def said(content: Any, field: str) -> str:
    """The text of a turn of the conversation, with a mark where a picture stands."""
    if isinstance(content, dict) and isinstance(content.get("parts"), list):
        parts = [
            {"text": picture(part["inlineData"], f"{field}.parts[{index}]")}
            if isinstance(part, dict) and "inlineData" in part
            else part
            for index, part in enumerate(content["parts"])
        ]
        content = content | {"parts": parts}
    return text(content, field)


def picture(blob: Any, field: str) -> str:
    """The mark of a picture; refuses what isn't base64, isn't one, or is of a type not taken."""
    # The SDK writes it in the one way, the documentation in the other; both are taken.
    mime = blob.get("mimeType", blob.get("mime_type")) if isinstance(blob, dict) else None
    data = pictures.decoded(blob.get("data")) if isinstance(blob, dict) else None
    if data is None:
        where = f"Invalid value at '{field}.inline_data.data' (TYPE_BYTES)"
        raise errors.bad_payload(f"{where}, Base64 decoding failed")
    if mime not in PICTURE_TYPES:
        raise errors.error(400, f"Unsupported MIME type: {mime or ''}")
    if (mark := pictures.mark(data)) is None:
        raise errors.error(
            400,
            "Unable to process input image. Please retry or report in "
            "https://developers.generativeai.google/guide/troubleshooting",
        )
    return mark


def batch(model: str, body: Any) -> list[Any]:
    """The requests of a batch; refuses too many, and one for another model."""
    requests = body.get("requests")
    field = "BatchEmbedContentsRequest.requests"
    if not requests or not isinstance(requests, list):
        raise errors.bad_field(field, "requests is not specified")
    if len(requests) > BATCH_LIMIT:
        raise errors.bad_field(field, f"at most {BATCH_LIMIT} requests can be in one batch")
    for index, one in enumerate(requests):
        if not isinstance(one, dict) or one.get("model") != f"models/{model}":
            raise errors.bad_field(
                f"{field}[{index}].model", "model in the request does not match that of the batch"
            )
    return requests


def embeddable(body: Any, message: str, full: int) -> tuple[str, int]:
    """The text of one content, however many parts it has, and the dimensions wanted of it."""
    words = text(body.get("content"), "content", message)
    if not words.strip():
        raise errors.bad_field(f"{message}.content", "content is empty")
    if body.get("taskType", "RETRIEVAL_QUERY") not in TASK_TYPES:
        raise errors.bad_payload("Invalid value at 'task_type'.")
    dimensions = body.get("outputDimensionality", full)
    if not isinstance(dimensions, int) or not 0 < dimensions <= full:
        raise errors.bad_field(f"{message}.output_dimensionality", f"must be from 1 to {full}")
    return words, dimensions
