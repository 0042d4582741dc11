"""From what Slack sends to what was heard. Pure.

What is not meant for the bot gives None: words between people, other bots, the bot itself.
"""

from typing import Any

from bot.incoming import Deleted, Edited, Heard, Key, Said
from bot.slack.text import mentions, plain_text

JSON = dict[str, Any]
PLATFORM = "slack"
# Messages of people; all other subtypes are Slack's own words or a bot's.
SAID = (None, "file_share", "thread_broadcast")
ASK_ABOUT = "ask_about"


def installation_of(body: JSON) -> str:
    """The team that installed the app, which may not be the one that the event comes from."""
    for authorization in body.get("authorizations") or ():
        if authorization.get("team_id"):
            return str(authorization["team_id"])
    team = body.get("team") or {}
    return str(body.get("team_id") or team.get("id") or "")


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
    if event.get("type") != "message":
        return None
    if event.get("subtype") == "message_changed":
        return _edited(body, event)
    if event.get("subtype") == "message_deleted":
        return _deleted(body, event)
    return _said(body, event, event)


def _said(body: JSON, event: JSON, message: JSON, *, mentioned: bool = False) -> Said | None:
    bot, text = bot_of(body), str(message.get("text") or "")
    sender = str(message.get("user") or "")
    if message.get("bot_id") or message.get("subtype") not in SAID or sender in ("", bot):
        return None
    direct = event.get("channel_type") == "im"
    others = mentions(text)
    addressed = direct or mentioned or bot in others
    thread = str(message.get("thread_ts") or "")
    # Whoever begins with another's name speaks to them.
    if not addressed and (not thread or (others and text.lstrip().startswith("<@"))):
        return None
    ts = str(message["ts"])
    return Said(
        Key(PLATFORM, installation_of(body), str(event["channel"]), ts),
        sender,
        plain_text(text, bot),
        thread=thread or ts,
        sender_team=str(message.get("user_team") or message.get("team") or ""),
        addressed=addressed,
        direct=direct,
        with_files=bool(message.get("files")),
    )


def _edited(body: JSON, event: JSON) -> Edited | None:
    message, before = event.get("message") or {}, event.get("previous_message") or {}
    now = _said(body, event, message)
    if now is None:
        return None
    bot = bot_of(body)
    newly = bot in mentions(str(message.get("text") or ""))
    return Edited(now, newly and bot not in mentions(str(before.get("text") or "")))


def _deleted(body: JSON, event: JSON) -> Deleted | None:
    before = event.get("previous_message") or {}
    ts = str(event.get("deleted_ts") or before.get("ts") or "")
    said = _said(body, event, {"ts": ts} | before)
    return Deleted(said) if said is not None else None


def read_past(message: JSON, channel: JSON, team: str, bot: str) -> Said | Edited | None:
    """A message that was read back: heard now, or heard before and perhaps edited since."""
    kind = "im" if channel.get("is_im") else ""
    event = message | {"channel": channel["id"], "channel_type": kind}
    owner = {"team_id": team, "user_id": bot, "is_bot": True}
    said = _said({"authorizations": [owner]}, event, message)
    if said is None or not message.get("edited"):
        return said
    return Edited(said, newly_addressed=True)


def read_command(body: JSON) -> Said:
    """The question of `/ask`, for the asker's eyes only."""
    return _private(body, str(body["trigger_id"]), body["channel_id"], body["user_id"], "text")


def read_shortcut(body: JSON) -> Said:
    """A message that somebody wants to know more about, for their eyes only."""
    said = {"text": str(body["message"].get("text") or "")}
    channel, user = body["channel"]["id"], body["user"]["id"]
    return _private(body | said, str(body["trigger_id"]), channel, user, "text")


def _private(body: JSON, interaction: str, channel: str, user: str, field: str) -> Said:
    team = body.get("user", {}).get("team_id") if isinstance(body.get("user"), dict) else ""
    return Said(
        Key(PLATFORM, installation_of(body), channel, f"interaction-{interaction}"),
        user,
        plain_text(str(body.get(field) or "")),
        sender_team=str(team or ""),
        private=True,
        route={"response_url": str(body.get("response_url") or "")},
    )
