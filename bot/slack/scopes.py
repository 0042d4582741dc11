"""What the Slack app has to be allowed, as `docs/slack-app-manifest.json` asks for it."""

SCOPES = frozenset(
    {
        "app_mentions:read",  # to be asked by a mention
        "assistant:write",  # suggested questions, and the app's place in Slack's agent view
        "channels:history",  # what is said in threads, also while the bot was away
        "channels:read",  # who is in a public channel, and with whom it is shared
        "chat:write",  # answers, their edits, status and streams
        "commands",  # /ask and the other commands, and the message shortcut
        "files:read",  # files that are sent to the bot
        "files:write",  # to hand over what is stored about a person, when they ask for it
        "groups:history",  # the same as for public channels, in private ones
        "groups:read",
        "im:history",  # questions in direct messages
        "im:read",
        "im:write",  # to open a direct message with a person
        "mpim:history",  # the same in group messages
        "mpim:read",
        "users:read",  # who is a guest, from another organisation, or gone
    }
)
