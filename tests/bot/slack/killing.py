"""The campaign of kills in Slack, which delivers again what nobody acknowledged."""

from pathlib import Path

from tests.bot.bots import Bots
from tests.bot.killing import Campaign
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message
from tests.simulators.slack.transcript import shown_text


def bots_of(folder: Path, slack: SlackSimulator, gemini: GeminiSimulator) -> Bots:
    env = {
        "SLACK_API_URL": slack.url,
        "SLACK_BOT_TOKEN": slack.app.bot_token,
        "SLACK_APP_TOKEN": slack.app.app_token,
    }
    return Bots(folder, gemini, "tests.bot.slack.crashing", env)


class SlackCampaign(Campaign[Message]):
    def __init__(self, bots: Bots, slack: SlackSimulator, seed: int = 0) -> None:
        super().__init__(bots, seed)
        self.slack = slack
        self._deletions: dict[str, Delivery] = {}

    def say(self, text: str, root: Message | None = None, who: str = "ana") -> Message:
        return self.slack.say(who, "general", f"@askwell {text}", thread=root)

    def say_directly(self, text: str) -> Message:
        return self.slack.dm("ana", text)

    def edit(self, message: Message, text: str) -> None:
        self.slack.edit(message, f"@askwell {text}")

    def delete(self, message: Message) -> None:
        self.slack.delete(message)
        found = [d for d in self.slack.deliveries if d.event.get("deleted_ts") is not None]
        self._deletions[message.ts] = found[-1]

    def disturb(self) -> None:
        """Deliver something again."""
        delivery = self.chosen.choice(self.slack.deliveries[-30:])
        if delivery.event.get("user") != self.slack.app.user_id:
            events.dispatch(self.slack.core, delivery.kind, delivery.payload)

    def id_of(self, message: Message) -> str:
        return message.ts

    def answers(self, message: Message) -> list[str]:
        return [answer.text for answer in self.slack.answers(message)]

    def replied(self) -> list[str]:
        with self.slack.world.lock:
            app, channels = self.slack.app.app_id, self.slack.world.channels.values()
            own = [m for c in channels for m in c.messages.values() if m.by_app == app]
            return [shown_text(message) for message in own]

    def heard_deletion(self, message: Message, state: str) -> bool:
        return self._deletions[message.ts].outcome == "acked"
