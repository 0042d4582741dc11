"""What Discord says, as what was heard. Pure.

What is not meant for the bot gives None: words between people, other bots, the bot itself. Without
the Message Content intent a message that does not mention the bot has no text.
"""

import re

import discord

from bot.discord.files import shared_files
from bot.incoming import DIRECT, Key, Said

PLATFORM = "discord"
SAID = (discord.MessageType.default, discord.MessageType.reply)
_CONTROL = re.compile(r"<(@!?|@&|#|a?:\w+:)(\d+)>")
# Threads have names of up to a hundred characters.
NAME = 90


def key_of(guild: int | None, channel: object, channel_id: int, message: str) -> Key:
    """A message's key. What is said in a thread belongs to the channel that the thread is in."""
    where = channel.parent_id if isinstance(channel, discord.Thread) else channel_id
    return Key(PLATFORM, str(guild) if guild else DIRECT, str(where), message)


def read_message(message: discord.Message, bot: int, *, bare: bool = False) -> Said | None:
    """What somebody said, if it is for the bot or may be; its files may be for the channel. With
    `bare` also what says nothing: an edit may have taken away what was for them."""
    if message.author.bot or message.webhook_id or message.type not in SAID:
        return None
    direct = message.guild is None
    mentioned = bot in message.raw_mentions or _is_reply_to(message, bot)
    text, files = plain_text(message, bot), tuple(shared_files(message.attachments))
    in_thread = isinstance(message.channel, discord.Thread)
    if not direct and not mentioned:
        others = message.raw_mentions and message.content.lstrip().startswith("<@")
        text = text if in_thread and not others else ""
        if not (text or files or bare):
            return None
    guild = message.guild.id if message.guild else None
    key = key_of(guild, message.channel, message.channel.id, str(message.id))
    return Said(
        key,
        str(message.author.id),
        text,
        thread=str(message.channel.id) if in_thread else key.message,
        addressed=direct or mentioned,
        direct=direct,
        files=files,
        home=str(message.channel.id) if _is_private_thread(message) else "",
    )


def is_hidden(message: discord.Message, bot: int) -> bool:
    """Whether it may say something that Discord does not tell: a reply to the bot that does not
    mention it, without the Message Content intent."""
    mentioned = bot in message.raw_mentions or any(user.id == bot for user in message.mentions)
    shown = message.content or message.attachments or message.embeds or message.stickers
    return not (mentioned or shown or message.guild is None) and _is_reply_to(message, bot)


def _is_private_thread(message: discord.Message) -> bool:
    return isinstance(message.channel, discord.Thread) and message.channel.is_private()


def _is_reply_to(message: discord.Message, bot: int) -> bool:
    """Whether it replies to a message of the bot's; with or without a mention."""
    if any(user.id == bot for user in message.mentions):
        return True
    answered = message.reference.resolved if message.reference else None
    return isinstance(answered, discord.Message) and answered.author.id == bot


def replied_to(message: discord.Message) -> str:
    """The id of the message that this one replies to; empty where there is none."""
    return str(message.reference.message_id or "") if message.reference else ""


def plain_text(message: discord.Message, bot: int) -> str:
    """The text with names for mentions; those of the bot are taken out."""
    names = {f"@{user.id}": f"@{user.display_name}" for user in message.mentions}
    names |= {f"@&{role.id}": f"@{role.name}" for role in message.role_mentions}
    names |= {f"#{channel.id}": f"#{channel.name}" for channel in message.channel_mentions}

    def named(match: re.Match[str]) -> str:
        kind, number = match[1].replace("!", ""), match[2]
        if kind == "@" and int(number) == bot:
            return ""
        return names.get(kind + number, "" if kind[-1] != ":" else kind.removeprefix("a"))

    return _CONTROL.sub(named, message.content).strip()


def thread_name(text: str) -> str:
    """What a thread is called that is opened for a question."""
    name = " ".join(text.split())[:NAME].strip()
    return name or "Askwell"
