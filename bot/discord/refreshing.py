"""Read people of Discord anew. Who reads along in its channels is known from the gateway, as it is
at the moment of a question."""

import discord
from asgiref.sync import sync_to_async
from discord.http import Route
from django.conf import settings
from django.utils import timezone

from backend.accounts.models import Identity, Installation
from backend.accounts.people import record_person
from bot.discord.events import PLATFORM
from bot.discord.people import member_of, standing_of
from bot.discord.rest import DiscordApi
from bot.discord.service import logged_in
from bot.refreshing import Read, old_people


async def refresh() -> Read:
    """Read what has grown old, without the gateway. Raises DeliveryError."""
    Route.BASE = settings.DISCORD_API_URL
    count = 0
    async with logged_in() as client:
        api = DiscordApi(client)
        for installation in await sync_to_async(_servers)():
            persons = await sync_to_async(old_people)(installation)
            if persons:
                number = int(installation.external_id)
                guild = await api.run("a server", client.fetch_guild(number))
                for one in persons:
                    await _read(api, guild, one)
            count += len(persons)
    return Read(people=count)


def _servers() -> list[Installation]:
    return list(Installation.objects.filter(platform=PLATFORM))


async def _read(api: DiscordApi, guild: discord.Guild, one: Identity) -> None:
    at = timezone.now()
    member = await member_of(api, guild, int(one.external_id))
    standing = standing_of(member, one.installation.team_role)
    await sync_to_async(record_person)(one.installation, one.external_id, standing, at)
