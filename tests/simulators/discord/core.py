"""What every part of the simulator shares: the world, the settings, the records."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.discord.exposure import Ping
from tests.simulators.discord.faults import Faults
from tests.simulators.discord.rates import Call, Rates
from tests.simulators.discord.state import (
    EPHEMERAL,
    JSON,
    Attachment,
    Channel,
    Message,
    User,
    World,
)

# Gateway intents (https://discord.com/developers/docs/events/gateway#gateway-intents)
GUILDS, MEMBERS, PRESENCES = 1 << 0, 1 << 1, 1 << 8
GUILD_MESSAGES, DIRECT_MESSAGES, MESSAGE_CONTENT = 1 << 9, 1 << 12, 1 << 15
IDENTIFIES_A_DAY = 1000
TOKEN = "simulated.discord.token"


@dataclass
class Settings:
    """Times are in seconds; Discord's own are the defaults, and tests shorten them."""

    heartbeat_interval: float = 41.25
    session_life: float = 120.0  # of a session without a connection
    answer_within: float = 3.0
    token_life: float = 900.0  # of an interaction
    attachment_life: float = 86_400.0
    nonce_life: float = 300.0
    identifies: int = IDENTIFIES_A_DAY


@dataclass
class Interaction:
    """A command, a click or a modal on its way, and what became of it."""

    id: str
    token: str
    kind: int  # 2 command, 3 component, 4 autocompletion, 5 modal
    user: User
    channel: Channel
    payload: JSON
    answer_within: float
    token_life: float
    source: Message | None = None  # the message whose component was clicked
    created: float = field(default_factory=time.monotonic)
    answered: float | None = None
    type: int | None = None  # the callback's type
    ephemeral: bool = False  # as the answer or the deferral said
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    modal: JSON | None = None
    choices: list[JSON] = field(default_factory=list)  # of an autocompletion

    @property
    def failed(self) -> bool:
        """The person sees "The application did not respond"."""
        if self.answered is None:
            return time.monotonic() > self.created + self.answer_within
        return False

    @property
    def deferred(self) -> bool:
        return self.type in (5, 6)

    @property
    def answered_after(self) -> float | None:
        """Seconds until the callback came."""
        return None if self.answered is None else self.answered - self.created

    @property
    def expired(self) -> bool:
        return time.monotonic() > self.created + self.token_life

    @property
    def messages(self) -> list[Message]:
        """What it made, the original first; a message that was deleted counts too."""
        first = [self.original] if self.original and self.original is not self.source else []
        return first + self.followups

    @property
    def text(self) -> str:
        """What the original says now."""
        return self.original.text if self.original else ""


@dataclass
class Typing:
    channel: str
    at: float = field(default_factory=time.monotonic)


@dataclass
class Event:
    """On its way to the gateway. `build` is given whether message content is allowed."""

    type: str
    intent: int
    build: Callable[[bool], JSON]


class Core:
    def __init__(self) -> None:
        self.world = World()
        self.settings = Settings()
        self.faults = Faults()
        self.rates = Rates()
        self.origin = ""
        self.token = TOKEN
        # The switch in the developer portal; the other two privileged intents stay off.
        self.message_content_allowed = False
        self.calls: list[Call] = []
        self.pings: list[Ping] = []
        self.typing: list[Typing] = []
        self.interactions: list[Interaction] = []
        self.commands: dict[str, list[JSON]] = {}  # guild id ("" where global) -> as registered
        self.command_writes: list[tuple[float, str]] = []
        self.nonces: dict[tuple[str, str], tuple[float, str]] = {}
        self.signature = 1  # of attachment URLs; a new one makes the old URLs expire
        self.loose: dict[str, Attachment] = {}  # files that came with an interaction
        self.losing = False
        self.dispatch: Callable[[Event], None] = lambda event: None
        self.identifies_left: Callable[[], int] = lambda: self.settings.identifies

    def emit(self, kind: str, build: Callable[[bool], JSON], intent: int = 0) -> None:
        if not self.losing:
            self.dispatch(Event(kind, intent, build))

    def shown(self, what: str, message: Message, pinged: list[str]) -> None:
        """Something was posted or changed: remembers what could be read, and who was pinged."""
        message.seen.append((time.monotonic(), message.text))
        if not message.to:
            own = message.author == self.world.bot.id
            self.pings += [Ping(message.channel, message.id, who, own) for who in pinged]
        self.world.tell(what, message)

    @property
    def flags(self) -> int:
        """The application's: whether it may read message content."""
        return 1 << 19 if self.message_content_allowed else 0

    def typed(self, channel: Channel) -> None:
        typing = Typing(channel.id)
        self.typing.append(typing)
        self.world.tell("typing", typing)

    def interaction(self, token: str) -> Interaction | None:
        return next((i for i in self.interactions if i.token == token), None)

    def visible(self, message: Message, may_read_content: bool) -> bool:
        """Whether the bot gets this message's content, by the intent or by what it is."""
        channel, bot = self.world.channels[message.channel], self.world.bot.id
        if may_read_content or channel.guild is None or message.flags & EPHEMERAL:
            return True
        return message.author == bot or bot in message.mentions

    def command(self, name: str, kind: int, guild: str | None) -> JSON | None:
        """The registered command that a person would find there."""
        known = [*self.commands.get(guild or "-", []), *self.commands.get("", [])]
        fitting = (c for c in known if c["name"] == name and c.get("type", 1) == kind)
        return next(fitting, None)


def as_json(value: Any) -> JSON:
    return value if isinstance(value, dict) else {}
