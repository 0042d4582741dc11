"""What earlier questions tell where the platform does not: which one a message goes on from, and
where something was said lately."""

from dataclasses import replace
from datetime import timedelta

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone

from backend.chat.models import Conversation
from bot.incoming import DIRECT, Key, SharedFile
from bot.models import InboxItem, Kind, ReplyPart
from bot.shared_files import file_of, files_of
from knowledge.prepared import Given, Objects

# So long after the last question in it a thread is still read back.
LIVELY = timedelta(days=7)
# After a pause this long a direct message begins a new conversation.
PAUSE = timedelta(minutes=30)


def answered_by(channel: Key, message: str) -> InboxItem | None:
    """The question that this message of ours, in the channel of the key, answers."""
    where = f"{channel.platform}/{channel.installation}/{channel.channel}"
    part = ReplyPart.objects.filter(channel=where, message=message).select_related("item").first()
    return part.item if part else None


def last_question(channel: Key) -> InboxItem | None:
    """The last question in the channel of the key, other than its message."""
    return (
        InboxItem.objects.in_channel_of(channel)
        .filter(private=False)
        .exclude(message=channel.message)
        .order_by("-pk")
        .first()
    )


def server_named_by(platform: str, person: str) -> str:
    """The server that this person last named in a direct message; empty where they named none."""
    named = InboxItem.objects.filter(platform=platform, installation=DIRECT, sender=person)
    last = named.exclude(sender_team="").order_by("-pk").first()
    return last.sender_team if last else ""


def said_with(item: InboxItem) -> tuple[str, list[SharedFile]]:
    """The words and the files of the message that this item came with."""
    message = replace(item.key, message=item.said_in)
    words = InboxItem.objects.of(message)
    files = [file_of(file) for file in files_of(message).order_by("pk")]
    return words.values_list("text", flat=True).first() or "", files


_ASKED_LAST = (
    InboxItem.objects.filter(
        platform=Given(0),
        installation=Given(1),
        channel=Given(2),
        thread=Given(3),
        private=False,
        conversation__isnull=False,
    )
    .order_by("-pk")
    .values("conversation")[:1]
)
_CONVERSATION = Objects(lambda: Conversation.objects.filter(pk=_ASKED_LAST))


def conversation_of(item: InboxItem) -> Conversation | None:
    """The conversation of the item's thread; None where the question begins one."""
    if item.conversation_id:  # it may have been removed since the item was claimed
        return Conversation.objects.filter(pk=item.conversation_id).first()
    if item.private or not item.thread:
        return None
    where = (item.platform, item.installation, item.channel)
    found = _CONVERSATION.first(*where, item.thread)
    if found is None and item.direct and item.thread == item.said_in:  # no reply to anything
        return _talk_before(item)
    return found


def _talk_before(item: InboxItem) -> Conversation | None:
    """The conversation of what was said last in the same direct messages, unless a pause came in
    between."""
    before = InboxItem.objects.filter(
        platform=item.platform,
        installation=item.installation,
        channel=item.channel,
        private=False,
        conversation__isnull=False,
        pk__lt=item.pk,
        received_at__gt=item.received_at - PAUSE,
    )
    last = before.order_by("-pk").select_related("conversation").first()
    return last.conversation if last else None


def known_message(platform: str, message: str) -> InboxItem | None:
    """What came with the message of this id, on a platform whose ids are its own everywhere."""
    here = Q(message=message) | Q(kind=Kind.FILE, message__startswith=f"{message}/")
    return InboxItem.objects.filter(here, platform=platform).first()


def is_recent(item: InboxItem) -> bool:
    return item.received_at > timezone.now() - PAUSE


def direct_channels(platform: str, installation: str) -> list[str]:
    """Where somebody spoke with the bot alone, lately."""
    return list(_lately(platform, installation).values_list("channel", flat=True).distinct())


def threads_in(platform: str, installation: str, channel: str) -> list[str]:
    """The threads of a channel that we are in, where something was asked lately."""
    rows = InboxItem.objects.filter(
        platform=platform,
        installation=installation,
        channel=channel,
        private=False,
        collected=False,
    ).exclude(thread="")
    lately = rows.filter(received_at__gt=timezone.now() - LIVELY)
    return list(dict.fromkeys(lately.order_by("-pk").values_list("thread", flat=True)))


def lively_threads(platform: str, installation: str) -> set[str]:
    """The threads that somebody asked in lately, and that have an answer of ours."""
    answered = ReplyPart.objects.filter(item__in=_lately(platform, installation)).annotate(
        where=Concat("item__thread", Value("/"))
    )
    return set(
        answered.filter(message__startswith=F("where")).values_list("item__thread", flat=True)
    )


def _lately(platform: str, installation: str) -> QuerySet[InboxItem]:
    return InboxItem.objects.filter(
        platform=platform,
        installation=installation,
        private=False,
        collected=False,
        received_at__gt=timezone.now() - LIVELY,
    )
