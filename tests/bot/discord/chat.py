"""Discord, for the tests that hold on every platform."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import cached_property
from mimetypes import guess_type

from bot.models import ReplyPart
from bot.responder import Responder
from tests.bot.chat import Chat, Told
from tests.bot.discord.running import running
from tests.simulators.discord import events
from tests.simulators.discord.core import Interaction, Settings
from tests.simulators.discord.faults import Drop, Faults, Hang, Status
from tests.simulators.discord.observing import WRITTEN
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message, Role
from tests.simulators.discord.transcript import shown_text

NO_PREVIEWS = 1 << 2
STAFF = "staff"


class DiscordChat(Chat[Message]):
    name = "discord"
    crashing = "tests.bot.discord.crashing"
    tells_of_people = False
    sends = (
        "POST /channels/{}/messages",
        "PATCH /channels/{}/messages/{}",
        "POST /channels/{}/messages/{}/threads",
    )
    unclear = (
        Drop(),
        Drop(after=True),
        Status(503),
        Status(500, after=True),
        Hang(),
        Hang(after=True),
    )

    def __init__(self, discord: DiscordSimulator) -> None:
        self.discord = discord

    @property
    def faults(self) -> Faults:
        return self.discord.faults

    @property
    def community(self) -> str:
        return self.discord.home.id

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "DISCORD_API_URL": self.discord.api_url,
            "DISCORD_GATEWAY_URL": self.discord.gateway_url,
            "DISCORD_TOKEN": self.discord.token,
        }

    def running(self) -> AbstractAsyncContextManager[Responder]:
        return running(self.discord)

    def say(
        self, text: str, root: Message | None = None, who: str = "ana", where: str = "general"
    ) -> Message:
        place = self.discord.thread(root) if root else where
        assert place is not None
        return self.discord.say(who, place, f"@askwell {text}")

    def share(self, name: str, data: bytes, text: str = "") -> Message:
        file = (name, data, guess_type(name)[0] or "application/octet-stream")
        return self.discord.say("ana", "general", f"@askwell {text}", attachments=[file])

    def mutter(self, text: str) -> None:
        self.discord.say("ben", "general", text)

    def say_directly(self, text: str, who: str = "ana") -> Message:
        return self.discord.dm(who, text)

    def edit(self, message: Message, text: str) -> None:
        self.discord.edit(message, f"@askwell {text}")

    def delete(self, message: Message) -> None:
        self.discord.delete(message)

    def command(self, who: str, name: str, **given: str) -> Told:
        return DiscordTold(self.discord.command(who, "general", name, **given))

    def tell_again(self, message: Message) -> None:
        events.message(self.discord.core, "MESSAGE_CREATE", message)

    def turn_back(self, seconds: float) -> None:
        self.discord.world.behind = seconds

    def add_person(self, name: str) -> str:
        """Whoever holds the role STAFF is of the team, where the server is claimed with it."""
        user = self.discord.add_user(name)
        self.discord.add_member(self.discord.home, user, self._staff)
        return user.id

    @cached_property
    def _staff(self) -> Role:
        return self.discord.add_role(STAFF)

    def set_guest(self, who: str, is_guest: bool) -> None:
        (self.discord.take_role if is_guest else self.discord.give_role)(who, self._staff)

    def add_room(self, name: str) -> str:
        return self.discord.add_channel(name, private=True).id

    def let_in(self, who: str, room: str) -> None:
        may = ("view_channel", "send_messages", "send_messages_in_threads")
        self.discord.allow(room, who, *may)

    def put_out(self, who: str, room: str) -> None:
        self.discord.deny(room, who, "view_channel")

    def ever_shown(self, part: ReplyPart) -> str:
        channel, _, number = part.message.partition("/")
        message = self.discord.world.channels[channel].messages[number]
        return "\n".join([shown_text(message), *(text for _, text in message.seen)])

    def id_of(self, message: Message) -> str:
        return message.id

    def answers(self, message: Message) -> list[str]:
        return [shown_text(answer) for answer in self.discord.answers(message)]

    def replied(self) -> list[str]:
        world = self.discord.world
        with world.lock:
            said = [m for c in world.channels.values() for m in c.messages.values()]
            own = [m for m in said if m.author == world.bot.id and m.type in WRITTEN]
            return [shown_text(message) for message in own]

    def pinged(self) -> list[str]:
        return self.discord.pinged

    def linked(self) -> list[str]:
        world = self.discord.world
        with world.lock:
            said = [m for c in world.channels.values() for m in c.messages.values()]
            own = [m for m in said if m.author == world.bot.id and m.type in WRITTEN]
        return [m.text for m in own if not m.flags & NO_PREVIEWS]

    @property
    def mentions(self) -> Sequence[str]:
        role = next(iter(self.discord.home.roles))
        return [f"<@{self.discord.ben.id}>", f"<@!{self.discord.ben.id}>", f"<@&{role}>"]


class DiscordTold(Told):
    def __init__(self, interaction: Interaction) -> None:
        self._interaction = interaction

    def __str__(self) -> str:
        return "\n".join(shown_text(message) for message in self._interaction.messages)


@contextmanager
def discord_chat() -> Iterator[DiscordChat]:
    with DiscordSimulator(settings=Settings(identifies=100_000)) as discord:
        yield DiscordChat(discord)
