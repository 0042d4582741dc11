"""The campaign of kills in Slack, which delivers again what nobody acknowledged."""

from pathlib import Path

from tests.bot.bots import Bots
from tests.bot.killing import Campaign
from tests.bot.slack.chat import SlackChat
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message


def bots_of(folder: Path, slack: SlackSimulator, gemini: GeminiSimulator) -> Bots:
    return SlackChat(slack).bots_in(folder, gemini)


class SlackCampaign(SlackChat, Campaign[Message]):
    def __init__(self, bots: Bots, slack: SlackSimulator, seed: int = 0) -> None:
        Campaign.__init__(self, bots, seed)
        SlackChat.__init__(self, slack)
        self._deletions: dict[str, Delivery] = {}

    def delete(self, message: Message) -> None:
        before = len(self.slack.deliveries)
        super().delete(message)
        told = [d for d in self.slack.deliveries[before:] if _is_about(message, d)]
        self._deletions[message.ts] = told[0]

    def disturb(self) -> None:
        """Deliver something again."""
        delivery = self.chosen.choice(self.slack.deliveries[-30:])
        if delivery.event.get("user") != self.slack.app.user_id:
            events.dispatch(self.slack.core, delivery.kind, delivery.payload)

    def heard_deletion(self, message: Message, state: str) -> bool:
        return self._deletions[message.ts].outcome == "acked"


def _is_about(message: Message, delivery: Delivery) -> bool:
    """Of its own deletion, or of the change into a tombstone where it has replies."""
    previous = delivery.event.get("previous_message")
    return previous is not None and bool(previous["ts"] == message.ts)
