"""Every sentence that the bot says on its own behalf."""

HELPFUL = "Helpful"
NOT_HELPFUL = "Not helpful"
SHARE = "Share"
REASON_TITLE = "What was wrong?"
REASON_LABEL = "What should have been in the answer?"
REASON_SEND = "Send"
REASON_SKIP = "Skip"
SOURCE = "[{number}] {document}"
SOURCE_WITH_PAGE = "[{number}] {document}, page {page}"
QUOTED = "{source}: “{excerpt}”"
MORE_SOURCES = "and {count} more"

READING = "is searching the documents…"
WAITING = "has much to answer right now; your answer is coming…"
GUESTS_HERE = (
    "Somebody from outside your team may read along here, so I used this channel's documents "
    "alone. Ask me directly, or ask an admin about `/knowledge guests on`."
)
FAILED = (
    "I tried several times and could not answer this. Please ask again; if it stays so, tell your "
    "admin."
)
FILE_FAILED = (
    "I tried several times and could not add this file. Please share it again; if it stays so, "
    "tell your admin."
)
# By what it is that had its attempts.
NOTICE_FAILED = (
    "I had something to tell you of maintenance and could not put it together. It stands under "
    "Maintenance on the page."
)
GIVEN_UP = {"question": FAILED, "file": FILE_FAILED, "request": FAILED, "notice": NOTICE_FAILED}
FILES_NOT_READ = "I could not read what came with your question ({names}), so I answered without."
SOME_FILE = "the file"
READING_FILE = "Reading {name}…"
READING_PAGES = "Reading {name}: page {done} of {total}…"
READING_PASSAGES = "Reading {name}: passage {done:,} of {total:,}…"
FILE_READ = "{name}: {version}{size}, searchable by: {readers}"
FILE_VERSION = "version {number}; "
FILE_VERSION_REPLACES = "version {number}, replaces version {replaces}; "
FILE_REPLACED = "{name}: version {number}, replaced by version {by}"
FILE_UNCHANGED = "I had this file already; nothing changed."
FILE_REMOVED = "{name} is removed, with its text and the answers that used it."
FILE_TAKEN_BACK = "{name}: version {number} is removed."
FILE_NOT_ADDED = "{name} was not added. {reason}."
ONE_PAGE, PAGES = "1 page", "{count:,} pages"
ONE_PASSAGE, PASSAGES = "1 passage", "{count:,} passages"
READ_BY_ONE, READ_BY_CHANNEL, READ_BY_TEAM = "you alone", "this channel", "the whole team"
PROMOTION_ASKED = "A curator was asked to make it available to the team."
PROMOTION_DECLINED = "A curator decided not to make it available to the team."
PROMOTE, REMOVE = "Make available to the team", "Remove"
APPROVE, DECLINE = "Approve", "Decline"
PROMOTION_CONFIRM = (
    "The team has a document of that name already, so I ask before anything is replaced: see your "
    "direct messages with me."
)
REQUEST = "{asker} asks to make {name}, shared {where}, available to the whole team."
REQUEST_BY_NOBODY = "Somebody"
SHARED_IN = "in #{channel} on {platform}"
SHARED_IN_CHANNEL = "in a channel on {platform}"
SHARED_ALONE = "with me alone"
REQUEST_REPLACES = "The team has a document of that name; this would be its next version."
REQUEST_BESIDE = (
    "The team has {count} documents of that name; this would stand beside them as another."
)
REQUEST_APPROVED = "Approved: {name} is available to the whole team."
REQUEST_DECLINED = "Declined: {name} stays where it was shared."
REQUEST_GONE = "You were asked to make a document available to the team; it is not there any more."
ADDING = "I'll read it; its card says what becomes of it."
ADDED_ALREADY = "I have it already; see its card below the message."
NO_FILES_THERE = "There is no file in this message."
NO_FILES_FROM_OUTSIDE = (
    "I can't see files in a conversation that I'm not in. Invite me there and try again, or send "
    "me the file in a direct message."
)
NO_FILE_ANY_MORE = "This file is not there any more, or you may not see it."
NOT_YOURS_TO_REMOVE = "Only whoever brought this file, a curator or an admin can remove it."
MAY_BRING_NOTHING = "I don't know you as somebody who may add documents here."
NOT_SHOWN = "I could not answer you there: {reason}."
NOT_SHOWN_WHY = {
    "is_archived": "the channel is archived",
    "channel_not_found": "I can't see the channel; invite me and ask again",
    "not_in_channel": "I'm not a member of the channel; invite me and ask again",
    "restricted_action": "I may not write in the channel; ask an admin to allow it",
    "thread_not_found": "the thread is gone",
}
NOT_SHOWN_OTHER = "Slack refused it ({code}); tell your admin"
NOT_SHOWN_TRIED = "I tried many times, and {platform} did not take it; please ask again"
NOT_LET_IN = (
    "Slack does not let me in right now, so I can't see who may read what. Tell your admin; "
    "questions wait until it does."
)
SEARCHING = "Searching for: {question}"
ASK_ME = "Ask me about your team's documents"
WHAT_CAN_YOU_DO = "What can you do?"
NOT_A_MEMBER = (
    "I'm not a member of that channel, so only you see this, and I used your own documents alone. "
    "Invite me there to answer for everyone."
)
INVITE_TO_SHARE = "I'm not a member of this channel. Invite me first, then share again."
SHARED_BY = "asked by {name}"
HELP = """\
Ask me anything that your team's documents answer. Every answer names its sources.

- In a channel: mention me. I answer in a thread, where you can ask on.
- In a direct message: just write.
- `/ask QUESTION`: only you see the answer; Share asks again for everybody there.
- In a message's menu, “Ask about this” asks what the documents say about it, and “Add to \
knowledge” reads its files.
- Share a file with me, in a direct message or with a mention: what it says is known from then on \
to whoever can read it there.
- `/knowledge list` shows the documents that I may answer from here; curators and admins find more \
under `/knowledge`."""
HIDDEN_DISCORD = (
    "Discord shows me what you write in a server only where you mention me. Please mention me, or "
    "leave **@ ON** when you reply to me."
)

