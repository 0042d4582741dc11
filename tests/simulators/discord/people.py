"""What people write, and how it changes: each method tells the gateway."""

import re
from collections.abc import Sequence

from tests.simulators.discord import events, posting, rest_threads, shapes
from tests.simulators.discord.core import Core
from tests.simulators.discord.exposure import may_of
from tests.simulators.discord.permissions import BITS
from tests.simulators.discord.state import (
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    Attachment,
    Channel,
    Message,
    User,
    now_iso,
)

File = tuple[str, bytes, str]  # name, bytes, content type


class People:
    core: Core

    def typed(self, text: str) -> str:
        """`@name` becomes a mention, as Discord's clients make it."""
        names = {user.name: user.id for user in self.core.world.users.values()}
        return re.sub(
            r"(?<![\w<])@([\w.-]*\w)",
            lambda match: f"<@{names[match[1]]}>" if match[1] in names else match[0],
            text,
        )

    def say(
        self,
        who: User | str,
        where: Channel | str,
        text: str,
        *,
        reply_to: Message | None = None,
        attachments: Sequence[File] = (),
        ping_reply: bool = True,
    ) -> Message:
        """A message in a channel, a thread or a DM; a reply mentions whom it replies to,
        unless `ping_reply` is off."""
        world = self.core.world
        with world.lock:
            user, channel = world.user(who), world.channel(where)
            self._may_say(user, channel)
            message = Message(world.new_id(), channel.id, user.id, self.typed(text).strip())
            message.attachments = [Attachment(world.new_id(), *file) for file in attachments]
            if reply_to:
                message.reply_to, message.type = reply_to.id, 19
            everything = {"parse": ["users", "roles", "everyone"], "replied_user": ping_reply}
            if channel.archived:
                self.unarchive(channel)
            if channel.is_thread and user.id not in channel.members:
                channel.members.append(user.id)
            return posting.post(self.core, message, everything)

    def _may_say(self, user: User, channel: Channel) -> None:
        assert shapes.sees(self.core, channel, user), f"{user.name} can't see {channel.label}"
        name = "send_messages_in_threads" if channel.is_thread else "send_messages"
        may = may_of(self.core.world, channel, user.id)
        assert channel.guild is None or may & BITS[name], f"{user.name} may not write there"

    def dm(
        self,
        who: User | str,
        text: str,
        *,
        reply_to: Message | None = None,
        attachments: Sequence[File] = (),
    ) -> Message:
        """A direct message to the bot."""
        channel = self.dm_of(who)
        return self.say(who, channel, text, reply_to=reply_to, attachments=attachments)

    def dm_of(self, who: User | str) -> Channel:
        world = self.core.world
        with world.lock:
            return world.direct(world.user(who).id, world.bot.id)

    def edit(self, message: Message, text: str) -> None:
        with self.core.world.lock:
            message.text, message.edited = self.typed(text).strip(), now_iso()
            posting.marked(self.core, message, None)
            self.core.shown("changed", message, [])
            events.message(self.core, "MESSAGE_UPDATE", message)

    def remove_attachments(self, message: Message) -> None:
        """By its author, who leaves the words."""
        with self.core.world.lock:
            message.attachments, message.edited = [], now_iso()
            self.core.shown("changed", message, [])
            events.message(self.core, "MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        """By its author or a moderator."""
        with self.core.world.lock:
            posting.delete(self.core, message)

    def start_thread(
        self, who: User | str, where: Message | Channel | str, name: str, private: bool = False
    ) -> Channel:
        """A thread on a message, or on its own in a channel."""
        world = self.core.world
        with world.lock:
            on = where if isinstance(where, Message) else None
            parent = world.channels[on.channel] if on else world.channel(where)  # type: ignore[arg-type]
            kind = PRIVATE_THREAD if private else PUBLIC_THREAD
            return rest_threads.start(self.core, parent, name, world.user(who).id, kind, on)

    def join_thread(self, who: User | str, thread: Channel) -> None:
        world = self.core.world
        with world.lock:
            user = world.user(who)
            if user.id not in thread.members:
                thread.members.append(user.id)
                if user.id == world.bot.id:
                    events.channel(self.core, "THREAD_CREATE", thread)

    def leave_thread(self, who: User | str, thread: Channel) -> None:
        with self.core.world.lock:
            thread.members.remove(self.core.world.user(who).id)

    def archive(self, thread: Channel) -> None:
        """What Discord does by itself when a thread has been quiet."""
        with self.core.world.lock:
            thread.archived = True
            events.channel(self.core, "THREAD_UPDATE", thread)

    def unarchive(self, thread: Channel) -> None:
        with self.core.world.lock:
            thread.archived = False
            events.channel(self.core, "THREAD_UPDATE", thread)
