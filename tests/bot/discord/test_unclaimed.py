"""Files where the bot knows nothing yet: it says so, once, and takes none of them."""

import pytest

from bot import wording
from bot.discord.registering import ADD
from bot.models import InboxItem
from tests.bot.discord.running import OFFICES, running, settled
from tests.simulators.discord.simulator import DiscordSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "closing_clients"),
]
HOURS = ("hours.txt", OFFICES.encode(), "text/plain")


async def test_the_menu_takes_nothing_in_a_server_that_nobody_claimed(
    discord: DiscordSimulator,
) -> None:
    other = discord.add_guild("other", "eve")
    said = discord.say(
        "eve", discord.add_channel("lobby", other), "have a look", attachments=[HOURS]
    )
    async with running(discord):
        made = discord.context_menu("eve", said, ADD)
        await discord.until(lambda: made.messages and made.messages[0].text, timeout=10)
        await settled()
    assert made.ephemeral
    assert [m.text for m in made.messages] == [wording.CLAIM_ME.format(id=other.id)]
    assert discord.answers(said) == []
    assert not await InboxItem.objects.aexists()
