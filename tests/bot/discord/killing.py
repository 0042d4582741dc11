"""The campaign of kills in Discord, which tells of nothing again after a process died."""

import time
from dataclasses import dataclass
from pathlib import Path

from tests.bot.bots import Bots
from tests.bot.discord.chat import DiscordChat
from tests.bot.killing import Campaign
from tests.simulators.discord.sessions import Connection
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message
from tests.simulators.gemini import GeminiSimulator

# Seconds: who lived on for so long after it was told of a deletion must have minded it.
MINDED = 3.0
# No bot comes back to a session that was left so long ago.
LEFT = 10.0


def bots_of(folder: Path, discord: DiscordSimulator, gemini: GeminiSimulator) -> Bots:
    return DiscordChat(discord).bots_in(folder, gemini)


@dataclass
class Deletion:
    told: list[Connection]
    at: float
    heard: bool = False


class DiscordCampaign(DiscordChat, Campaign[Message]):
    def __init__(self, bots: Bots, discord: DiscordSimulator, seed: int = 0) -> None:
        Campaign.__init__(self, bots, seed)
        DiscordChat.__init__(self, discord)
        self._deletions: dict[str, Deletion] = {}

    def delete(self, message: Message) -> None:
        told = self.discord.gateway.live()
        super().delete(message)
        self._deletions[message.id] = Deletion(told, time.monotonic())

    def disturb(self) -> None:
        """The sockets break, and the sessions are resumed or begun anew."""
        if self.chosen.random() < 0.3:
            self.discord.forget_sessions()
        self.discord.cut_sockets()

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
