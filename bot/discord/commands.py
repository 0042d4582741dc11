"""Discord's slash commands and the message menu."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

from bot import commands, inbox, personal, wording
from bot.discord.interactions import Asked
from bot.discord.people import People
from bot.discord.registering import ASK_ABOUT
from bot.errors import DeliveryError
from bot.incoming import Deleted, Heard, Said
from bot.threads import in_inbox
from knowledge.threads import in_pool

JSON = dict[str, Any]
_MENTION = re.compile(r"<(?:@[!&]?|#)\d+>|<a?(:\w+:)\d+>")


class Commands:
    def __init__(self, people: People, taken: Callable[[Heard], None]) -> None:
        self._people, self._taken = people, taken
        self._known: dict[str, Callable[[Asked, JSON], Awaitable[None]]] = {
            "ask": self._ask,
            "knowledge": self._knowledge,
            "link": self._link,
            "unlink": self._unlink,
            "mydata": self._mydata,
            "forget": self._forget,
            ASK_ABOUT: self._ask_about,
        }

    async def answer(self, asked: Asked) -> None:
        given = {option["name"]: option for option in asked.data.get("options") or ()}
        command = self._known.get(str(asked.data.get("name")))
        if command is not None:
            await command(asked, given)

    async def _ask(self, asked: Asked, given: JSON) -> None:
        text = str(given["question"]["value"]).strip()
        if text.lower() in ("", "help"):
            await asked.tell(wording.HELP)
            return
        await self._take(asked, text, private=bool(given.get("private", {}).get("value", True)))

    async def _ask_about(self, asked: Asked, given: JSON) -> None:
        """Ask what the documents say about somebody's message."""
        message = asked.data["resolved"]["messages"][asked.data["target_id"]]
        text = _MENTION.sub(r"\1", message.get("content") or "").strip()
        if text:
            await self._take(asked, text, private=True)
        else:
            await asked.tell(wording.HELP)

    async def _take(self, asked: Asked, text: str, *, private: bool) -> None:
        """Keep the question, then defer: the answer takes the deferred message's place."""
        said = Said(
            asked.key(f"interaction-{asked.interaction.id}"),
            str(asked.person),
            text,
            thread=asked.thread,
            direct=asked.is_direct,
            private=private or not self._people.is_member(asked),
            route={
                "token": asked.interaction.token,
                "application": str(asked.interaction.application_id),
                "channel": str(asked.channel),
                "in_thread": bool(asked.thread),
            },
        )
        new = await in_inbox(inbox.take, said)
        try:
            await asked.defer(private=said.private)
        finally:
            if new:
                self._taken(said)

    async def _knowledge(self, asked: Asked, given: JSON) -> None:
        await asked.defer(private=True)
        [(verb, command)] = given.items()
        options = {option["name"]: option["value"] for option in command.get("options") or ()}
        whom = str(options.pop("person", "")) or None
        place, channel = await self._people.of_click(asked), None
        if asked.guild and self._people.is_member(asked):
            here = await self._people.place(asked.guild, asked.channel, asked.person, private=False)
            channel = here.channel
        text = " ".join([verb, *map(str, options.values())])
        given_here = commands.Asked(text, place, channel, whom)
        if whom is not None and place.identity and await in_pool(commands.is_admin, given_here):
            await self._people.person(place.identity.installation, int(whom))
        await asked.edit(await in_pool(commands.knowledge, given_here))

    # What people do with what is stored about them

    async def _link(self, asked: Asked, given: JSON) -> None:
        await asked.defer(private=True)
        place = await self._people.of_click(asked)
        code = str(given.get("code", {}).get("value", ""))
        name = asked.interaction.user.display_name
        await asked.edit(await in_pool(personal.link, place, code, name))

    async def _unlink(self, asked: Asked, given: JSON) -> None:
        await asked.defer(private=True)
        place = await self._people.of_click(asked)
        await asked.edit(await in_pool(personal.unlink, place))

    async def _mydata(self, asked: Asked, given: JSON) -> None:
        await asked.defer(private=True)
        place = await self._people.of_click(asked)
        handed = await in_pool(personal.mydata, place)
        if handed.export is None:
            await asked.edit(handed.text)
            return
        try:
            await asked.hand_over(handed.text, handed.export.name, handed.export.data)
        except DeliveryError as error:
            await asked.edit(wording.MY_DATA_NOT_SENT.format(reason=error.detail))

    async def _forget(self, asked: Asked, given: JSON) -> None:
        await asked.defer(private=True)
        place = await self._people.of_click(asked)
        forgot = await in_pool(personal.forget, place)
        for key in forgot.stopped:
            self._taken(Deleted(Said(key, sender="", text="")))
        await asked.edit(forgot.text)
