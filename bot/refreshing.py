"""Read anew who people are and who reads along, before somebody asks and has to wait for it; and
notice who has left though they never ask.

Each run reads a few, chosen at random among what has grown old: nobody who can't be read keeps the
others waiting, and the platforms' rates are left to those who ask.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from backend.accounts.audience import KNOWN_FOR
from backend.accounts.models import Channel, Identity, Installation, Standing
from bot.errors import DeliveryError
from bot.models import InboxItem

# The setting without which a platform can't be read, and the dotted path of the module that reads
# it, imported on first use: it has `async refresh() -> Read`, which raises DeliveryError.
REFRESHERS = {
    "SLACK_BOT_TOKEN": "bot.slack.refreshing",
    "DISCORD_TOKEN": "bot.discord.refreshing",
}
# What one run reads of an installation.
PEOPLE, CHANNELS = 25, 10
# Channels count in which somebody asked lately.
LIVELY = timedelta(days=7)


@dataclass(frozen=True)
class Read:
    """How many were read anew."""

    people: int = 0
    channels: int = 0


@dataclass(frozen=True)
class Asked:
    """A channel, and who asked in it last."""

    channel: str
    sender: str
    sender_team: str


def refresh() -> Iterator[Read | DeliveryError]:
    """What was read on each platform that is set up, or why nothing could be."""
    for setting, path in REFRESHERS.items():
        if getattr(settings, setting):
            try:
                yield asyncio.run(import_module(path).refresh())
            except DeliveryError as error:
                yield error


def old_people(installation: Installation) -> list[Identity]:
    """Some people of whom it is not known any more, or not for long, what they are."""
    rows = Identity.objects.filter(installation=installation, read_at__lt=_old())
    rows = rows.exclude(standing__in=(Standing.REMOVED, Standing.EXTERNAL))
    return list(rows.select_related("user", "installation__workspace").order_by("?")[:PEOPLE])


def old_channels(installation: Installation) -> list[Asked]:
    """The same of channels, and whether outsiders are in them."""
    known = Channel.objects.filter(installation=installation, outsiders_read_at__gte=_old())
    lately = (
        InboxItem.objects.filter(
            platform=installation.platform,
            installation=installation.external_id,
            direct=False,
            private=False,
            received_at__gt=timezone.now() - LIVELY,
        )
        .exclude(Q(channel__in=known.values("external_id")) | Q(sender=""))
        .order_by("pk")
    )
    rows = lately.values_list("channel", "sender", "sender_team")
    latest = {channel: Asked(channel, *who) for channel, *who in rows}
    return list(latest.values())[-CHANNELS:]


def _old() -> datetime:
    return timezone.now() - KNOWN_FOR / 2
