"""Discord's JSON for what the world holds."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from tests.simulators.discord.core import Core
from tests.simulators.discord.permissions import in_channel
from tests.simulators.discord.state import (
    DM,
    HAS_THREAD,
    JSON,
    Attachment,
    Channel,
    Guild,
    Member,
    Message,
    Role,
    User,
    time_of,
)


def user_json(user: User) -> JSON:
    return {
        "id": user.id,
        "username": user.name,
        "global_name": None if user.bot else user.name.capitalize(),
        "discriminator": "0",
        "avatar": None,
        "bot": user.bot,
        "public_flags": 0,
    }


def member_json(member: Member, user: User | None = None) -> JSON:
    """Without `user` as MESSAGE_CREATE has it."""
    told: JSON = {
        "roles": member.roles,
        "nick": None,
        "avatar": None,
        "joined_at": member.joined,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return told | {"user": user_json(user)} if user else told


def role_json(role: Role, position: int = 0) -> JSON:
    return {
        "id": role.id,
        "name": role.name,
        "permissions": str(role.permissions),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": role.mentionable,
        "flags": 0,
    }


def channel_json(core: Core, channel: Channel) -> JSON:
    last = next(reversed(channel.messages), None)
    told: JSON = {"id": channel.id, "type": channel.type, "last_message_id": last, "flags": 0}
    if channel.type == DM:
        others = [m for m in channel.members if m != core.world.bot.id]
        return told | {"recipients": [user_json(core.world.users[m]) for m in others]}
    told |= {"guild_id": channel.guild, "name": channel.name, "parent_id": channel.parent}
    told |= {"nsfw": False, "rate_limit_per_user": 0}
    if channel.is_thread:
        return told | _thread_json(core, channel)
    overwrites = [
        {"id": o.id, "type": 0 if o.is_role else 1, "allow": str(o.allow), "deny": str(o.deny)}
        for o in channel.overwrites.values()
    ]
    return told | {"topic": None, "position": 0, "permission_overwrites": overwrites}


def _thread_json(core: Core, thread: Channel) -> JSON:
    told: JSON = {
        "owner_id": thread.owner,
        "message_count": len(thread.messages),
        "member_count": len(thread.members),
        "total_message_sent": len(thread.messages) + len(thread.deleted),
        "thread_metadata": {
            "archived": thread.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": time_of(thread.id),
            "create_timestamp": time_of(thread.id),
            "locked": False,
            "invitable": True,
        },
    }
    if core.world.bot.id in thread.members:
        told["member"] = thread_member_json(thread, core.world.bot.id)
    return told


def thread_member_json(thread: Channel, user: str) -> JSON:
    joined = time_of(thread.id)
    return {"id": thread.id, "user_id": user, "join_timestamp": joined, "flags": 0}


def guild_json(guild: Guild) -> JSON:
    """As GET /guilds/{id} has it."""
    roles = [role_json(role, place) for place, role in enumerate(guild.roles.values())]
    return {
        "id": guild.id,
        "name": guild.name,
        "owner_id": guild.owner,
        "icon": None,
        "splash": None,
        "discovery_splash": None,
        "afk_channel_id": None,
        "afk_timeout": 300,
        "verification_level": 0,
        "default_message_notifications": 0,
        "explicit_content_filter": 0,
        "roles": roles,
        "emojis": [],
        "stickers": [],
        "features": [],
        "mfa_level": 0,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "rules_channel_id": None,
        "public_updates_channel_id": None,
        "safety_alerts_channel_id": None,
        "vanity_url_code": None,
        "description": None,
        "banner": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "premium_progress_bar_enabled": False,
        "preferred_locale": "en-US",
        "nsfw_level": 0,
    }


def guild_create_json(core: Core, guild: Guild) -> JSON:
    """As GUILD_CREATE has it: of the members only the bot, as without privileged intents."""
    bot = core.world.bot
    channels = [core.world.channels[one] for one in guild.channels]
    seen = [c for c in channels if in_channel(guild, core.world.parent(c), bot)]
    threads = [t for t in seen if t.is_thread and not t.archived and bot_sees(core, t)]
    return guild_json(guild) | {
        "joined_at": guild.members[bot.id].joined,
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members),
        "members": [member_json(guild.members[bot.id], bot)],
        "channels": [channel_json(core, c) for c in channels if not c.is_thread],
        "threads": [channel_json(core, t) for t in threads],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def bot_sees(core: Core, channel: Channel) -> bool:
    return sees(core, channel, core.world.bot)


def sees(core: Core, channel: Channel, user: User) -> bool:
    """Whether a person (or the bot) can open the channel."""
    if channel.guild is None:
        return user.id in channel.members
    guild = core.world.guilds.get(channel.guild)
    if guild is None or not (may := in_channel(guild, core.world.parent(channel), user)):
        return False
    private = channel.type == 12
    return not private or user.id in channel.members or bool(may & 1 << 34)


def attachment_json(core: Core, message: str, attachment: Attachment) -> JSON:
    until = datetime.now(UTC) + timedelta(seconds=core.settings.attachment_life)
    path = f"attachments/{message}/{attachment.id}/{quote(attachment.filename)}"
    signed = f"?ex={int(until.timestamp()):x}&is=0&hm={core.signature:08x}"
    return {
        "id": attachment.id,
        "filename": attachment.filename,
        "size": len(attachment.data),
        "content_type": attachment.content_type,
        "url": f"{core.origin}/{path}{signed}",
        "proxy_url": f"{core.origin}/{path}{signed}",
    }


def message_json(core: Core, message: Message, content: bool = True) -> JSON:
    """As REST has it; `content` is whether the Message Content intent lets it through."""
    world = core.world
    shown = core.visible(message, content)
    files = [attachment_json(core, message.id, a) for a in message.attachments]
    told: JSON = {
        "id": message.id,
        "channel_id": message.channel,
        "type": message.type,
        "author": user_json(world.users[message.author]),
        "content": message.text if shown else "",
        "attachments": files if shown else [],
        "embeds": message.embeds if shown else [],
        "components": message.components if shown else [],
        "mentions": [user_json(world.users[one]) for one in message.mentions],
        "mention_roles": message.mention_roles,
        "mention_everyone": message.mention_everyone,
        "timestamp": time_of(message.id),
        "edited_timestamp": message.edited,
        "flags": message.flags | (HAS_THREAD if message.thread else 0),
        "tts": False,
        "pinned": False,
    }
    return told | _links(core, message, content)


def _links(core: Core, message: Message, content: bool) -> JSON:
    told: JSON = {}
    channel = core.world.channels[message.channel]
    if message.reply_to:
        if message.type == 21:  # a thread's first message, about one in the parent channel
            channel = core.world.channels[channel.parent or channel.id]
        parent = channel.messages.get(message.reply_to)
        told["message_reference"] = {
            "type": 0,
            "channel_id": channel.id,
            "message_id": message.reply_to,
            **({"guild_id": channel.guild} if channel.guild else {}),
        }
        told["referenced_message"] = message_json(core, parent, content) if parent else None
    if message.thread and message.thread in core.world.channels:
        told["thread"] = channel_json(core, core.world.channels[message.thread])
    if message.application:
        told |= {"webhook_id": message.application, "application_id": message.application}
    if message.interaction:
        told["interaction_metadata"] = message.interaction
    if message.nonce:
        told["nonce"] = message.nonce
    return told
