"""Admins are told of maintenance in their direct messages, each once."""

import asyncio
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone
from pytest_django import Settings
from slack_sdk.web.async_client import AsyncWebClient

from backend.accounts.models import Role
from backend.jobs import notices
from backend.jobs.models import Notice, Slot
from bot.slack.send import NO_FLAGS
from tests.bot.slack.asking import until_settled
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.test_cards import known
from tests.simulators.slack.faults import Drop
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]
GIVEN_UP = "The maintenance job purge was given up. The disk is full."


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@sync_to_async
def give_up(days_ago: float = 0) -> None:
    """A job is given up, and was so many days ago."""
    now = timezone.now()
    Slot.objects.create(job="purge", at=now, state="failed", reason="The disk is full.")
    notices.tell_of_failures()
    Notice.objects.update(at=now - timedelta(days=days_ago))


def told(slack: SlackSimulator, who: str) -> list[str]:
    """What was said of it to this person directly."""
    said = map(shown, slack.dm_of(who).messages.values())
    return [text for text in said if GIVEN_UP in text]


async def test_an_admin_is_told_once_also_by_a_bot_that_starts_anew(slack: SlackSimulator) -> None:
    async with running(slack):
        await known(slack, "ana", Role.ADMIN)
        await known(slack, "ben", Role.CURATOR)
        await give_up()
        await slack.until(lambda: told(slack, "ana"), timeout=10)
        await until_settled()
    async with running(slack):
        await asyncio.sleep(1.5)
        await until_settled()
    assert len(told(slack, "ana")) == 1
    assert told(slack, "ben") == []


async def test_a_notice_that_may_have_been_posted_is_found_although_the_clocks_differ(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        await known(slack, "ana", Role.ADMIN)
        slack.world.behind = 20.0
        slack.faults.next("chat.postMessage", Drop(after=True))
        await give_up()
        await slack.until(lambda: told(slack, "ana"), timeout=10)
        await until_settled()
    assert len(told(slack, "ana")) == 1


async def test_another_message_of_ours_is_not_taken_for_a_notice(
    slack: SlackSimulator, client: AsyncWebClient
) -> None:
    """What stands in no thread is never streamed, so it names what it is."""
    async with running(slack):
        await known(slack, "ana", Role.ADMIN)
        direct = slack.dm_of("ana")
        await client.chat_postMessage(channel=direct.id, text="Something else.", **NO_FLAGS)
        slack.faults.next("chat.postMessage", Drop())
        await give_up()
        await slack.until(lambda: told(slack, "ana"), timeout=10)
        await until_settled()
    assert len(told(slack, "ana")) == 1
    assert "Something else." in map(shown, direct.messages.values())


async def test_what_is_over_for_a_week_is_told_no_more(slack: SlackSimulator) -> None:
    async with running(slack):
        await known(slack, "ana", Role.ADMIN)
        await give_up(days_ago=8)
        await asyncio.sleep(1.5)
        await until_settled()
    assert told(slack, "ana") == []
