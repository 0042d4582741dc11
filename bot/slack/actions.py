"""Clicks: thumbs with their reasons, sharing a private answer, asking about a message."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond

from backend.chat.feedback import give_feedback
from backend.library.promoting import Asker
from bot import inbox, wording
from bot.clicks import CLICKS, Clicked
from bot.errors import DeliveryError
from bot.incoming import Heard, Key, Said
from bot.models import InboxItem, Kind
from bot.shared_files import add_files
from bot.slack import render
from bot.slack.api import SlackApi
from bot.slack.events import (
    ADD,
    ASK_ABOUT,
    PLATFORM,
    read_files,
    read_shortcut,
)
from bot.slack.markdown import markdown
from bot.slack.people import People
from bot.slack.send import NO_FLAGS
from bot.threads import in_inbox
from knowledge.threads import in_pool

logger = logging.getLogger(__name__)

JSON = dict[str, Any]


class Actions:
    def __init__(
        self,
        people: Callable[[], Awaitable[People]],
        taken: Callable[[Heard], None],
        api: SlackApi,
    ) -> None:
        self._people, self._taken, self._api = people, taken, api

    def listen(self, app: AsyncApp) -> None:
        app.action("feedback")(self.feedback)
        app.view("feedback_reason")(self.reason)
        app.action("share")(self.share)
        app.message_shortcut(ASK_ABOUT)(self.ask_about)
        app.message_shortcut(ADD)(self.add)
        for action in CLICKS:
            app.action(action)(self.card)

    async def feedback(self, ack: AsyncAck, body: JSON) -> None:
        """Keep a thumb; of a thumb-down, ask why."""
        await ack()
        thumb, _, pk = str(body["actions"][0].get("value") or "").partition(":")
        item = await self._seen(body, pk)
        if item is None or thumb not in ("up", "down"):
            return
        if thumb == "down":  # first, for the trigger is good for three seconds
            await self._ask_why(body["trigger_id"], item)
        await self._keep(body, item, thumb == "up", "")

    async def _ask_why(self, trigger: str, item: InboxItem) -> None:
        view = render.reason_view(str(item.pk))
        try:
            await self._api.call("views.open", optional=True, trigger_id=trigger, view=view)
        except DeliveryError as error:
            logger.info("Nobody was asked why %s did not help: %s", item, error)

    async def reason(self, ack: AsyncAck, body: JSON) -> None:
        """Keep why an answer did not help."""
        await ack()
        view = body["view"]
        said = view["state"]["values"].get("reason", {}).get("reason", {}).get("value") or ""
        item = await in_inbox(
            _item_of, view.get("private_metadata", ""), (await self._people()).team
        )
        if item is not None:
            await self._keep(body, item, False, str(said))

    async def share(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        """Ask again as the channel: what is shared draws on what everybody there may read."""
        await ack()
        item = await self._seen(body, str(body["actions"][0].get("value") or ""))
        if item is None or not item.private:
            return
        user = body["user"]
        place = await (await self._people()).place(
            user=user["id"], team=user.get("team_id"), channel=item.channel, private=False
        )
        if not place.bot_is_member:
            await respond(text=wording.INVITE_TO_SHARE, replace_original=False, **NO_FLAGS)
            return
        # Clicked twice, it is shared once.
        key = Key(PLATFORM, item.installation, item.channel, f"interaction-share-{item.pk}")
        name = str(user.get("name") or user.get("username") or "")
        said = Said(
            key,
            user["id"],
            item.text,
            sender_team=str(user.get("team_id") or ""),
            direct=place.channel is None,
            route={"shared_by": name},
        )
        if await in_inbox(inbox.take, said):
            self._taken(said)

    async def ask_about(
        self, ack: AsyncAck, body: JSON, respond: AsyncRespond, context: AsyncBoltContext
    ) -> None:
        """Ask what the documents say about somebody's message."""
        said = read_shortcut(body, context.bot_user_id or "")
        told = wording.HELP
        if said.text:
            if await in_inbox(inbox.take, said):
                self._taken(said)
            told = searching(said.text)
        await ack()
        await respond(text=told, response_type="ephemeral", **NO_FLAGS)

    async def card(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        """Do what a card offers; whoever may not is told so alone."""
        await ack()
        action, user = body["actions"][0], body["user"]
        kind, click = CLICKS[action["action_id"]]
        item = await self._seen(body, str(action.get("value") or ""), kind)
        told: str | None = wording.NO_FILE_ANY_MORE
        if item is not None:
            people = await self._people()
            place = await people.place(
                user=user["id"],
                team=user.get("team_id"),
                channel=None if item.direct else item.channel,
                private=item.private,
            )
            channel = await people.open_name(item.channel)
            by = Asker(str(user.get("name") or user.get("username") or ""), channel)
            told = await in_pool(click, Clicked(item, place, by))
        if told is not None:
            alone: JSON = {"response_type": "ephemeral", "replace_original": False}
            await respond(text=markdown(told), **alone, **NO_FLAGS)

    async def add(self, ack: AsyncAck, body: JSON, respond: AsyncRespond) -> None:
        """Bring the files of somebody's message to where it stands. Slack shows a bot no files of
        channels that it is not in."""
        await ack()
        user, said = body["user"], read_files(body)
        place = await (await self._people()).place(
            user=user["id"], team=user.get("team_id"), channel=said.key.channel, private=False
        )
        told = wording.ADDED_ALREADY
        if not said.files:
            told = wording.NO_FILES_THERE
        elif not place.bot_is_member:
            told = wording.NO_FILES_FROM_OUTSIDE
        elif await in_inbox(add_files, said):
            self._taken(said)
            told = wording.ADDING
        await respond(text=told, response_type="ephemeral", **NO_FLAGS)

    async def _seen(self, body: JSON, pk: str, kind: Kind = Kind.QUESTION) -> InboxItem | None:
        """The item that a click is about, if whoever clicked can see its answer."""
        channel = (body.get("channel") or {}).get("id", "")
        # In a shared channel the click's own team may be another.
        key = Key(PLATFORM, (await self._people()).team, channel, "")
        return await in_inbox(inbox.open_to, pk, key, body["user"]["id"], kind)

    async def _keep(self, body: JSON, item: InboxItem, helpful: bool, reason: str) -> None:
        user = body["user"]
        place = await (await self._people()).place(
            user=user["id"], team=user.get("team_id"), channel=None, private=True
        )
        if place.asker is not None and item.answer_id is not None:
            await in_inbox(give_feedback, item.answer_id, place.asker, helpful, reason)


def searching(question: str) -> str:
    """What a private question is answered with at once."""
    shown = " ".join(question.split())
    return wording.SEARCHING.format(question=markdown(shown[:300]))


def _item_of(pk: str, installation: str) -> InboxItem | None:
    row = InboxItem.objects.filter(
        pk=pk if pk.isdecimal() else 0, platform=PLATFORM, installation=installation
    )
    return row.first()
