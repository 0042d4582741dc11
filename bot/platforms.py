"""What a chat platform is to the rest of the bot, and which ones there are."""

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from backend.accounts.audience import Place
from bot.errors import DeliveryError
from bot.incoming import Key
from bot.models import InboxItem, ReplyPart
from knowledge.prompts import Turn

# Dotted paths of the modules that connect a platform, imported on first use. Each has
# `configured() -> bool`, `missing() -> list[str]` (the settings that it still needs) and
# `async serve(responder, stop)`.
SERVICES = {"slack": "bot.slack.service", "discord": "bot.discord.service"}


@dataclass(frozen=True)
class Source:
    """A place in a document that an answer names."""

    number: int
    document: str
    page: int | None
    excerpt: str


@dataclass(frozen=True)
class Fetched:
    """A file that somebody shared."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Button:
    """What may be clicked below a card; `value` says what it is about."""

    action: str
    value: int
    label: str


@dataclass(frozen=True)
class Closing:
    """What stands below the last message of a reply."""

    sources: Sequence[Source] = field(default=())
    notice: str = ""
    # The item that a thumb is about; None where there is nothing to rate.
    rated: int | None = None
    # The item that may be asked again for all to see.
    shared: int | None = None
    buttons: Sequence[Button] = ()


class Outlet(Protocol):
    """Where the messages of one reply are shown. Every method raises DeliveryError."""

    # Bytes of a message's text.
    limit: int
    # Whether a message can be shown while it is written.
    streams: bool

    def rendered(self, text: str, *, final: bool) -> str:
        """The answer's Markdown as the platform takes it; while it grows, its beginning stays."""

    def pace(self) -> float:
        """Seconds to wait before more is shown."""

    async def open(self, part: ReplyPart, text: str) -> str:
        """Begin a message that will grow; its id."""

    async def show(self, message: str, text: str) -> None:
        """Bring the message up to this text, or leave that to a later call."""

    def turn(self, message: str) -> Coroutine[Any, Any, None]:
        """Wait until the platform lets this message be finished; an empty id is a new one's."""

    async def post(self, part: ReplyPart, text: str, closing: Closing | None) -> str:
        """Send a whole message; its id."""

    async def finish(self, message: str, text: str, closing: Closing | None) -> None:
        """Bring the message to its final text. Safe to repeat."""

    async def remove(self, message: str) -> None:
        """Take the message away. Safe to repeat."""

    async def own_messages(self, part: ReplyPart) -> list[str]:
        """Our messages that may be this part, the likeliest first."""

    async def earlier(self) -> list[Turn]:
        """What people said in the thread before."""

    def close(self) -> None:
        """Nothing more will be shown."""


class Platform(Protocol):
    """A connected platform."""

    name: str

    async def status(self, item: InboxItem) -> None:
        """Show at once that the question is being worked on. Raises nothing."""

    async def is_there(self, item: InboxItem) -> bool:
        """Whether the question still stands where it was asked, as far as can be known."""

    async def place(self, item: InboxItem) -> Place:
        """Where the item was asked, with its readers as the platform knows them now. Raises
        Nowhere where nothing can be asked there."""

    def outlet(self, item: InboxItem, place: Place | None) -> Outlet:
        """Where its reply is shown; without a place, what is to be taken away."""

    async def direct(self, person: str) -> Key:
        """The direct messages with this person, as the key of no message there. Raises
        DeliveryError."""

    async def fetch(self, item: InboxItem) -> Fetched:
        """The file that the item is about. Raises DownloadFailed and DeliveryError."""

    async def tell(self, item: InboxItem, error: DeliveryError) -> None:
        """Tell the asker alone why the reply can't be shown. Raises nothing."""

    def rest(self, reason: str) -> None:
        """Stop until somebody mends it; tried again every minute."""
