"""What is stored about a person, as one file for them."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from backend.accounts import linking
from backend.accounts.audience import Place, readable_spaces
from backend.accounts.models import User
from backend.accounts.roles import role_of
from backend.accounts.spaces import personal_key
from backend.chat.history import shown_to
from backend.chat.joining import linked_identities
from backend.chat.models import Conversation, Feedback, Message, Source
from backend.library.models import Contribution
from knowledge.models import Document, DocumentVersion, Section, VersionState

JSON = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """A file to hand over."""

    name: str
    data: bytes


def export_of(place: Place) -> Export:
    """Everything about whoever speaks in this place, which must be private, as far as they may
    still read it there. Raises PersonError."""
    user, identity = linking.present(place)
    private = Place(place.workspace, user=place.user, identity=identity)
    content = {
        "made_at": timezone.now().isoformat(),
        "workspace": place.workspace.slug,
        "me": _me(user, place),
        "conversations": _conversations(user, private),
        "feedback": _feedback(user, private),
        "documents": _documents(user, private),
        "brought": _brought(user, private),
    }
    data = json.dumps(content, ensure_ascii=False, indent=2).encode(errors="replace")
    return Export(f"askwell-{timezone.now():%Y-%m-%d}.json", data)


def _me(user: User, place: Place) -> JSON:
    identities = [
        {
            "platform": one.installation.platform,
            "installation": one.installation.external_id,
            "id": one.external_id,
            "standing": one.standing,
        }
        for one in linked_identities(user, place.workspace)
    ]
    return {
        "email": user.email if user.signs_in else None,
        "role": role_of(user, place.workspace),
        "identities": identities,
    }


def _conversations(user: User, private: Place) -> list[JSON]:
    """Private ones whole, of those in channels what this person asked and was answered."""
    here = Conversation.objects.filter(workspace=private.workspace).order_by("updated_at")
    in_channels = here.filter(channel__isnull=False, messages__asker=user).distinct()
    shown = _readable(private)
    listed = [(one, shown) for one in here.filter(user=user, channel=None)]
    listed += [(one, shown.filter(asker=user)) for one in in_channels.select_related("channel")]
    return [
        {
            "id": str(one.pk),
            "channel": one.channel.external_id if one.channel else None,
            "messages": [_message(message) for message in messages.filter(conversation=one)],
        }
        for one, messages in listed
    ]


def _readable(private: Place) -> QuerySet[Message]:
    sources = Source.objects.select_related("version__document", "section")
    messages = shown_to(Message.objects.all(), readable_spaces(private))
    return messages.order_by("pk").prefetch_related(Prefetch("sources", sources))


def _message(message: Message) -> JSON:
    sources = [
        {
            "number": source.number,
            "document": source.version.document.name,
            "page": source.section.page if source.section else None,
            "excerpt": source.excerpt,
        }
        for source in message.sources.all()
    ]
    said = {"at": message.created_at.isoformat(), "by": message.speaker, "text": message.text}
    return said | ({"sources": sources} if sources else {})


def _feedback(user: User, private: Place) -> list[JSON]:
    rows = Feedback.objects.filter(
        user=user, message__conversation__workspace=private.workspace
    ).select_related("message")
    readable = shown_to(
        Message.objects.filter(pk__in=rows.values("message")), readable_spaces(private)
    )
    answers = dict(readable.values_list("pk", "text"))
    return [
        {"helpful": row.helpful, "reason": row.reason, "answer": answers.get(row.message_id)}
        for row in rows.order_by("pk")
    ]


def _documents(user: User, private: Place) -> list[JSON]:
    key = personal_key(private.workspace, user)
    documents = Document.objects.kept().filter(space__key=key).order_by("name", "created_at")
    return [
        {
            "id": str(one.pk),
            "name": one.name,
            "added_at": one.created_at.isoformat(),
            "versions": [
                _version(version)
                for version in one.versions.exclude(state=VersionState.REMOVED).order_by("number")
            ],
            "text": _text(one),
        }
        for one in documents
    ]


def _brought(user: User, private: Place) -> list[JSON]:
    """The versions that the person brought, into spaces that they may still read."""
    rows = Contribution.objects.filter(
        user=user,
        version__document__removed_at=None,
        version__document__space__in=readable_spaces(private),
    ).select_related("version__document__space")
    return [
        {
            "document": row.version.document.name,
            "version": row.version.number,
            "space": row.version.document.space.key,
            "at": row.at.isoformat(),
        }
        for row in rows.order_by("pk")
    ]


def _version(version: DocumentVersion) -> JSON:
    return {
        "number": version.number,
        "added_at": version.created_at.isoformat(),
        "bytes": version.size,
        "sha256": version.sha256,
        "state": version.state,
    }


def _text(document: Document) -> str:
    sections = Section.objects.filter(version=document.current_id).order_by("position")
    return "\n\n".join(sections.values_list("text", flat=True))
