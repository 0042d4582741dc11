"""The commands that Discord offers people; sent to Discord only when they changed."""

import logging
from typing import Any

from bot.discord.rest import DiscordApi

logger = logging.getLogger(__name__)

JSON = dict[str, Any]

ASK_ABOUT, ADD = "Ask about this", "Add to knowledge"
_SUB, _TEXT, _YES_NO, _PERSON, _FILE = 1, 3, 5, 6, 11
_SLASH, _MESSAGE_MENU = 1, 3
# In servers and by people of their own; in servers, with the bot and between people.
_EVERYWHERE = {"integration_types": [0, 1], "contexts": [0, 1, 2]}


def _option(kind: int, name: str, description: str, **more: Any) -> JSON:
    return {"type": kind, "name": name, "description": description, **more}


def _choice(name: str, *values: str) -> JSON:
    choices = [{"name": value, "value": value} for value in values]
    return _option(_TEXT, name, "One of these", required=True, choices=choices)


def _command(name: str, description: str, *options: JSON) -> JSON:
    return {
        "type": _SLASH,
        "name": name,
        "description": description,
        "options": list(options),
        **_EVERYWHERE,
    }


COMMANDS: list[JSON] = [
    _command(
        "ask",
        "Ask your team's documents",
        _option(_TEXT, "question", "What you would like to know", max_length=4_000),
        _option(_YES_NO, "private", "Only you see the answer (this is so unless you say no)"),
        _option(_FILE, "file", "A file to be known, which the question may be about"),
    ),
    _command(
        "knowledge",
        "What I may answer from, and who decides it",
        _option(_SUB, "list", "The documents that an answer here may draw on"),
        _option(_SUB, "status", "How far they are read, and what waits to be decided"),
        _option(
            _SUB,
            "remove",
            "Remove a document (curators)",
            options=[_option(_TEXT, "name", "Its name", required=True)],
        ),
        _option(
            _SUB,
            "role",
            "Give a person a role (admins)",
            options=[
                _option(_PERSON, "person", "Who", required=True),
                _choice("role", "member", "curator", "admin"),
            ],
        ),
        _option(
            _SUB,
            "guests",
            "Let answers here use the team's documents although guests read along (admins)",
            options=[_choice("state", "on", "off")],
        ),
        _option(
            _SUB,
            "collect",
            "Read every file that is shared in this channel (admins)",
            options=[_choice("state", "on", "off")],
        ),
    ),
    _command(
        "link",
        "Be one person here and on another platform",
        _option(_TEXT, "code", "The code that /link gave you there", max_length=40),
    ),
    _command("unlink", "Be a person of your own here again"),
    _command("mydata", "Get everything that I keep about you"),
    _command("forget", "Delete everything that I keep about you, at once"),
    {"type": _MESSAGE_MENU, "name": ASK_ABOUT, **_EVERYWHERE},
    {"type": _MESSAGE_MENU, "name": ADD, **_EVERYWHERE},
]


async def register(api: DiscordApi, application: int) -> None:
    """Bring Discord's list to ours. Raises DeliveryError."""
    path = "/applications/{application_id}/commands"
    known = await api.call("GET", path, application_id=application)
    if _simplified(known) != _simplified(COMMANDS):
        await api.call("PUT", path, body=COMMANDS, application_id=application)
        logger.info("Discord: the commands were brought up to date")


def _simplified(commands: list[JSON]) -> list[JSON]:
    """What of a command we set; Discord adds fields of its own."""
    simple = [
        _essential(command)
        | {name: sorted(command.get(name) or ()) for name in ("integration_types", "contexts")}
        for command in commands
    ]
    return sorted(simple, key=lambda command: (command["type"], command["name"]))


def _essential(option: JSON) -> JSON:
    kept = {name: option.get(name) for name in ("name", "max_length")}
    return kept | {
        "type": option.get("type", _SLASH),
        "description": option.get("description") or "",
        "required": bool(option.get("required")),
        "choices": [choice["value"] for choice in option.get("choices") or ()],
        "options": [_essential(inner) for inner in option.get("options") or ()],
    }
