"""What the simulated workspace holds: people, channels, messages, files, views, the app."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal

JSON = dict[str, Any]
Kind = Literal["public_channel", "private_channel", "im", "mpim"]
TEAM = "T00000001"
SCOPES = (
    "app_mentions:read assistant:write channels:history channels:read chat:write commands "
    "files:read files:write groups:history groups:read im:history im:read im:write "
    "mpim:history mpim:read mpim:write reactions:write users:read"
).split()


@dataclass
class App:
    """The app as it is installed in the workspace, with its secrets."""

    app_id: str = "A00000001"
    bot_id: str = "B00000001"
    name: str = "askwell"
    user_id: str = "U0000B0T0"
    bot_token: str = "xoxb-simulated-bot-token"
    app_token: str = "xapp-1-simulated-app-token"
    signing_secret: str = "simulated-signing-secret"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    # An error that every call with the bot's token gets: token_revoked, account_inactive.
    refused: str | None = None
    # The same for the app-level token of Socket Mode.
    socket_refused: str | None = None


@dataclass
class User:
    id: str
    name: str
    team_id: str = TEAM
    is_admin: bool = False
    is_restricted: bool = False  # a guest
    is_ultra_restricted: bool = False  # a guest of one channel
    is_stranger: bool = False
    is_bot: bool = False
    deleted: bool = False


@dataclass
class Channel:
    id: str
    name: str
    kind: Kind = "public_channel"
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    is_ext_shared: bool = False
    messages: "dict[str, Message]" = field(default_factory=dict)
    # The replies to each parent, by its ts; some may be deleted.
    replies: "dict[str, list[Message]]" = field(default_factory=dict)
    # What only one person sees, and what was deleted: both outside `messages`.
    ephemeral: "list[Message]" = field(default_factory=list)
    deleted: "list[Message]" = field(default_factory=list)

    @property
    def is_private(self) -> bool:
        return self.kind != "public_channel"

    @property
    def label(self) -> str:
        return f"#{self.name}" if self.kind.endswith("channel") else self.name


@dataclass
class Stream:
    """The streaming side of a message; `mode` is fixed by the first content."""

    started: float
    state: Literal["in_progress", "completed", "expired", "stopped"] = "in_progress"
    mode: Literal["text", "chunks"] | None = None
    recipient: str | None = None
    appends: list[tuple[float, str]] = field(default_factory=list)


@dataclass
class File:
    id: str
    name: str
    user: str
    data: bytes
    mimetype: str = "text/plain"
    is_external: bool = False
    external_url: str | None = None
    deleted: bool = False
    # channel -> [{"ts": …}], as Slack files them under public or private.
    shares: dict[str, list[JSON]] = field(default_factory=dict)


@dataclass
class Message:
    channel: str
    ts: str
    user: str
    text: str
    thread_ts: str | None = None
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    metadata: JSON | None = None
    files: list[File] = field(default_factory=list)
    by_app: str | None = None  # app_id, of this app or another
    bot_id: str | None = None
    subtype: str | None = None
    edited: str | None = None
    unfurl: dict[str, bool] = field(default_factory=dict)
    parse: str = ""
    to: str | None = None  # an ephemeral message's only reader
    stream: Stream | None = None
    reactions: list[tuple[str, str]] = field(default_factory=list)
    # Every form in which somebody could have read it: (time.monotonic(), text).
    seen: list[tuple[float, str]] = field(default_factory=list)

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass
class View:
    id: str
    user: str
    body: JSON
    hash: str
    open: bool = True


class World:
    """The workspace. Whoever reads or changes it from another thread holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.team_id, self.team_name, self.domain = TEAM, "Simulated", "simulated"
        self.app = App()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.views: dict[str, View] = {}
        self.watchers: list[Callable[[str, Any], None]] = []
        self._ids = count(1)
        self._last = 0
        self.behind = 0.0  # seconds: what is said seems to have been said so long ago
        bot = User(self.app.user_id, self.app.name, is_bot=True)
        self.users[bot.id] = bot

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids):08X}"

    def new_ts(self) -> str:
        """Unique and rising, also when two messages come in the same microsecond."""
        now = time.time_ns() // 1000 - int(self.behind * 1_000_000)
        self._last = max(self._last + 1, now)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def user(self, who: User | str) -> User:
        """By object, id or name."""
        if isinstance(who, User):
            return who
        found = self.users.get(who) or next((u for u in self.users.values() if u.name == who), None)
        if found is None:
            raise KeyError(f"no such user: {who}")
        return found

    def channel(self, where: Channel | str) -> Channel:
        """By object, id or name (with or without #)."""
        if isinstance(where, Channel):
            return where
        name = where.removeprefix("#")
        found = self.channels.get(where) or next(
            (c for c in self.channels.values() if c.name == name and name), None
        )
        if found is None:
            raise KeyError(f"no such channel: {where}")
        return found

    def direct(self, *members: str) -> Channel:
        """The DM (two members) or group DM (more) of these users, opened where need be."""
        for channel in self.channels.values():
            if channel.kind in ("im", "mpim") and set(channel.members) == set(members):
                return channel
        kind: Kind = "im" if len(members) == 2 else "mpim"
        names = "--".join(self.users[m].name for m in members)
        channel = Channel(self.new_id("D" if kind == "im" else "G"), f"{kind}-{names}", kind)
        channel.members = list(members)
        self.channels[channel.id] = channel
        return channel

    def replies(self, channel: Channel, parent: str) -> Iterator[Message]:
        replies = list(channel.replies.get(parent, ()))
        return (m for m in replies if channel.messages.get(m.ts) is m)

    def put(self, message: Message) -> Message:
        """Adds a message; a `thread_ts` of nothing that exists is dropped, as Slack does."""
        channel = self.channels[message.channel]
        parent = channel.messages.get(message.thread_ts or "")
        message.thread_ts = (parent.thread_ts or parent.ts) if parent else None
        if parent and message.thread_ts:
            root = channel.messages.get(message.thread_ts)
            if root is not None:
                root.thread_ts = root.ts
        channel.messages[message.ts] = message
        if message.thread_ts:
            channel.replies.setdefault(message.thread_ts, []).append(message)
        return message

    def sees(self, file: File) -> bool:
        """Whether the app may know of the file: it was shared where the app is."""
        return any(self.app.user_id in self.channels[where].members for where in file.shares)

    def share(self, file: File, message: Message) -> None:
        """Puts the file under the message, and the message among the file's shares."""
        message.files.append(file)
        message.subtype = "file_share"
        channel, team = self.channels[message.channel], self.users[message.user].team_id
        share = {"ts": message.ts, "channel_name": channel.name, "team_id": team}
        file.shares.setdefault(channel.id, []).append(share)

    def drop(self, message: Message) -> None:
        """Deletes; a parent with replies leaves the tombstone that Slack shows. What was shared
        with the message is shared there no more."""
        channel = self.channels[message.channel]
        for file in message.files:
            left = [share for share in file.shares[channel.id] if share["ts"] != message.ts]
            file.shares = file.shares | {channel.id: left}
            if not left:
                del file.shares[channel.id]
        channel.messages.pop(message.ts, None)
        channel.deleted.append(message)
        if any(self.replies(channel, message.ts)):
            text = "This message was deleted."
            channel.messages[message.ts] = Message(
                channel.id, message.ts, "USLACKBOT", text, message.ts, subtype="tombstone"
            )

    def tell(self, what: str, about: Any) -> None:
        """Tells the watchers (the terminal): posted, changed, deleted, ephemeral, status, …"""
        for watcher in self.watchers:
            watcher(what, about)
