"""REST: registering commands, globally or for one guild."""

import re
import time

from tests.simulators.discord.errors import Refused, invalid, too_long
from tests.simulators.discord.rest import Answer, Ask, route
from tests.simulators.discord.state import JSON

MOST = {1: 100, 2: 15, 3: 15}
NAME = re.compile(r"[-_\w']{1,32}\Z")
GROUP = (1, 2)  # a subcommand, a group of them


def _of(ask: Ask) -> str:
    if ask.path[0] != ask.core.world.bot.id:
        raise Refused(20012, status=403)
    if len(ask.path) > 1 and ask.path[1] not in ask.core.world.guilds:
        raise Refused(50001)
    return ask.path[1] if len(ask.path) > 1 else ""


def _check(command: JSON) -> None:
    kind, name = command.get("type", 1), command.get("name") or ""
    if kind == 1 and (not NAME.match(name) or name != name.lower()):
        raise invalid("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid.")
    if not 1 <= len(name) <= 32:
        raise too_long("name", 32)
    if kind == 1 and not 1 <= len(command.get("description") or "") <= 100:
        raise too_long("description", 100)
    if kind != 1 and command.get("description"):
        raise invalid("description", "BASE_TYPE_BAD_LENGTH", "Context menus have none.")
    _options(command.get("options") or [])


def _options(options: list[JSON]) -> None:
    if len(options) > 25:
        raise too_long("options", 25)
    required = [bool(o.get("required")) for o in options]
    if required != sorted(required, reverse=True):
        text = "Required options must be placed before non-required options."
        raise invalid("options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", text)
    for option in options:
        if not NAME.match(option.get("name") or "") or not option.get("description"):
            raise invalid("options.0.name", "APPLICATION_COMMAND_INVALID_NAME", "Invalid option.")
        if len(option["description"]) > 100 or len(option.get("choices") or []) > 25:
            raise too_long("options.0.description", 100)
        if option.get("type") in GROUP:
            _options(option.get("options") or [])


def _stored(ask: Ask, guild: str, command: JSON) -> JSON:
    known = ask.core.commands.get(guild, [])
    same = (c for c in known if (c["name"], c["type"]) == (command["name"], command.get("type", 1)))
    old = next(same, None)
    known_id = old["id"] if old else ask.core.world.new_id()
    return (
        {
            "type": 1,
            "description": "",
            "options": [],
            "default_member_permissions": None,
            "nsfw": False,
            "integration_types": [0],
            "contexts": None,
        }
        | {k: v for k, v in command.items() if v is not None}
        | {
            "id": known_id,
            "application_id": ask.core.world.bot.id,
            "version": ask.core.world.new_id(),
        }
        | ({"guild_id": guild} if guild else {})
    )


def listed(ask: Ask) -> Answer:
    return Answer(200, ask.core.commands.get(_of(ask), []))


def replaced(ask: Ask) -> Answer:
    """All of them at once; whoever keeps name and type keeps the id."""
    guild = _of(ask)
    wanted = ask.body if isinstance(ask.body, list) else []
    for command in wanted:
        _check(command)
    for kind, most in MOST.items():
        if sum(1 for command in wanted if command.get("type", 1) == kind) > most:
            raise Refused(30032)
    ask.core.commands[guild] = [_stored(ask, guild, command) for command in wanted]
    ask.core.command_writes.append((time.monotonic(), guild))
    return Answer(200, ask.core.commands[guild])


def added(ask: Ask) -> Answer:
    guild = _of(ask)
    _check(ask.json)
    made = _stored(ask, guild, ask.json)
    kept = [c for c in ask.core.commands.get(guild, []) if c["id"] != made["id"]]
    ask.core.commands[guild] = [*kept, made]
    ask.core.command_writes.append((time.monotonic(), guild))
    return Answer(201, made)


for place in ("/applications/{}/commands", "/applications/{}/guilds/{}/commands"):
    route("GET", place)(listed)
    route("PUT", place)(replaced)
    route("POST", place)(added)


@route("GET", "/gateway")
def gateway(ask: Ask) -> Answer:
    return Answer(200, {"url": ask.core.origin.replace("http", "ws", 1)})


@route("GET", "/gateway/bot")
def gateway_bot(ask: Ask) -> Answer:
    core = ask.core
    limit = {
        "total": core.settings.identifies,
        "remaining": max(0, core.identifies_left()),
        "reset_after": 86_400_000,
        "max_concurrency": 1,
    }
    url = core.origin.replace("http", "ws", 1)
    return Answer(200, {"url": url, "shards": 1, "session_start_limit": limit})
