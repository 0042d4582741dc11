"""What people do to the app without writing: commands, context menus, clicks, modals."""

import uuid
from typing import Any

from tests.simulators.discord import options, shapes, validating
from tests.simulators.discord.core import Core, Interaction
from tests.simulators.discord.exposure import may_of
from tests.simulators.discord.permissions import BITS, EVERYTHING, in_channel
from tests.simulators.discord.state import DM, JSON, Channel, Message, User

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
FILE_LIMIT = 10 * 2**20


class Interacting:
    core: Core

    def command(
        self, who: User | str, where: Channel | str | None, name: str, /, **given: Any
    ) -> Interaction:
        """A slash command; `where` None is the DM with the bot. A name such as "knowledge list"
        goes on to its subcommand; a file is given as (name, bytes, content type)."""
        with self.core.world.lock:
            user, channel = self._place(who, where)
            first, *path = name.removeprefix("/").split(" ")
            known = self._command(user, channel, first, 1)
            data, resolved = options.fill(self.core, known, path, given)
            told = {"id": known["id"], "name": first, "type": 1, "options": data}
            if resolved:
                told["resolved"] = resolved
            return self._send(user, channel, COMMAND, told)

    def context_menu(self, who: User | str, message: Message, name: str) -> Interaction:
        """A command of a message's menu; it brings the content whatever the intents."""
        with self.core.world.lock:
            user, channel = self._place(who, message.channel)
            known = self._command(user, channel, name, 3)
            target = shapes.message_json(self.core, message)
            told = {"id": known["id"], "name": name, "type": 3, "target_id": message.id}
            told["resolved"] = {"messages": {message.id: target}}
            return self._send(user, channel, COMMAND, told)

    def click(
        self,
        who: User | str,
        message: Message,
        custom_id: str,
        values: list[str] | None = None,
        forged: bool = False,
    ) -> Interaction:
        """A button or a choice; `forged` sends a custom id that the message does not have."""
        with self.core.world.lock:
            user, channel = self._place(who, message.channel)
            assert message.to in (None, user.id), f"{user.name} can't see that message"
            parts = validating.every(message.components)
            part = next((p for p in parts if p.get("custom_id") == custom_id), None)
            if part is None:
                assert forged, f"nothing with the custom_id {custom_id!r} can be clicked there"
                part = {"type": 2, "id": 1}
            assert not part.get("disabled"), f"{custom_id!r} is disabled"
            told: JSON = {"custom_id": custom_id, "component_type": part["type"], "id": part["id"]}
            if values is not None:
                told["values"] = values
            return self._send(user, channel, COMPONENT, told, message)

    def submit_modal(
        self, who: User | str, shown: Interaction, values: dict[str, Any], custom_id: str = ""
    ) -> Interaction:
        """Sends off the modal that answered `shown`; `values` go by custom id, a file as a list
        of (name, bytes, content type). A `custom_id` of one's own is a forged one."""
        with self.core.world.lock:
            assert shown.modal is not None, "no modal was shown"
            user, channel = self._place(who, shown.channel)
            resolved: JSON = {}
            parts = [
                options.modal_part(self.core, p, values, resolved)
                for p in shown.modal["components"]
            ]
            told: JSON = {"custom_id": custom_id or shown.modal["custom_id"], "components": parts}
            if resolved:
                told["resolved"] = {"attachments": resolved}
            shown.modal = None
            return self._send(user, channel, MODAL, told, shown.source)

    def _place(self, who: User | str, where: Channel | str | None) -> tuple[User, Channel]:
        world = self.core.world
        user = world.user(who)
        channel = world.direct(user.id, world.bot.id) if where is None else world.channel(where)
        assert shapes.sees(self.core, channel, user), f"{user.name} can't see {channel.label}"
        return user, channel

    def _command(self, user: User, channel: Channel, name: str, kind: int) -> JSON:
        known = self.core.command(name, kind, channel.guild)
        assert known is not None, f"{name!r} is not registered"
        installed = {0} if self._bot_in(channel) else set()
        installed |= {1} if user.installed else set()
        if channel.type == DM and self.core.world.bot.id in channel.members:
            installed = {0, 1}
        assert installed & set(known["integration_types"]), f"{name!r} is not installed there"
        self._permitted(user, channel, known)
        contexts = known["contexts"]
        assert contexts is None or self._context(channel) in contexts, f"no {name!r} there"
        return known

    def _permitted(self, user: User, channel: Channel, known: JSON) -> None:
        if channel.guild is None:
            return
        may = may_of(self.core.world, channel, user.id)
        needed = int(known["default_member_permissions"] or 0) | BITS["use_application_commands"]
        assert may & needed == needed, f"{user.name} may not use {known['name']!r}"

    def autocomplete(
        self, who: User | str, where: Channel | str | None, name: str, option: str, text: str
    ) -> Interaction:
        """What a person typed so far in one option; the offers come in `choices`."""
        with self.core.world.lock:
            user, channel = self._place(who, where)
            first, *path = name.removeprefix("/").split(" ")
            known = self._command(user, channel, first, 1)
            data = options.typing(known, path, option, text)
            told = {"id": known["id"], "name": first, "type": 1, "options": data}
            return self._send(user, channel, AUTOCOMPLETE, told)

    def _bot_in(self, channel: Channel) -> bool:
        guild = self.core.world.guilds.get(channel.guild or "")
        return guild is not None and self.core.world.bot.id in guild.members

    def _context(self, channel: Channel) -> int:
        """0 a guild, 1 the bot's DM, 2 a DM between people."""
        if channel.guild:
            return 0
        return 1 if self.core.world.bot.id in channel.members else 2

    def _send(
        self, user: User, channel: Channel, kind: int, data: JSON, source: Message | None = None
    ) -> Interaction:
        core = self.core
        payload = self._payload(user, channel, kind, data)
        if source is not None:
            payload["message"] = shapes.message_json(core, source)
        settings = core.settings
        made = Interaction(
            payload["id"],
            payload["token"],
            kind,
            user,
            channel,
            payload,
            settings.answer_within,
            settings.token_life,
            source,
        )
        core.interactions.append(made)
        core.world.tell("interaction", made)
        core.emit("INTERACTION_CREATE", lambda content: payload)
        return made

    def _payload(self, user: User, channel: Channel, kind: int, data: JSON) -> JSON:
        core = self.core
        owners = {"1": user.id} if user.installed and not self._bot_in(channel) else {}
        told: JSON = {
            "id": core.world.new_id(),
            "application_id": core.world.bot.id,
            "type": kind,
            "data": data,
            "token": uuid.uuid4().hex,
            "version": 1,
            "channel_id": channel.id,
            "channel": shapes.channel_json(core, channel),
            "locale": "en-US",
            "app_permissions": str(BITS["attach_files"] | BITS["embed_links"]),
            "entitlements": [],
            "attachment_size_limit": FILE_LIMIT,
            "context": self._context(channel),
            "authorizing_integration_owners": owners,
        }
        if channel.guild is None:
            told["user"] = shapes.user_json(user)
            if not owners:
                owners["0"] = "0"
            return told
        return told | self._guild_part(user, channel, owners)

    def _guild_part(self, user: User, channel: Channel, owners: JSON) -> JSON:
        core = self.core
        guild, parent = core.world.guilds[str(channel.guild)], core.world.parent(channel)
        member = shapes.member_json(guild.members[user.id], user)
        member["permissions"] = str(in_channel(guild, parent, user) & EVERYTHING)
        told: JSON = {"guild_id": guild.id, "guild_locale": "en-US", "member": member}
        told["guild"] = {"id": guild.id, "locale": "en-US", "features": []}
        if self._bot_in(channel):
            owners["0"] = guild.id
            may = in_channel(guild, parent, core.world.bot)
            told["app_permissions"] = str(may)
        return told
