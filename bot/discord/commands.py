"""Discord's slash commands and the message menu."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from django.conf import settings

from bot import commands, inbox, personal, wording
from bot.discord.files import of_json
from bot.discord.interactions import Asked
from bot.discord.people import People
from bot.discord.registering import ADD, ASK_ABOUT
from bot.errors import DeliveryError
from bot.incoming import Deleted, Heard, Said, SharedFile
from bot.shared_files import add_files
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
            ADD: self._add,
        }

    async def answer(self, asked: Asked) -> None:
        given = {option["name"]: option for option in asked.data.get("options") or ()}
        command = self._known.get(str(asked.data.get("name")))
        if command is not None:
            await command(asked, given)

    async def _ask(self, asked: Asked, given: JSON) -> None:
        text = str(given.get("question", {}).get("value", "")).strip()
        chosen = [given["file"]["value"]] if "file" in given else []
        files = [asked.data["resolved"]["attachments"][str(number)] for number in chosen]
        if text.lower() == "help" or not (text or files):
            await asked.tell(wording.HELP)
            return
        private = bool(given.get("private", {}).get("value", True))
        await self._take(asked, text, tuple(map(of_json, files)), private=private)

    async def _ask_about(self, asked: Asked, given: JSON) -> None:
        """Ask what the documents say about somebody's message."""
        message = asked.data["resolved"]["messages"][asked.data["target_id"]]
        text = _MENTION.sub(r"\1", message.get("content") or "").strip()
        if text:
            await self._take(asked, text, (), private=True)
        else:
            await asked.tell(wording.HELP)

    async def _add(self, asked: Asked, given: JSON) -> None:
        """Bring the files of somebody's message: to where it stands, or, where the bot is no
        member, to whoever asks for it."""
        message = asked.data["resolved"]["messages"][asked.data["target_id"]]
        files = tuple(map(of_json, message.get("attachments") or ()))
        if not files:
            await asked.tell(wording.NO_FILES_THERE)
        elif not self._people.is_member(asked):
            await self._take(asked, "", files, private=True)
        else:
            await self._add_there(asked, str(message["id"]), files)

    async def _add_there(self, asked: Asked, message: str, files: Sequence[SharedFile]) -> None:
        await asked.defer(private=True)
        await self._people.of_click(asked)  # where there is no place, nothing is taken
        said = Said(
            asked.key(message),
            str(asked.person),
            "",
            thread=asked.thread or message,
            direct=asked.is_direct,
            files=files,
            route={"in_thread" if asked.thread else "opens_thread": not asked.is_direct},
        )
        new = await in_inbox(add_files, said)
        await asked.edit(wording.ADDING if new else wording.ADDED_ALREADY)
        if new:
            self._taken(said)

    async def _take(
        self, asked: Asked, text: str, files: Sequence[SharedFile], *, private: bool
    ) -> None:
        """Keep what is asked, then defer: the answer takes the deferred message's place."""
        said = Said(
            asked.key(f"interaction-{asked.interaction.id}"),
            str(asked.person),
            text,
            thread=asked.thread,
            direct=asked.is_direct,
            private=private or not self._people.is_member(asked),
            files=files,
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
        given_here = commands.Command(text, place, channel, whom)
        if whom is not None and place.identity and await in_pool(commands.is_admin, given_here):
            await self._people.person(place.identity.installation, int(whom))
        told = await in_pool(commands.knowledge, given_here)
        if told == wording.COLLECT_ON and not settings.DISCORD_MESSAGE_CONTENT:
            told = f"{told} {wording.COLLECT_NEEDS_CONTENT}"
        await asked.edit(told)

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
