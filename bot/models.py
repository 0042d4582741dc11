"""What was said to the bot, and what it says in return: the inbox and the delivery ledger.

an item:  received -> claimed -> answered | void | failed
a part:   planned -> opening -> open -> final -> sent, and from anywhere withdrawn -> gone
"""

from django.db import models
from django.db.models import Q

from backend.chat.models import Conversation, Message
from backend.library.models import PromotionRequest
from bot.incoming import Key
from knowledge.models import DocumentVersion


class Kind(models.TextChoices):
    QUESTION = "question"
    # A shared file; its reply is the card that tells what became of it.
    FILE = "file"
    # Somebody would like the team to have a document; its reply asks a curator.
    REQUEST = "request"
    # Nobody asked: an admin is told something of maintenance.
    NOTICE = "notice"


class ItemState(models.TextChoices):
    RECEIVED = "received"
    CLAIMED = "claimed"
    ANSWERED = "answered"
    VOID = "void"
    FAILED = "failed"


OPEN = (ItemState.RECEIVED, ItemState.CLAIMED)
DECIDED = (ItemState.ANSWERED, ItemState.FAILED, ItemState.VOID)


class InboxItems(models.QuerySet["InboxItem"]):
    """What was said to the bot."""

    def in_channel_of(self, key: Key) -> "InboxItems":
        return self.filter(
            platform=key.platform, installation=key.installation, channel=key.channel
        )

    def of(self, key: Key) -> "InboxItems":
        """The item of this key; none of its message's files."""
        return self.in_channel_of(key).filter(message=key.message)


class InboxItem(models.Model):
    """Something that was said to the bot, and the queue row of answering it (backend/db.py).

    Once the answer is decided, the same lease covers its delivery, until the item is settled.
    """

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.QUESTION)
    platform = models.CharField(max_length=10)
    installation = models.CharField(max_length=64)
    channel = models.CharField(max_length=64)
    # The platform's id of the message, or of the command or click; of a file MESSAGE/FILE.
    message = models.CharField(max_length=120)
    # The message that heads the thread of the answer; empty for an answer that only one sees.
    thread = models.CharField(max_length=64, blank=True)
    sender = models.CharField(max_length=64, blank=True)
    # The organisation that the platform says the sender belongs to.
    sender_team = models.CharField(max_length=64, blank=True)
    # The question; of a file its name.
    text = models.TextField(blank=True)
    # Said in a direct message to the bot.
    direct = models.BooleanField(default=False)
    # Asked by a command or menu: the answer is shown to the sender alone.
    private = models.BooleanField(default=False)
    # Files came with the question.
    with_files = models.BooleanField(default=False)
    # Of a file: what becomes of it is not known yet. Of a question: it waits for its files.
    pending = models.BooleanField(default=False)
    # Nobody spoke to the bot: the file was shared in a channel that collects them.
    collected = models.BooleanField(default=False)
    # What else the platform needs for its reply.
    route = models.JSONField(default=dict)
    received_at = models.DateTimeField(auto_now_add=True)
    # Steps with every edit; an answer counts only for the revision that it was made for.
    revision = models.PositiveIntegerField(default=0)

    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.RECEIVED)
    lease_until = models.DateTimeField(null=True)
    token = models.CharField(max_length=32, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    # Nothing is left to do: every part of the reply is sent or gone.
    settled = models.BooleanField(default=False)

    conversation = models.ForeignKey(
        Conversation, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    question = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")
    answer = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")

    # What a file is kept as. Space and hash are noted before it is, and the version in the
    # transaction that makes it; `brought` is false where the same bytes were there already.
    space = models.CharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    version = models.ForeignKey(
        DocumentVersion, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    brought = models.BooleanField(default=False)
    request = models.ForeignKey(
        PromotionRequest, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The state of affairs that the card tells (bot/cards.py).
    told = models.CharField(max_length=120, blank=True)

    objects = InboxItems.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "installation", "channel", "message"],
                name="one_item_a_message",
            )
        ]
        indexes = [
            models.Index(fields=["platform", "id"], condition=Q(settled=False), name="to_do"),
            models.Index(fields=["installation", "channel", "thread"], name="in_thread"),
            models.Index(fields=["id"], condition=Q(pending=True), name="pending"),
        ]

    def __str__(self) -> str:
        return f"{self.platform}/{self.installation}/{self.channel}/{self.message}"

    @property
    def key(self) -> Key:
        return Key(self.platform, self.installation, self.channel, self.message)

    @property
    def said_in(self) -> str:
        """The platform's id of the message itself."""
        return self.message.partition("/")[0]

    def is_of(self, key: Key) -> bool:
        """Whether it came with the message of this key, or is the file of this key."""
        here = (self.platform, self.installation) == (key.platform, key.installation)
        if not key.channel:  # wherever a file was shared
            return here and self.message.endswith(f"/{key.message}")
        return here and self.channel == key.channel and key.message == self.said_in

    def owned(self) -> models.QuerySet["InboxItem"]:
        """The item's row, while it is still ours and its question the same."""
        return InboxItem.objects.filter(pk=self.pk, token=self.token, revision=self.revision)


class PartState(models.TextChoices):
    PLANNED = "planned"
    OPENING = "opening"
    OPEN = "open"
    FINAL = "final"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    GONE = "gone"


class ReplyPart(models.Model):
    """One message of a reply. Its intent is committed before the call that opens it."""

    item = models.ForeignKey(InboxItem, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=PartState.choices, default=PartState.PLANNED)
    # The platform's id of the message, once it is known, and the channel that it stands in.
    message = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=200, blank=True)
    # When the last call to open it was begun.
    opening_at = models.DateTimeField(null=True)
    # The final text as it is sent; kept until it is.
    text = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="one_part_a_number"),
            models.UniqueConstraint(
                fields=["channel", "message"], condition=~Q(message=""), name="one_part_a_message"
            ),
        ]

    def __str__(self) -> str:
        return f"part {self.number} of {self.item_id}"


class SessionStarts(models.Model):
    """The budget of sessions that may be begun on a platform: paid until so far in the future."""

    platform = models.CharField(max_length=10, unique=True)
    paid_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.platform} until {self.paid_until}"


class ReadMark(models.Model):
    """How far a channel was read back; with no channel, the installation as a whole."""

    platform = models.CharField(max_length=10)
    installation = models.CharField(max_length=64)
    channel = models.CharField(max_length=64, blank=True)
    read_until = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["platform", "installation", "channel"], name="one_mark_a_channel"
            )
        ]

    def __str__(self) -> str:
        return f"{self.platform}/{self.installation}/{self.channel} until {self.read_until}"
