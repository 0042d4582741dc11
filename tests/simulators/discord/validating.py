"""What Discord takes as a message or a modal, and what it refuses."""

from collections.abc import Iterator
from typing import Any

from tests.simulators.discord.errors import Refused, invalid, too_long
from tests.simulators.discord.state import COMPONENTS_V2, JSON

CONTENT, EMBEDS, EMBED_TEXT, ROWS, CUSTOM_ID, LABEL = 2000, 10, 6000, 5, 100, 80
V2_COMPONENTS, V2_TEXT, MODAL_ITEMS, MODAL_TITLE = 40, 4000, 5, 45
ROW, BUTTON, SELECT, INPUT, TEXT_DISPLAY, LABELLED = 1, 2, 3, 4, 10, 18
SELECTS = (3, 5, 6, 7, 8)
V2_ONLY = (9, 10, 11, 12, 13, 14, 17)
SETTABLE = 1 << 2 | 1 << 6 | 1 << 12 | 1 << 15  # flags that an app may set


def message(body: JSON, files: int, edited: bool = False) -> None:
    """Raises where the message can't be; `files` is how many attachments it has."""
    content, embeds = body.get("content"), body.get("embeds") or []
    components = body.get("components") or []
    if content is not None and not isinstance(content, str):
        raise invalid("content", "STRING_TYPE_CONVERT", "Could not interpret as string.")
    if len(content or "") > CONTENT:
        raise too_long("content", CONTENT)
    _embeds(embeds)
    _allowed_mentions(body.get("allowed_mentions"))
    modern = bool(_flags(body) & COMPONENTS_V2)
    if modern and (content or embeds):
        raise invalid(
            "content" if content else "embeds",
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
            "The field cannot be used with MessageFlags.IS_COMPONENTS_V2.",
        )
    _components(components, modern)
    if not edited and not (content or "").strip() and not (embeds or components or files):
        raise Refused(50006)


def _flags(body: JSON) -> int:
    flags = body.get("flags") or 0
    if not isinstance(flags, int):
        raise invalid("flags", "NUMBER_TYPE_COERCE", "Value is not an int.")
    return flags & SETTABLE


def _embeds(embeds: list[JSON]) -> None:
    if len(embeds) > EMBEDS:
        raise too_long("embeds", EMBEDS)
    total = 0
    for embed in embeds:
        texts = [embed.get("title"), embed.get("description")]
        texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
        for one in embed.get("fields") or []:
            texts += [one.get("name"), one.get("value")]
        total += sum(len(text or "") for text in texts)
        if len(embed.get("description") or "") > 4096:
            raise too_long("embeds.0.description", 4096)
    if total > EMBED_TEXT:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size.")


def _allowed_mentions(allowed: Any) -> None:
    if allowed is None:
        return
    for kind in ("users", "roles"):
        if allowed.get(kind) and kind in (allowed.get("parse") or []):
            raise invalid(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.',
            )


def every(components: Any) -> Iterator[JSON]:
    """All components, the nested ones too."""
    for component in components or []:
        yield component
        nested = [component.get("component"), component.get("accessory")]
        yield from every([*(component.get("components") or []), *filter(None, nested)])


def _components(components: list[JSON], modern: bool) -> None:
    seen: set[str] = set()
    for index, component in enumerate(components):
        where = f"components.{index}"
        if component.get("type") != ROW and not modern:
            raise invalid(f"{where}.type", "BASE_TYPE_CHOICES", "Value must be one of {1}.")
        for part in every([component]):
            _component(part, where, seen)
    if not modern and len(components) > ROWS:
        raise too_long("components", ROWS)
    parts = list(every(components))
    text = sum(len(p.get("content") or "") for p in parts if p.get("type") == TEXT_DISPLAY)
    if modern and (len(parts) > V2_COMPONENTS or text > V2_TEXT):
        raise invalid("components", "COMPONENT_MAX_TOTAL", "Too many components or characters.")


def _component(part: JSON, where: str, seen: set[str]) -> None:
    kind, inner = part.get("type"), part.get("components") or []
    if kind == ROW:
        selects = [c for c in inner if c.get("type") in SELECTS]
        if not inner or len(inner) > (1 if selects else ROWS):
            raise too_long(f"{where}.components", ROWS)
    elif kind == BUTTON:
        if len(part.get("label") or "") > LABEL:
            raise too_long(f"{where}.label", LABEL)
        if not part.get("label") and not part.get("emoji"):
            raise invalid(f"{where}.label", "BASE_TYPE_REQUIRED", "A label or emoji is needed.")
        if (part.get("style") == 5) != bool(part.get("url")):
            raise invalid(f"{where}.url", "BASE_TYPE_REQUIRED", "A link button needs a url.")
        if part.get("style") == 5:
            return
    elif kind not in (*SELECTS, *V2_ONLY, INPUT, LABELLED, 19, 21, 22, 23):
        raise invalid(f"{where}.type", "UNION_TYPE_CHOICES", "Unknown component type.")
    if kind in (BUTTON, INPUT, *SELECTS, 19):
        _custom_id(part, where, seen)


def _custom_id(part: JSON, where: str, seen: set[str]) -> None:
    custom_id = part.get("custom_id")
    if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= CUSTOM_ID:
        raise too_long(f"{where}.custom_id", CUSTOM_ID)
    if custom_id in seen:
        raise invalid(
            f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id is double."
        )
    seen.add(custom_id)


def modal(body: JSON) -> None:
    components = body.get("components") or []
    if not 1 <= len(str(body.get("title") or "")) <= MODAL_TITLE:
        raise too_long("data.title", MODAL_TITLE)
    if not 1 <= len(components) <= MODAL_ITEMS:
        raise too_long("data.components", MODAL_ITEMS)
    seen: set[str] = set()
    _custom_id(body, "data", set())
    for index, component in enumerate(components):
        if component.get("type") not in (ROW, TEXT_DISPLAY, LABELLED):
            raise invalid(
                f"data.components.{index}.type", "BASE_TYPE_CHOICES", "Must be 1, 10, 18."
            )
        for part in every([component]):
            _component(part, f"data.components.{index}", seen)


def number(components: list[JSON]) -> list[JSON]:
    """Components as Discord gives them back: each with an id."""
    for index, part in enumerate(every(components)):
        part.setdefault("id", index + 1)
    return components
