"""People of Discord are read anew by the job, without the gateway."""

from datetime import timedelta

import pytest
from django.utils import timezone

from backend.accounts.claiming import claim
from backend.accounts.models import Identity, Installation, Standing
from backend.accounts.people import record_person
from management import jobs
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]
HOUR_AGO = timezone.now() - timedelta(hours=1)


def known(who: str) -> Identity:
    """Somebody of the team, as of an hour ago."""
    return record_person(Installation.objects.get(), who, Standing.TEAM, HOUR_AGO)


def test_who_lost_the_role_or_left_is_noticed_though_they_never_ask(
    discord: DiscordSimulator,
) -> None:
    claim("discord", discord.home.id, "staff")
    discord.add_role("staff")
    discord.give_role("ana", "staff")
    ana, ben, gone = known(discord.ana.id), known(discord.ben.id), known("123456789012345678")

    assert jobs.refresh_people() == "Read 3 people and 0 channels anew."

    standings = [Identity.objects.get(pk=one.pk).standing for one in (ana, ben, gone)]
    assert standings == [Standing.TEAM, Standing.GUEST, Standing.REMOVED]
    assert jobs.refresh_people() == "Read 0 people and 0 channels anew."
