"""Files that are shared in a simulated Slack, and what is known of them."""

from tests.bot.slack.asking import QUESTION
from tests.bot.slack.running import answered, shown
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Channel, Message

HOURS = b"The office in Lisbon opens at nine o'clock."
NINE = "opens at nine"


async def card(slack: SlackSimulator, said: Message, words: str = "searchable by") -> Message:
    """The first card below a message, once it says this."""

    def found() -> Message | None:
        return next((m for m in slack.answers(said) if words in shown(m)), None)

    message = await slack.until(found, timeout=10)
    assert message is not None
    return message


async def says(slack: SlackSimulator, asked: Message) -> str:
    """What the answer says."""
    return shown(await answered(slack, asked))


async def knows(slack: SlackSimulator, who: str, where: Channel | str) -> bool:
    """Whether an answer there tells when the office opens."""
    return NINE in await says(slack, slack.say(who, where, f"@askwell {QUESTION}"))
