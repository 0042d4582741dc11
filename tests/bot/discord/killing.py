"""The campaign of kills in Discord, which tells of nothing again after a process died."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.bot.bots import Bots
from tests.bot.killing import Campaign
from tests.simulators.discord.observing import WRITTEN
from tests.simulators.discord.sessions import Connection
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message
from tests.simulators.discord.transcript import shown_text
from tests.simulators.gemini import GeminiSimulator

# Seconds: who lived on for so long after it was told of a deletion must have minded it.
MINDED = 3.0
# No bot comes back to a session that was left so long ago.
LEFT = 10.0


def bots_of(folder: Path, discord: DiscordSimulator, gemini: GeminiSimulator) -> Bots:
    env = {
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "DISCORD_TOKEN": discord.token,
    }
    claimed = ("discord", discord.home.id)
    return Bots(folder, gemini, "tests.bot.discord.crashing", env, claimed)


@dataclass
class Deletion:
    told: list[Connection]
    at: float
    heard: bool = False


class DiscordCampaign(Campaign[Message]):
    def __init__(self, bots: Bots, discord: DiscordSimulator, seed: int = 0) -> None:
        super().__init__(bots, seed)
        self.discord = discord
        self._deletions: dict[str, Deletion] = {}

    def say(self, text: str, root: Message | None = None, who: str = "ana") -> Message:
        where = self.discord.thread(root) if root else self.discord.general
        assert where is not None
        return self.discord.say(who, where, f"@askwell {text}")

    def say_directly(self, text: str) -> Message:
        return self.discord.dm("ana", text)

    def edit(self, message: Message, text: str) -> None:
        self.discord.edit(message, f"@askwell {text}")

    def delete(self, message: Message) -> None:
        told = self.discord.gateway.live()
        self.discord.delete(message)
        self._deletions[message.id] = Deletion(told, time.monotonic())

    def disturb(self) -> None:
        """The sockets break, and the sessions are resumed or begun anew."""
        if self.chosen.random() < 0.3:
            self.discord.forget_sessions()
        self.discord.cut_sockets()

    def id_of(self, message: Message) -> str:
        return message.id

    def answers(self, message: Message) -> list[str]:
        return [answer.text for answer in self.discord.answers(message)]

    def replied(self) -> list[str]:
        world = self.discord.world
        with world.lock:
            said = [m for c in world.channels.values() for m in c.messages.values()]
            own = [m for m in said if m.author == world.bot.id and m.type in WRITTEN]
            return [shown_text(message) for message in own]

    def heard_deletion(self, message: Message, state: str) -> bool:
        return state == "void" or self._deletions[message.id].heard

    def tend(self) -> None:
        gateway, now = self.discord.gateway, time.monotonic()
        for deletion in self._deletions.values():
            if deletion.told and now > deletion.at + MINDED:
                deletion.heard = any(c in gateway.connections for c in deletion.told)
                deletion.told = []
        with self.discord.world.lock:  # else each of a thousand would be told of everything
            gateway.sessions[:] = [s for s in gateway.sessions if (s.left or now) > now - LEFT]