KNOWLEDGE_HELP = """\
- `/knowledge list`: the documents that an answer here may draw on
- `/knowledge status`: how far they are read, and what waits to be decided (curators)
- `/knowledge remove NAME`: remove a document, its text and the answers that used it (curators)
- `/knowledge role @PERSON member|curator|admin`: give a person a role (admins)
- `/knowledge guests on|off`: let answers in this channel draw on the team's documents although \
guests read along (admins)
- `/knowledge collect on|off`: read every file that is shared in this channel (admins)"""
MAINTENANCE = "This is how maintenance stands:"
NOT_MAINTAINED = "{why} This is how it was left:"
ADMINS_ONLY = "Only an admin can do this. Ask one of yours."
NO_DOCUMENTS = "There are no documents that I may use here yet."
DOCUMENTS = "I may use these here:"
MORE_DOCUMENTS = "… and {count} more"
REMOVE_WHAT = "Name the document: `/knowledge remove NAME`."
NO_SUCH_DOCUMENT = "There is no document “{name}” here that you may remove."
SEVERAL_DOCUMENTS = "Several documents are called “{name}”; the web page shows them apart."
REMOVED = "“{name}” is removed, with its text and the answers that used it."
ROLE_HOW = "Say who and what: `/knowledge role @PERSON member|curator|admin`."
ROLE_UNKNOWN = "I don't know this person as one of your team."
LAST_ADMIN = "They are the only admin. Make somebody else an admin first."
ROLE_SET = "Done: the role is now {role}."
GUESTS_HOW = "Say `/knowledge guests on` or `/knowledge guests off`."
GUESTS_WHERE = "This is for channels that I am in. Say it in the one that you mean."
GUESTS_ON = "From now on, answers here draw on the team's documents although guests read along."
GUESTS_OFF = (
    "From now on, answers here draw on this channel's documents alone while guests read along."
)
COLLECT_HOW = "Say `/knowledge collect on` or `/knowledge collect off`."
COLLECT_WHERE = GUESTS_WHERE
COLLECT_ON = "From now on I read every file that is shared in this channel, for this channel."
COLLECT_NEEDS_CONTENT = (
    "Discord shows them to me only where whoever runs me has set `DISCORD_MESSAGE_CONTENT=on`."
)
COLLECT_OFF = "From now on I read files in this channel only when I am mentioned."
COLLECTS = "I read every file that is shared in this channel."
STATUS_READY = "{count:,} ready to be searched"
STATUS_READING = "{count:,} being read"
STATUS_WAITING = "{count:,} waiting to be read"
STATUS_FAILED = "Not read: {name}. {reason}"
STATUS_ASKED = "Waits for a curator: {asker} asks to make {name} available to the team"
CLAIM_ME = (
    "Nobody has claimed this server yet, so I know nothing here. Whoever runs me can change that "
    "with this command: `python manage.py claim discord {id}`."
)
NO_SERVER = (
    "I answer members of the servers whose admins have claimed me, and I share none with you yet."
)
WHICH_SERVER = (
    "You share several servers with me: {names}. Which one is this about? Answer with its name; "
    "I'll remember it for our direct messages."
)
NOT_A_MEMBER_DISCORD = (
    "I'm not a member here, so only you see this, and I used your own documents alone."
)
NOT_SHOWN_OTHER_DISCORD = "Discord refused it ({code}); tell your admin"
NOT_SHOWN_WHY_DISCORD = {
    "10003": "the channel or thread is gone",
    "10008": "the message is gone",
    "50001": "I can't see the channel; let me in and ask again",
    "50013": "I may not write in the channel; ask an admin to allow me Send Messages",
    "50083": "the thread is archived",
}
UNKNOWN_BUTTON = "I don't know this button any more. Please ask again."
THANKS = "Thank you; that is noted."
NOT_KEPT = "I could not keep your question just now. Please ask again in a moment."
LINK_CODE = """\
Your code is `{code}`; it holds for ten minutes. Say `/link {code}` where you are somebody else to \
me: in Slack, in Discord, or under “You” on the page. From then on I know you as one person, with \
one history and one set of documents.
Show the code to nobody, and never enter one that somebody sent you."""
LINK_WHOSE = (
    "This code is from {name} {where}. If that is you, say `/link {code}` once more. If somebody "
    "sent it to you, don't."
)
LINK_PLACES = {"slack": "on Slack", "discord": "on Discord", "page": "on the page"}
LINKED = "Done: you are one person to me now, with one history and one set of documents."
UNLINKED = (
    "Done: here you begin anew, without a history or documents of your own. What was joined "
    "stays with your other identities."
)
MY_DATA = "This is what I have stored about you, as far as you may see it from here."
MY_DATA_SENT = "Look into your direct messages with me: the file is there."
MY_DATA_NOT_SENT = "I could not send you the file: {reason}. Tell your admin."
FORGOTTEN = (
    "Done: your questions with their answers, your documents, your feedback and who you are, here "
    "and where you were linked, are deleted. The messages that stand in this chat I leave to you."
)
NOT_DONE = "That did not work just now. Please try again in a moment."
