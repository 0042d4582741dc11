"""What a person fills in: a command's options, a modal's fields."""

from typing import Any

from tests.simulators.discord import shapes
from tests.simulators.discord.core import Core
from tests.simulators.discord.state import JSON, Attachment

SUBCOMMANDS, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, NUMBER, FILE = (
    (1, 2),
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    11,
)
KINDS: dict[int, type] = {STRING: str, INTEGER: int, BOOLEAN: bool}
TEXT_INPUT, FILE_UPLOAD, ROW, TEXT_DISPLAY, LABEL = 4, 19, 1, 10, 18


def fill(core: Core, known: JSON, path: list[str], given: JSON) -> tuple[list[JSON], JSON]:
    """The options as the interaction brings them, with what they refer to."""
    if path:
        fitting = (o for o in known["options"] if o["name"] == path[0] and o["type"] in SUBCOMMANDS)
        inner = next(fitting, None)
        assert inner is not None, f"{known['name']!r} has no {path[0]!r}"
        nested, resolved = fill(core, {"options": []} | inner, path[1:], given)
        return [{"name": path[0], "type": inner["type"], "options": nested}], resolved
    wanted = {o["name"]: o for o in known.get("options") or []}
    assert not any(o["type"] in SUBCOMMANDS for o in wanted.values()), "a subcommand is needed"
    unknown = set(given) - set(wanted)
    assert not unknown, f"{known['name']!r} has no option {unknown}"
    missing = {n for n, o in wanted.items() if o.get("required") and n not in given}
    assert not missing, f"{known['name']!r} needs {missing}"
    resolved = {}
    filled = [_option(core, wanted[name], value, resolved) for name, value in given.items()]
    return filled, resolved


def typing(known: JSON, path: list[str], option: str, text: str) -> list[JSON]:
    """One option on its way, for autocompletion."""
    found = next(o for o in known["options"] if o["name"] == (path[0] if path else option))
    if path:
        inner = typing(found, path[1:], option, text)
        return [{"name": path[0], "type": found["type"], "options": inner}]
    assert found.get("autocomplete"), f"{option!r} offers nothing"
    return [{"name": option, "type": found["type"], "value": text, "focused": True}]


def _option(core: Core, option: JSON, value: Any, resolved: JSON) -> JSON:
    kind, name = option["type"], option["name"]
    if kind in KINDS:
        assert type(value) is KINDS[kind], f"{name!r} takes {KINDS[kind].__name__}"
    choices = [c["value"] for c in option.get("choices") or []]
    assert not choices or value in choices, f"{name!r} takes one of {choices}"
    if kind == STRING:
        shortest, longest = option.get("min_length") or 0, option.get("max_length") or 6000
        assert shortest <= len(value) <= longest, f"{name!r}: {len(value)} characters"
    elif kind in (USER, CHANNEL, ROLE, FILE):
        value = _refer(core, kind, value, resolved)
    return {"name": name, "type": kind, "value": value}


def _refer(core: Core, kind: int, value: Any, resolved: JSON) -> str:
    if kind == FILE:
        return upload(core, value, resolved.setdefault("attachments", {}))
    if kind == USER:
        user = core.world.user(value)
        resolved.setdefault("users", {})[user.id] = shapes.user_json(user)
        return user.id
    if kind == CHANNEL:
        channel = core.world.channel(value)
        told = shapes.channel_json(core, channel) | {"permissions": "0"}
        resolved.setdefault("channels", {})[channel.id] = told
        return channel.id
    found = next(
        g
        for g in core.world.guilds.values()
        if any(value in (r.id, r.name) for r in g.roles.values())
    )
    role = core.world.role(found, value)
    resolved.setdefault("roles", {})[role.id] = shapes.role_json(role)
    return role.id


def upload(core: Core, file: tuple[str, bytes, str], into: JSON) -> str:
    """A file that came with an interaction; it has an address, though no message."""
    made = Attachment(core.world.new_id(), *file)
    core.loose[made.id] = made
    into[made.id] = shapes.attachment_json(core, "ephemeral", made) | {"ephemeral": True}
    return made.id


def modal_part(core: Core, part: JSON, values: JSON, resolved: JSON) -> JSON:
    """One component of a modal, filled in."""
    kind = part["type"]
    told: JSON = {"type": kind, "id": part["id"]}
    if kind == ROW:
        inner = [modal_part(core, p, values, resolved) for p in part["components"]]
        return told | {"components": inner}
    if kind == LABEL:
        return told | {"component": modal_part(core, part["component"], values, resolved)}
    if kind == TEXT_DISPLAY:
        return told
    custom_id = part["custom_id"]
    told["custom_id"] = custom_id
    if kind == TEXT_INPUT:
        text = str(values.get(custom_id, part.get("value") or ""))
        assert len(text) <= (part.get("max_length") or 4000), f"{custom_id!r} is too long"
        assert text or not part.get("required", True), f"{custom_id!r} is required"
        return told | {"value": text}
    chosen = values.get(custom_id, [])
    if kind == FILE_UPLOAD:
        return told | {"values": [upload(core, file, resolved) for file in chosen]}
    return told | ({"value": chosen} if kind in (21, 23) else {"values": chosen})
