"""What the simulated Discord holds: people, guilds, channels, messages, the application."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

JSON = dict[str, Any]
EPOCH = 1420070400000
TEXT, DM, PUBLIC_THREAD, PRIVATE_THREAD = 0, 1, 11, 12
NO_PREVIEWS = 1 << 2  # SUPPRESS_EMBEDS
EPHEMERAL, LOADING, HAS_THREAD, COMPONENTS_V2 = 1 << 6, 1 << 7, 1 << 5, 1 << 15


@dataclass
class User:
    id: str
    name: str
    bot: bool = False
    takes_dms: bool = True
    installed: bool = False  # the app, to use it anywhere


@dataclass
class Role:
    id: str
    name: str
    permissions: int
    mentionable: bool = False


@dataclass
class Overwrite:
    """Of a role (which may be @everyone, by the guild's id) or a member in one channel."""

    id: str
    is_role: bool
    allow: int = 0
    deny: int = 0


@dataclass
class Member:
    user: str
    roles: list[str] = field(default_factory=list)
    joined: str = ""


@dataclass
class Guild:
    id: str
    name: str
    owner: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    channels: list[str] = field(default_factory=list)
    unavailable: bool = False  # out of order: a session that begins is told no more than its id


@dataclass
class Attachment:
    id: str
    filename: str
    data: bytes
    content_type: str


@dataclass
class Channel:
    """A text channel, a thread (`parent` set), or a DM (`members` are its two people)."""

    id: str
    name: str
    type: int = TEXT
    guild: str | None = None
    parent: str | None = None
    owner: str | None = None
    overwrites: dict[str, Overwrite] = field(default_factory=dict)
    members: list[str] = field(default_factory=list)
    archived: bool = False
    messages: "dict[str, Message]" = field(default_factory=dict)
    # What only one person sees, and what was deleted: both outside `messages`.
    ephemeral: "list[Message]" = field(default_factory=list)
    deleted: "list[Message]" = field(default_factory=list)

    @property
    def is_thread(self) -> bool:
        return self.type in (PUBLIC_THREAD, PRIVATE_THREAD)

    @property
    def label(self) -> str:
        return self.name if self.type == DM else f"#{self.name}"


@dataclass
class Message:
    """`to` is set where only that person sees it; `seen` holds every form that could be read:
    (time.monotonic(), text)."""

    id: str
    channel: str
    author: str
    text: str
    type: int = 0
    reply_to: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    embeds: list[JSON] = field(default_factory=list)
    components: list[JSON] = field(default_factory=list)
    mentions: list[str] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    flags: int = 0
    nonce: str | None = None
    edited: str | None = None
    thread: str | None = None
    to: str | None = None
    interaction: JSON | None = None  # interaction_metadata
    application: str | None = None
    seen: list[tuple[float, str]] = field(default_factory=list)

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & LOADING)


class World:
    """All of Discord. Whoever reads or changes it from another thread holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.watchers: list[Callable[[str, Any], None]] = []
        self._last = 0
        self.behind = 0.0  # seconds: what is said seems to have been said so long ago
        self.bot = User("100000000000000001", "askwell", bot=True)
        self.users[self.bot.id] = self.bot

    def new_id(self) -> str:
        """A snowflake: unique, rising, and telling the time."""
        now = int((time.time() - self.behind) * 1000)
        self._last = max(self._last + 1, (now - EPOCH) << 22)
        return str(self._last)

    def user(self, who: User | str) -> User:
        """By object, id or name."""
        found: User = who if isinstance(who, User) else _found(self.users, who, "user")
        return found

    def guild(self, which: Guild | str) -> Guild:
        found: Guild = which if isinstance(which, Guild) else _found(self.guilds, which, "guild")
        return found

    def channel(self, where: Channel | str) -> Channel:
        """By object, id or name (with or without #)."""
        if isinstance(where, Channel):
            return where
        found: Channel = _found(self.channels, where.removeprefix("#"), "channel")
        return found

    def role(self, guild: Guild, which: Role | str) -> Role:
        found: Role = which if isinstance(which, Role) else _found(guild.roles, which, "role")
        return found

    def parent(self, channel: Channel) -> Channel:
        """The channel whose overwrites count: a thread's is its parent."""
        return self.channels[channel.parent] if channel.parent else channel

    def direct(self, one: str, other: str) -> Channel:
        """The DM of two people, opened where need be."""
        for channel in self.channels.values():
            if channel.type == DM and set(channel.members) == {one, other}:
                return channel
        name = f"dm-{self.users[one].name}-{self.users[other].name}"
        channel = Channel(self.new_id(), name, DM, members=[one, other])
        self.channels[channel.id] = channel
        return channel

    def reachable(self, user: str) -> bool:
        """Whether the bot may write to somebody: they share a guild, or installed the app."""
        shared = (self.bot.id in g.members and user in g.members for g in self.guilds.values())
        return self.users[user].installed or any(shared)

    def find_message(self, wanted: str) -> Message | None:
        found = (c.messages.get(wanted) for c in self.channels.values())
        return next((message for message in found if message), None)

    def tell(self, what: str, about: Any) -> None:
        """Tells the watchers (the terminal): posted, changed, deleted, typing, modal, …"""
        for watcher in self.watchers:
            watcher(what, about)


def _found(among: dict[str, Any], which: str, kind: str) -> Any:
    by_name = (thing for thing in among.values() if thing.name == which)
    found = among.get(which) or next(by_name, None)
    if found is None:
        raise KeyError(f"no such {kind}: {which}")
    return found


def now_iso() -> str:
    return datetime.now(UTC).isoformat()


def time_of(snowflake: str) -> str:
    """When a snowflake was made."""
    return datetime.fromtimestamp(((int(snowflake) >> 22) + EPOCH) / 1000, UTC).isoformat()
