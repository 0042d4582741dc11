"""Files that people share in Discord: what they are, and their bytes."""

from collections.abc import Iterable, Mapping
from typing import Any

import discord
from django.conf import settings

from bot.discord.rest import GONE, DiscordApi
from bot.downloads import fetch
from bot.errors import FileGone, FileTooLarge, Refused
from bot.hosts import Allowed, allowed_from
from bot.incoming import SharedFile
from knowledge.extraction import MAX_BYTES

# Their addresses are signed: the bot's token has no business there.
HOSTS = ("cdn.discordapp.com", "media.discordapp.net")


def shared_files(attachments: Iterable[discord.Attachment]) -> list[SharedFile]:
    """The files of a message. Pure."""
    return [of_json(one.to_dict()) for one in attachments]


def of_json(attachment: Mapping[str, Any]) -> SharedFile:
    """A file as a message or a command brings it. Pure."""
    return SharedFile(
        id=str(attachment["id"]),
        name=str(attachment["filename"]),
        size=int(attachment["size"]),
        mime=str(attachment.get("content_type") or ""),
        url=str(attachment["url"]),
    )


async def look_up(api: DiscordApi, file: SharedFile, channel: str, message: str) -> SharedFile:
    """The file with an address that is good now, from the message that it was shared in.

    `channel` is the thread where the message stands in one. A message that does not mention the
    bot shows it no files unless the Message Content intent is on. Raises DownloadFailed, and
    DeliveryError where Discord does not say.
    """
    path = "/channels/{channel}/messages/{message}"
    try:
        found = await api.call("GET", path, channel=channel, message=message)
    except Refused as error:
        if error.code in GONE:
            raise FileGone() from None
        raise
    for one in map(of_json, found["attachments"]):
        if one.id == file.id:
            return one
    raise FileGone()


async def read(api: DiscordApi, file: SharedFile, channel: str = "", message: str = "") -> bytes:
    """The bytes; an address whose time is over is asked for anew where the message is known.

    Raises DownloadFailed, and DeliveryError where Discord does not say.
    """
    if file.size > MAX_BYTES:
        raise FileTooLarge(MAX_BYTES)
    try:
        return await _fetched(file)
    except FileGone:
        if not message:
            raise
    return await _fetched(await look_up(api, file, channel, message))


async def _fetched(file: SharedFile) -> bytes:
    return (await fetch(file.url, headers={}, allowed=_allowed())).data


def _allowed() -> Allowed:
    return allowed_from(settings.DISCORD_API_URL, "discord.com", hosts=HOSTS)
