"""From what Slack sends to what was heard. Pure.

What is not meant for the bot gives None: words between people, other bots, the bot itself.
"""

from typing import Any

from bot.incoming import Deleted, Edited, FileDeleted, Heard, Key, Said
from bot.slack.files import shared_files
from bot.slack.text import mentions, plain_text

JSON = dict[str, Any]
PLATFORM = "slack"
# Messages of people; all other subtypes are Slack's own words or a bot's.
SAID = (None, "file_share", "thread_broadcast")
# What stands where a message that has replies was deleted.
TOMBSTONE = "tombstone"
ASK_ABOUT, ADD = "ask_about", "add_to_knowledge"


def installation_of(body: JSON) -> str:
    """The team that installed the app, which may not be the one that the event comes from."""
    for authorization in body.get("authorizations") or ():
        if authorization.get("team_id"):
            return str(authorization["team_id"])
    # In a shared channel a modal's own team is the one of whoever opened it.
    view, team = body.get("view") or {}, body.get("team") or {}
    return str(view.get("app_installed_team_id") or body.get("team_id") or team.get("id") or "")


def bot_of(body: JSON) -> str:
    """The bot's own user id, as the event names it."""
    for authorization in body.get("authorizations") or ():
        if authorization.get("is_bot") and authorization.get("user_id"):
            return str(authorization["user_id"])
    return ""


def read_event(body: JSON) -> Heard | None:
    """What an event of the Events API says that is for the bot, or may be."""
    event = body.get("event") or {}
    if event.get("type") == "app_mention":
        return _said(body, event, event, mentioned=True)
    if event.get("type") == "file_deleted":
        return FileDeleted(_key(body, "", str(event.get("file_id"))))
    if event.get("type") != "message":
        return None
    if event.get("subtype") == "message_changed":
        return _edited(body, event)
    if event.get("subtype") == "message_deleted":
        return _deleted(body, event)
    return _said(body, event, event)


def _said(
    body: JSON, event: JSON, message: JSON, *, mentioned: bool = False, again: bool = False
) -> Said | None:
    """`again`: it may have been heard before, when it was meant for the bot."""
    bot, text = bot_of(body), str(message.get("text") or "")
    words, files = plain_text(text, bot), shared_files(message)
    sender = str(message.get("user") or "")
    if message.get("bot_id") or message.get("subtype") not in SAID or sender in ("", bot):
        return None
    direct = event.get("channel_type") == "im"
    others = mentions(text)
    addressed = direct or mentioned or bot in others
    thread = str(message.get("thread_ts") or "")
    if not addressed and others and text.lstrip().startswith("<@"):
        thread = ""  # whoever begins with another's name speaks to them
    if not (addressed or thread or again or files):
        return None
    key = _key(body, event["channel"], message["ts"])
    return Said(
        key,
        sender,
        words,
        thread=thread or key.message,
        sender_team=str(message.get("user_team") or message.get("team") or ""),
        addressed=addressed,
        direct=direct,
        files=tuple(files),
        # A mention may come without its files; the message, which says the same, has them.
        incomplete=mentioned and not (words or files),
    )


def _key(body: JSON, channel: str, message: str) -> Key:
    return Key(PLATFORM, installation_of(body), str(channel), str(message))


def _edited(body: JSON, event: JSON) -> Heard | None:
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    if message.get("subtype") == TOMBSTONE:
        return _deleted(body, event)
    if message.get("text") == before.get("text"):  # a link was unfurled, or a reply came
        return None
    now = _said(body, event, message, again=True)
    if now is None:
        return None
    bot = bot_of(body)
    newly = bot in mentions(str(message.get("text") or ""))
    return Edited(now, newly and bot not in mentions(str(before.get("text") or "")))


def _deleted(body: JSON, event: JSON) -> Deleted | None:
    before = event.get("previous_message") or {}
    ts = str(event.get("deleted_ts") or before.get("ts") or "")
    said = _said(body, event, {"ts": ts} | before, again=True)
    return Deleted(said) if said is not None else None


def read_past(message: JSON, channel: JSON, team: str, bot: str) -> Heard | None:
    """A message that was read back: heard now, or heard before and changed since."""
    kind = "im" if channel.get("is_im") else ""
    event = {"channel": channel["id"], "channel_type": kind}
    body = {"authorizations": [{"team_id": team, "user_id": bot, "is_bot": True}]}
    if message.get("subtype") == TOMBSTONE:
        key = _key(body, channel["id"], message["ts"])
        return Deleted(Said(key, sender="", text="", addressed=False))
    edited = bool(message.get("edited"))
    said = _said(body, event, message, again=edited)
    return Edited(said, newly_addressed=True) if said is not None and edited else said


def read_command(body: JSON, bot: str) -> Said:
    """The question of `/ask`, for the asker's eyes only."""
    return _private(body, body["channel_id"], {"id": body["user_id"]}, body.get("text"), bot)


def read_shortcut(body: JSON, bot: str) -> Said:
    """A message that somebody wants to know more about, for their eyes only."""
    return _private(body, body["channel"]["id"], body["user"], body["message"].get("text"), bot)


def read_files(body: JSON) -> Said:
    """The files of a message that somebody wants to be known where it stands."""
    message, channel = body["message"], body["channel"]["id"]
    return Said(
        _key(body, channel, message["ts"]),
        str(body["user"]["id"]),
        "",
        thread=str(message.get("thread_ts") or message["ts"]),
        sender_team=str(body["user"].get("team_id") or ""),
        direct=str(channel).startswith("D"),
        files=tuple(shared_files(message)),
    )


def _private(body: JSON, channel: str, user: JSON, text: Any, bot: str) -> Said:
    return Said(
        _key(body, channel, f"interaction-{body['trigger_id']}"),
        str(user["id"]),
        plain_text(str(text or ""), bot),
        sender_team=str(user.get("team_id") or ""),
        private=True,
        route={"response_url": str(body.get("response_url") or "")},
    )
