"""Questions that somebody who opens the direct message with the bot could ask."""

import logging

from backend.accounts.audience import Place, readable_spaces
from bot import wording
from bot.errors import DeliveryError
from bot.slack.api import SlackApi
from bot.slack.people import People
from knowledge.suggestions import suggestions
from knowledge.threads import in_pool

logger = logging.getLogger(__name__)

WHAT_CAN_YOU_DO = "help"


async def suggest(api: SlackApi, people: People, user: str, channel: str) -> None:
    """Suggest questions about documents that this person may read, and the help."""
    place = await people.place(user=user, team=None, channel=None, private=True)
    questions = await in_pool(_questions, place)
    prompts = [{"title": question, "message": question} for question in questions[:3]]
    prompts.append({"title": wording.WHAT_CAN_YOU_DO, "message": WHAT_CAN_YOU_DO})
    try:
        # With a thread_ts the call would fail without a word.
        await api.call(
            "assistant.threads.setSuggestedPrompts",
            optional=True,
            channel_id=channel,
            title=wording.ASK_ME,
            prompts=prompts,
        )
    except DeliveryError as error:
        logger.info("No questions were suggested: %s", error)


def _questions(place: Place) -> list[str]:
    return suggestions(readable_spaces(place))
