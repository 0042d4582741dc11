"""A simulated platform with the bot on it: what holds on every platform is tested through this."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from pytest_django import Settings

from bot.models import InboxItem, ReplyPart
from bot.responder import Responder
from tests.bot.bots import Bots
from tests.simulators.gemini import GeminiSimulator

Message = TypeVar("Message")


class Chat(ABC, Generic[Message]):
    """ana and ben are in its channel general; whoever speaks there mentions the bot."""

    name: ClassVar[str]
    # The dotted path of what tests/bot/crashing.py needs to know of the platform.
    crashing: ClassVar[str]
    # Whether the platform tells who came, left or became a guest; else it is asked again after
    # minutes.
    tells_of_people: ClassVar[bool]
    # The calls that show a reply, and the ways in which each may break off.
    sends: ClassVar[Sequence[str]]
    unclear: ClassVar[Sequence[Any]]

    @property
    @abstractmethod
    def faults(self) -> Any:
        """Of the calls to come."""

    @property
    @abstractmethod
    def community(self) -> str:
        """The id of the Slack team or Discord server."""

    @property
    @abstractmethod
    def environment(self) -> Mapping[str, str]:
        """The settings that point a bot here."""

    @abstractmethod
    def running(self) -> AbstractAsyncContextManager[Responder]:
        """A bot in the test's own event loop."""

    # What people do

    @abstractmethod
    def say(
        self, text: str, root: Message | None = None, who: str = "ana", where: str = "general"
    ) -> Message:
        """A mention of the bot in a channel, or in the thread of `root`."""

    @abstractmethod
    def share(self, name: str, data: bytes, text: str = "") -> Message:
        """ana shares a file in general and mentions the bot."""

    @abstractmethod
    def mutter(self, text: str) -> None:
        """Said in general, and not to the bot."""

    @abstractmethod
    def say_directly(self, text: str, who: str = "ana") -> Message: ...

    @abstractmethod
    def edit(self, message: Message, text: str) -> None: ...

    @abstractmethod
    def delete(self, message: Message) -> None: ...

    @abstractmethod
    def command(self, who: str, name: str, **given: str) -> "Told":
        """A slash command, whose answer only its giver sees."""

    @abstractmethod
    def tell_again(self, message: Message) -> None:
        """Every event by which the bots were told of the message comes once more."""

    @abstractmethod
    def turn_back(self, seconds: float) -> None:
        """What is said from now on seems to have been said so long ago."""

    # Who is where

    @abstractmethod
    def add_person(self, name: str) -> str:
        """Somebody of the team; their id."""

    @abstractmethod
    def set_guest(self, who: str, is_guest: bool) -> None: ...

    @abstractmethod
    def add_room(self, name: str) -> str:
        """A private channel that the bot is in; its id."""

    @abstractmethod
    def let_in(self, who: str, room: str) -> None: ...

    @abstractmethod
    def put_out(self, who: str, room: str) -> None: ...

    # What is to be seen

    @abstractmethod
    def ever_shown(self, part: ReplyPart) -> str:
        """All that could be read in this message of a reply, at any time."""

    @abstractmethod
    def id_of(self, message: Message) -> str: ...

    @abstractmethod
    def answers(self, message: Message) -> list[str]: ...

    @abstractmethod
    def replied(self) -> list[str]:
        """What stands of the bot's messages anywhere."""

    @abstractmethod
    def pinged(self) -> list[str]:
        """Whom the bot's messages pinged."""

    @abstractmethod
    def linked(self) -> list[str]:
        """The bot's messages whose links the platform would look up and show a preview of."""

    @property
    @abstractmethod
    def mentions(self) -> Sequence[str]:
        """How the platform writes that somebody, or a group, is called."""

    # Bots

    async def a_moment(self) -> None:
        await asyncio.sleep(0.02)

    def point(self, settings: Settings) -> None:
        """Let this process's bot talk to it."""
        for name, value in self.environment.items():
            setattr(settings, name, value)

    def bots_in(self, folder: Path, gemini: GeminiSimulator) -> Bots:
        """Bots in processes of their own."""
        claimed = None if self.name == "slack" else (self.name, self.community)
        return Bots(folder, gemini, self.crashing, self.environment, claimed)

    async def answered(self, asked: Message, timeout: float = 60) -> list[str]:
        """The answers to `asked`, once nothing is left to do for it."""
        item = InboxItem.objects.filter(message=self.id_of(asked), settled=True)
        async with asyncio.timeout(timeout):
            while not await item.aexists():
                await self.a_moment()
        return self.answers(asked)


class Told(ABC):
    """What a command was answered with so far."""

    @abstractmethod
    def __str__(self) -> str: ...


def is_whole(answers: Sequence[str], text: str, source: str = "[1] offices.txt") -> bool:
    """Whether it is one answer with this text above its source, each once."""
    if len(answers) != 1:
        return False
    above, _, below = answers[0].partition(source)
    return above.count(text) == 1 and bool(below) and source not in below
