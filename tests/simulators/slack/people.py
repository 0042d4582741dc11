"""What people do in the workspace: each method changes it and sends the events that follow."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.core import Core, Delivery
from tests.simulators.slack.shapes import message_json, rich_text
from tests.simulators.slack.state import JSON, Channel, File, Message, User, View

# What Slack's own clients write for a mention, a channel, a link; anything else is escaped.
CONTROL = re.compile(r"(<(?:[@#!]|https?://)[^<>]+>)")


class People:
    core: Core

    def typed(self, text: str) -> str:
        """`@name` becomes a mention, and what could be markup is escaped."""
        parts = CONTROL.split(text)
        for index in range(0, len(parts), 2):
            plain = parts[index].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            parts[index] = re.sub(r"(?<!\w)@([\w.-]*\w)", self._mention, plain)
        return "".join(parts)

    def _mention(self, match: re.Match[str]) -> str:
        names = {user.name: user.id for user in self.core.world.users.values()}
        return f"<@{names[match[1]]}>" if match[1] in names else match[0]

    def say(
        self,
        who: User | str,
        where: Channel | str,
        text: str,
        thread: Message | str | None = None,
        files: Sequence[File] = (),
        broadcast: bool = False,
    ) -> Message:
        """A message in a channel, in `thread` where given (a message of it, or its ts); a
        `broadcast` of a thread is shown in the channel as well."""
        with self.core.world.lock:
            user, channel = self.core.world.user(who), self.core.world.channel(where)
            assert user.id in channel.members, f"{user.name} is not in {channel.label}"
            thread_ts = (thread.thread_ts or thread.ts) if isinstance(thread, Message) else thread
            said = self.typed(text)
            message = Message(channel.id, self.core.world.new_ts(), user.id, said, thread_ts)
            message.blocks = rich_text(said) if said else []
            if broadcast:
                message.subtype = "thread_broadcast"
            for file in files:
                self.core.world.share(file, message)
            if user.is_bot:
                message.bot_id, message.by_app = f"B{user.id[1:]}", f"A{user.id[1:]}"
            self.core.world.put(message)
            self.core.shown("posted", message)
            events.posted(self.core, message)
            events.shared_file(self.core, message)
            return message

    def dm(
        self,
        who: User | str,
        text: str,
        thread: Message | str | None = None,
        files: Sequence[File] = (),
    ) -> Message:
        """A direct message to the app."""
        with self.core.world.lock:
            return self.say(who, self.dm_of(who), text, thread, files)

    def dm_of(self, who: User | str) -> Channel:
        with self.core.world.lock:
            return self.core.world.direct(self.core.world.user(who).id, self.core.world.app.user_id)

    def edit(self, message: Message, text: str) -> None:
        """Keeps the ts, as Slack does."""
        with self.core.world.lock:
            before = message_json(self.core.world, message, self.core.origin)
            message.text = self.typed(text)
            message.blocks = rich_text(message.text)
            message.edited = self.core.world.new_ts()
            self.core.shown("changed", message)
            events.changed(self.core, message, before)

    def delete(self, message: Message) -> None:
        """By a person; anybody's message, as an admin can."""
        with self.core.world.lock:
            self.core.world.drop(message)
            self.core.world.tell("deleted", message)
            events.deleted(self.core, message)

    def file(self, who: User | str, name: str, data: bytes, mimetype: str = "text/plain") -> File:
        """A file that nobody has shared yet: give it to `say`."""
        with self.core.world.lock:
            file = File(
                self.core.world.new_id("F"), name, self.core.world.user(who).id, data, mimetype
            )
            self.core.world.files[file.id] = file
            return file

    def upload(
        self,
        who: User | str,
        where: Channel | str,
        name: str,
        data: bytes,
        text: str = "",
        mimetype: str = "text/plain",
        thread: Message | str | None = None,
        external_url: str | None = None,
    ) -> Message:
        """Shares a file; with `external_url` one that lives elsewhere."""
        file = self.file(who, name, data, mimetype)
        file.external_url, file.is_external = external_url, external_url is not None
        return self.say(who, where, text, thread, [file])

    def delete_file(self, file: File) -> None:
        """By a person; the messages that it was shared with stay, with a tombstone in its place."""
        with self.core.world.lock:
            world = self.core.world
            shown = [m for c in file.shares for m in world.channels[c].messages.values()]
            befores = [
                (m, message_json(world, m, self.core.origin)) for m in shown if file in m.files
            ]
            file.deleted = True
            events.deleted_file(self.core, file)
            for message, before in befores:
                self.core.shown("changed", message)
                events.changed(self.core, message, before)

    def join(self, who: User | str, where: Channel | str, by: User | str | None = None) -> None:
        with self.core.world.lock:
            user, channel = self.core.world.user(who), self.core.world.channel(where)
            if user.id not in channel.members:
                channel.members.append(user.id)
                channel.is_ext_shared |= user.team_id != self.core.world.team_id
                inviter = self.core.world.user(by).id if by else None
                events.member(self.core, user, channel, True, inviter)

    def leave(self, who: User | str, where: Channel | str) -> None:
        with self.core.world.lock:
            user, channel = self.core.world.user(who), self.core.world.channel(where)
            events.member(self.core, user, channel, False, None)
            channel.members.remove(user.id)

    def open_app(self, who: User | str, tab: str = "messages") -> Delivery:
        """Opens the DM with the app (or its home tab), as an agent learns of it."""
        with self.core.world.lock:
            user, channel = self.core.world.user(who), self.dm_of(who)
            event: JSON = {"type": "app_home_opened", "user": user.id, "channel": channel.id}
            if tab == "messages":
                event["context"] = {"entities": []}
            return events.emit(self.core, event | {"tab": tab})

    def command(self, who: User | str, where: Channel | str, name: str, text: str = "") -> Delivery:
        """A slash command; it works in channels too that the app isn't in."""
        with self.core.world.lock:
            user, channel = self.core.world.user(who), self.core.world.channel(where)
            body = events.command(self.core, user, channel, name, self.typed(text))
            return events.dispatch(self.core, "slash_commands", body)

    def click(
        self, who: User | str, where: Message | View, action_id: str, value: str | None = None
    ) -> Delivery:
        """Clicks a button, or a side of feedback buttons (`value` says which)."""
        with self.core.world.lock:
            user = self.core.world.user(who)
            blocks = where.blocks if isinstance(where, Message) else where.body.get("blocks", [])
            action = _action(blocks, action_id, value)
            if isinstance(where, Message):
                body = events.block_action(self.core, user, where, action)
            else:
                body = events.view_action(self.core, user, where, action)
            return events.dispatch(self.core, "interactive", body)

    def feedback(self, who: User | str, message: Message, good: bool = True) -> Delivery:
        """Clicks the message's thumbs-up or thumbs-down."""
        name = "positive_button" if good else "negative_button"
        for element, _ in _elements(message.blocks):
            if element.get("type") == "feedback_buttons":
                return self.click(who, message, element["action_id"], element[name]["value"])
        raise AssertionError("the message has no feedback buttons")

    def submit(self, who: User | str, view: View, values: JSON) -> Delivery:
        """Sends a modal off; `values` is {block_id: {action_id: {"type": …, "value": …}}}."""
        with self.core.world.lock:
            view.open = False
            body = events.submission(self.core, self.core.world.user(who), view, values)
            return events.dispatch(self.core, "interactive", body)

    def shortcut(self, who: User | str, callback_id: str, message: Message) -> Delivery:
        """A message shortcut, from the message's menu."""
        with self.core.world.lock:
            body = events.shortcut(self.core, self.core.world.user(who), callback_id, message)
            return events.dispatch(self.core, "interactive", body)

    def stop_stream(self, message: Message) -> None:
        """The stop button that Slack shows on a message that streams."""
        with self.core.world.lock:
            assert message.stream is not None
            message.stream.state = "stopped"


def _elements(blocks: list[JSON]) -> Iterator[tuple[JSON, str]]:
    """Everything clickable, with its block's id."""
    for index, block in enumerate(blocks):
        for element in [*(block.get("elements") or []), block.get("accessory") or {}]:
            yield element, str(block.get("block_id") or f"block-{index}")


def _action(blocks: list[JSON], action_id: str, value: str | None) -> JSON:
    for element, block_id in _elements(blocks):
        if element.get("action_id") == action_id:
            action: dict[str, Any] = {"type": element["type"], "action_id": action_id}
            chosen = element.get("value") if value is None else value
            if element["type"] == "feedback_buttons":
                sides = (element["positive_button"], element["negative_button"])
                side = next(s for s in sides if s["value"] == chosen)
                return action | {"block_id": block_id, "value": chosen, "text": side["text"]}
            return action | {"block_id": block_id, "value": chosen, "text": element.get("text")}
    raise AssertionError(f"nothing with the action_id {action_id!r} can be clicked there")
