"""Slack's size limits (https://docs.slack.dev/reference/block-kit/blocks)."""

import json
from collections.abc import Iterator
from typing import Any

from tests.simulators.slack.errors import Refused, invalid_arguments, invalid_blocks
from tests.simulators.slack.state import JSON

TEXT = 40_000  # chat.postMessage cuts off what is longer
UPDATE_TEXT = 4_000  # chat.update refuses what is longer
BLOCKS = 50
MODAL_BLOCKS = 100
ALL_BLOCK_TEXT = 13_200
SECTION, FIELDS, FIELD, HEADER = 3_000, 10, 2_000, 150
MARKDOWN = 12_000  # all markdown blocks of a message together, and each markdown_text
CONTEXT, ACTIONS, CONTEXT_ACTIONS = 10, 25, 5
BUTTON_TEXT, VALUE, ACTION_ID = 75, 2_000, 255
PRIVATE_METADATA, TITLE = 3_000, 24
TYPES = set(
    "section header markdown divider context actions context_actions image input rich_text "
    "video file table task_card plan card carousel alert".split()
)


def decoded(value: Any, name: str) -> Any:
    """A structure, which forms carry as a JSON string."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            raise Refused("invalid_json" if name == "json" else f"invalid_{name}_format") from None
    return value


def texts(part: Any) -> Iterator[str]:
    """Every text in a block, for the limit on all of them together."""
    if isinstance(part, list):
        for item in part:
            yield from texts(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name in ("text", "alt_text") and isinstance(value, str):
                yield value
            elif isinstance(value, dict | list):
                yield from texts(value)


def checked_blocks(value: Any, most: int = BLOCKS) -> list[JSON]:
    """The blocks, or Slack's refusal of them."""
    try:
        blocks = decoded(value, "blocks")
    except Refused:
        raise invalid_blocks("blocks must be valid JSON") from None
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise invalid_blocks("blocks must be an array of objects")
    problems = [f"no more than {most} items allowed"] if len(blocks) > most else []
    for index, block in enumerate(blocks):
        problems += [f"{told} [json-pointer:/blocks/{index}]" for told in _problems(block)]
    markdown = sum(len(b.get("text") or "") for b in blocks if b.get("type") == "markdown")
    if markdown > MARKDOWN:
        problems.append(f"markdown text must be no more than {MARKDOWN} characters in all")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        problems.append("block_id must be unique")
    if problems:
        raise invalid_blocks(*problems)
    if sum(map(len, texts(blocks))) > ALL_BLOCK_TEXT:
        raise Refused("msg_blocks_too_long")
    return blocks


def _problems(block: JSON) -> Iterator[str]:
    kind = block.get("type")
    if kind not in TYPES:
        yield f"unsupported type: {kind}"
    elif kind == "section":
        yield from _section(block)
    elif kind == "header":
        yield from _text(block.get("text"), HEADER, {"plain_text"})
    elif kind == "markdown" and not block.get("text"):
        yield "missing required field: text"
    elif kind in ("context", "actions", "context_actions"):
        most = {"context": CONTEXT, "actions": ACTIONS}.get(kind, CONTEXT_ACTIONS)
        elements = block.get("elements")
        if not isinstance(elements, list) or not 1 <= len(elements) <= most:
            yield f"elements: between 1 and {most} items needed"
        else:
            for element in elements:
                yield from _element(element)
    if len(str(block.get("block_id") or "")) > ACTION_ID:
        yield f"block_id must be less than {ACTION_ID + 1} characters"


def _section(block: JSON) -> Iterator[str]:
    fields = block.get("fields") or []
    if not block.get("text") and not fields:
        yield "missing required field: text"
    if block.get("text"):
        yield from _text(block["text"], SECTION)
    if len(fields) > FIELDS:
        yield f"no more than {FIELDS} fields allowed"
    for item in fields:
        yield from _text(item, FIELD)
    if block.get("accessory"):
        yield from _element(block["accessory"])


def _text(value: Any, most: int, kinds: frozenset[str] | set[str] = frozenset()) -> Iterator[str]:
    kinds = kinds or {"plain_text", "mrkdwn"}
    if not isinstance(value, dict) or value.get("type") not in kinds:
        yield f"text must be an object of type {' or '.join(sorted(kinds))}"
    elif not value.get("text"):
        yield "must be more than 0 characters"
    elif len(value["text"]) > most:
        yield f"must be less than {most + 1} characters"


def _element(element: JSON) -> Iterator[str]:
    if len(element.get("action_id") or "") > ACTION_ID:
        yield f"action_id must be less than {ACTION_ID + 1} characters"
    if len(element.get("value") or "") > VALUE:
        yield f"value must be less than {VALUE + 1} characters"
    if element.get("type") == "button":
        yield from _text(element.get("text"), BUTTON_TEXT, {"plain_text"})
    elif element.get("type") == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            button = element.get(name) or {}
            yield from _text(button.get("text"), BUTTON_TEXT, {"plain_text"})
            if not button.get("value") or len(button["value"]) > VALUE:
                yield f"{name}: value must have 1 to {VALUE} characters"
    elif element.get("type") in ("mrkdwn", "plain_text"):
        yield from _text(element, SECTION)


def checked_view(value: Any, kind: str) -> JSON:
    try:
        view = decoded(value, "view")
    except Refused:
        view = None
    if not isinstance(view, dict) or view.get("type") != kind:
        raise invalid_arguments(f"view must be an object of type {kind}")
    problems = []
    if kind == "modal":
        problems += list(_text(view.get("title"), TITLE, {"plain_text"}))
        if any(b.get("type") == "input" for b in view.get("blocks", [])) and not view.get("submit"):
            problems.append("missing required field: submit")
    if len(view.get("private_metadata") or "") > PRIVATE_METADATA:
        problems.append(f"private_metadata must be less than {PRIVATE_METADATA + 1} characters")
    if len(view.get("callback_id") or "") > ACTION_ID:
        problems.append(f"callback_id must be less than {ACTION_ID + 1} characters")
    if problems:
        raise invalid_arguments(*problems)
    checked_blocks(view.get("blocks"), MODAL_BLOCKS)
    return view


def checked_metadata(value: Any) -> JSON | None:
    """An empty object takes the metadata of a message away."""
    if value is None or value == "":
        return None
    metadata = decoded(value, "metadata")
    if not isinstance(metadata, dict):
        raise Refused("invalid_metadata_format")
    if metadata and not (
        isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    ):
        raise Refused("invalid_metadata_schema")
    if len(json.dumps(metadata)) > 16_000:
        raise Refused("metadata_too_large")
    return metadata
