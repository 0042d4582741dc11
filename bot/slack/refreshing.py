"""Read people and channels of Slack anew."""

import aiohttp
from asgiref.sync import sync_to_async

from backend.accounts.people import installation_of
from bot.leases import REQUEST_TIMEOUT
from bot.refreshing import Read, old_channels, old_people
from bot.slack.api import SlackApi
from bot.slack.events import PLATFORM
from bot.slack.people import People
from bot.slack.service import make_client


async def refresh() -> Read:
    """Read what has grown old. Raises DeliveryError where Slack can't be used."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        api = SlackApi(make_client(session))
        us = await api.call("auth.test")
        installation = await sync_to_async(installation_of)(PLATFORM, us["team_id"])
        people = People(api, installation, us["user_id"])
        try:
            persons = await sync_to_async(old_people)(installation)
            for one in persons:
                await people.place(user=one.external_id, team=None, channel=None, private=True)
            channels = await sync_to_async(old_channels)(installation)
            for asked in channels:
                await people.place(
                    user=asked.sender,
                    team=asked.sender_team or None,
                    channel=asked.channel,
                    private=False,
                )
        finally:
            await people.close()
    return Read(len(persons), len(channels))
