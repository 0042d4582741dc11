"""Answers that used a version which was given up for another with the same bytes."""

from collections.abc import Mapping

from backend.chat.models import Message, Source
from knowledge.models import Section


def use_instead(same: Mapping[int, int]) -> None:
    """Answers that used a key of `same` rest on its value from now on."""
    for version, instead in same.items():
        _use_instead(version, instead)


def _use_instead(version: int, instead: int) -> None:
    """Answers that used a version rest on one with the same bytes."""
    used = Message.versions.through.objects
    both = used.filter(documentversion=instead).values("message")
    used.filter(documentversion=version, message__in=both).delete()
    used.filter(documentversion=version).update(documentversion=instead)
    sections = dict(Section.objects.filter(version=instead).values_list("position", "pk"))
    for source in Source.objects.filter(version=version).select_related("section"):
        position = source.section.position if source.section else None
        section = sections.get(position) if position is not None else None
        Source.objects.filter(pk=source.pk).update(version=instead, section=section)
