"""A Slack team whose people are read."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from slack_sdk.web.async_client import AsyncWebClient

from backend.accounts.audience import Place, readable_keys
from backend.accounts.models import Channel, ChannelMember, Identity, Installation
from backend.accounts.spaces import channel_key, personal_key, team_key
from bot.slack.api import SlackApi
from bot.slack.people import People
from tests.simulators.slack import state
from tests.simulators.slack.simulator import SlackSimulator

OTHER_TEAM = "T0000EXT0"
SWEEP = ("users.list", "users.conversations")


@dataclass
class World:
    """A Slack team, read by one process; `again()` is another process with the same database."""

    slack: SlackSimulator
    client: AsyncWebClient
    installation: Installation
    people: People

    def again(self) -> People:
        self.people = People(SlackApi(self.client), self.installation)
        return self.people

    async def place(
        self,
        who: state.User,
        where: state.Channel | None = None,
        *,
        private: bool = False,
        team: str | None = None,
    ) -> Place:
        return await self.people.place(
            user=who.id, team=team, channel=where.id if where else None, private=private
        )

    async def reads(
        self, who: state.User, where: state.Channel | None = None, *, private: bool = False
    ) -> set[str]:
        """What an answer may draw on: own, team, and the channels by name."""
        return await self.named(await self.place(who, where, private=private))

    async def named(self, place: Place) -> set[str]:
        at = self.installation
        names = {team_key(at.workspace): "team"}
        for channel in self.slack.world.channels.values():
            names[channel_key(at.platform, at.external_id, channel.id)] = channel.name
        if place.asker:
            names[personal_key(at.workspace, place.asker)] = "own"
        return {names[key] for key in await sync_to_async(readable_keys)(place)}

    async def told_everything(self) -> None:
        """What Slack sent so far reaches the bot."""
        for delivery in list(self.slack.deliveries):
            await self.people.told(delivery.event)
        self.slack.deliveries.clear()

    def user(self, name: str) -> state.User:
        return self.slack.world.user(name)

    def count(self, *methods: str) -> int:
        return sum(len(self.slack.calls_to(method)) for method in methods)

    async def age(self, **span: float) -> None:
        """As if all that was read were so much older."""

        def back() -> None:
            by = timedelta(**span)
            for identity in Identity.objects.all():
                Identity.objects.filter(pk=identity.pk).update(read_at=identity.read_at - by)
            for channel in Channel.objects.exclude(outsiders_read_at=None):
                at = channel.outsiders_read_at
                assert at is not None
                Channel.objects.filter(pk=channel.pk).update(outsiders_read_at=at - by)
            for member in ChannelMember.objects.all():
                ChannelMember.objects.filter(pk=member.pk).update(read_at=member.read_at - by)

        await sync_to_async(back)()

    async def channel(self, where: state.Channel) -> Channel:
        return await Channel.objects.aget(external_id=where.id)

    async def standing(self, who: state.User) -> str:
        return (await Identity.objects.aget(external_id=who.id)).standing


def asker(world: World, who: str) -> state.User:
    flags: dict[str, dict[str, Any]] = {
        "member": {},
        "guest": {"is_restricted": True},
        "external": {"team_id": OTHER_TEAM, "is_stranger": True},
        "removed": {"deleted": True},
    }
    return world.slack.add_user(who, **flags[who])
