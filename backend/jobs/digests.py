"""The digest: how Askwell served a workspace in a stretch of time, as one admin may read it."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from backend.accounts.audience import Place, readable_spaces
from backend.accounts.models import Channel, User, Workspace
from backend.accounts.spaces import channel_key
from backend.chat.history import shown_to
from backend.chat.models import Message, Source, Speaker
from backend.jobs import wording
from backend.jobs.models import Slot, SlotState
from knowledge.models import Document, Space

# Questions and names that each list shows.
LISTED = 5


def has_news(workspace: Workspace, begins: datetime, ends: datetime) -> bool:
    """Whether there is anything to tell."""
    asked = _said(workspace, begins, ends).filter(speaker=Speaker.USER)
    return asked.exists() or _given_up(begins, ends).exists()


def digest(workspace: Workspace, user: User, begins: datetime, ends: datetime) -> str:
    """The digest as Markdown. A question is quoted where `user` may read all that it drew on;
    what was asked in private and drew on nothing is counted, like the others."""
    said = _said(workspace, begins, ends)
    spaces = readable_spaces(Place(workspace, user=user))
    answers = said.filter(speaker=Speaker.ASSISTANT)
    unanswered = answers.filter(refused=True)
    disliked = answers.annotate(down=Count("feedback", filter=Q(feedback__helpful=False))).filter(
        down__gt=0
    )
    blocks = [
        [wording.DIGEST.format(begins=begins, ends=ends)],
        [_counts(said.filter(speaker=Speaker.USER).count(), answers.count(), unanswered.count())],
        _quoted(wording.UNANSWERED, unanswered.order_by("-pk"), spaces),
        _quoted(wording.DISLIKED, disliked.order_by("-down", "-pk"), spaces),
        _named(wording.NEVER_CITED, _never_cited(spaces, begins)),
        _failed_jobs(begins, ends),
    ]
    return "\n\n".join(text for lines in blocks if (text := "\n".join(lines)))


def _said(workspace: Workspace, begins: datetime, ends: datetime) -> QuerySet[Message]:
    within = Q(created_at__gte=begins, created_at__lt=ends)
    return Message.objects.filter(within, conversation__workspace=workspace)


def _counts(asked: int, answers: int, unanswered: int) -> str:
    if not answers:
        return wording.ASKED.format(count=asked)
    share = (answers - unanswered) / answers
    return wording.ASKED_AND_ANSWERED.format(count=asked, share=share)


def _quoted(title: str, answers: QuerySet[Message], spaces: list[Space]) -> Iterable[str]:
    """The questions of these answers, as far as they may be quoted, and how many more there are."""
    total = answers.count()
    if not total:
        return
    yield title.format(count=total)
    readable = shown_to(answers, spaces).filter(_tellable(spaces))[:LISTED]
    quoted = [text for answer in readable if (text := _question_of(answer, spaces))]
    yield from (wording.QUOTED.format(question=text) for text in quoted)
    if total > len(quoted):
        yield wording.NOT_QUOTED.format(count=total - len(quoted))


def _tellable(spaces: list[Space]) -> Q:
    """Said in a channel that these spaces belong to, or drew on something."""
    keys = {space.key for space in spaces}
    channels = [
        channel.pk
        for channel in Channel.objects.select_related("installation")
        if channel_key(
            channel.installation.platform, channel.installation.external_id, channel.external_id
        )
        in keys
    ]
    drew = Message.spaces.through.objects.filter(message=OuterRef("pk"))
    return Q(conversation__channel__in=channels) | Q(Exists(drew))


def _question_of(answer: Message, spaces: list[Space]) -> str:
    before = Message.objects.filter(
        conversation=answer.conversation_id, pk__lt=answer.pk, speaker=Speaker.USER
    )
    question = shown_to(before, spaces).order_by("-pk").first()
    return _as_it_is(question.text[:200]) if question else ""


def _as_it_is(text: str) -> str:
    """As code, so that no link, mention or mark in it takes effect."""
    return f"`{' '.join(text.replace('`', '´').split())}`"


def _never_cited(spaces: list[Space], before: datetime) -> QuerySet[Document]:
    """Documents that were there for the whole time and that no answer has named yet."""
    cited = Source.objects.filter(version__document=OuterRef("pk"))
    kept = Document.objects.kept().filter(space__in=spaces, created_at__lt=before)
    return kept.filter(~Exists(cited)).order_by("name")


def _named(title: str, documents: QuerySet[Document]) -> Iterable[str]:
    if count := documents.count():
        names = ", ".join(map(_as_it_is, documents.values_list("name", flat=True)[:LISTED]))
        more = wording.AND_MORE.format(count=count - LISTED) if count > LISTED else ""
        yield title.format(count=count, names=names + more)


def _given_up(begins: datetime, ends: datetime) -> QuerySet[Slot]:
    return Slot.objects.filter(state=SlotState.FAILED, ended_at__gte=begins, ended_at__lt=ends)


def _failed_jobs(begins: datetime, ends: datetime) -> Iterable[str]:
    counts = _given_up(begins, ends).values_list("job").annotate(Count("pk")).order_by("job")
    if told := ", ".join(f"{job} ({count})" for job, count in counts):
        yield wording.JOBS_FAILED.format(jobs=told)
