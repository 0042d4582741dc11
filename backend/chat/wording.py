"""Every sentence that a conversation says to people on its own behalf."""

READERS_CHANGED = "Who can read this has changed; asking again."
READERS_CHANGE = "Who can read this keeps changing, so I could not answer. Please ask again later."
UNTITLED = "Conversation"
ERASED = "This answer was removed together with its document."
