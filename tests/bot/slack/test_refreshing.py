"""People and channels of Slack are read anew by the job, before anybody asks."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.models import Channel, Identity, Installation, Membership, Standing
from backend.accounts.people import installation_of, record_person
from bot import refreshing
from bot.errors import DeliveryError
from bot.models import InboxItem
from management import jobs
from tests.bot.slack.running import point_to
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = pytest.mark.django_db(transaction=True)
HOUR_AGO = timezone.now() - timedelta(hours=1)


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)


@pytest.fixture
def installation(slack: SlackSimulator) -> Installation:
    return installation_of("slack", slack.world.team_id)


def known(slack: SlackSimulator, installation: Installation, who: str) -> Identity:
    """Somebody of the team, as of an hour ago."""
    return record_person(installation, slack.world.user(who).id, Standing.TEAM, HOUR_AGO)


def asked_in(slack: SlackSimulator, installation: Installation, channel: str, who: str) -> str:
    """Somebody asked there; the channel's id."""
    place = slack.world.channel(channel).id
    InboxItem.objects.create(
        platform="slack",
        installation=installation.external_id,
        channel=place,
        message="1.1",
        sender=slack.world.user(who).id,
    )
    return place


def test_people_and_channels_that_have_grown_old_are_read(
    slack: SlackSimulator, installation: Installation
) -> None:
    ana = known(slack, installation, "ana")
    general = asked_in(slack, installation, "general", "ana")

    assert jobs.refresh_people() == "Read 1 people and 1 channels anew."

    ana.refresh_from_db()
    assert ana.standing == Standing.TEAM and ana.read_at > HOUR_AGO
    channel = Channel.objects.get(external_id=general)
    assert channel.has_outsiders is False and ana.channels.filter(channel=channel).exists()
    assert jobs.refresh_people() == "Read 0 people and 0 channels anew."


def test_who_has_left_is_no_member_any_more_though_they_never_ask(
    slack: SlackSimulator, installation: Installation
) -> None:
    ben = known(slack, installation, "ben")
    slack.world.user("ben").deleted = True

    jobs.refresh_people()

    ben.refresh_from_db()
    assert ben.standing == Standing.REMOVED
    assert not Membership.objects.filter(user=ben.user).exists()


def test_a_run_reads_few_and_the_next_ones_the_others(
    slack: SlackSimulator, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "PEOPLE", 1)
    for who in ("ana", "ben"):
        known(slack, installation, who)

    assert [jobs.refresh_people() for _ in range(3)] == [
        "Read 1 people and 0 channels anew.",
        "Read 1 people and 0 channels anew.",
        "Read 0 people and 0 channels anew.",
    ]


def test_a_refused_token_is_told(slack: SlackSimulator) -> None:
    slack.app.refused = "token_revoked"

    with pytest.raises(DeliveryError) as told:
        jobs.refresh_people()

    assert slack.app.bot_token not in str(told.value)


def test_without_tokens_nobody_is_asked_for(slack: SlackSimulator, settings: Settings) -> None:
    settings.SLACK_BOT_TOKEN = ""

    assert jobs.refresh_people() == "No chat platform is set up, so there was nobody to ask for."
