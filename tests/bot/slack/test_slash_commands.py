"""Slash commands, from what is typed to what the person alone is told."""

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from pytest_django import Settings

from backend.accounts.models import Identity, Role
from backend.accounts.roles import role_of, set_role
from backend.accounts.spaces import home
from bot import commands, inbox, personal, wording
from bot.models import InboxItem
from bot.slack.text import plain_text
from knowledge.models import Document
from tests.bot.slack.asking import QUESTION, ask
from tests.bot.slack.running import answered, point_to, running, shown
from tests.conftest import AddText
from tests.simulators.slack.faults import Error
from tests.simulators.slack.simulator import SlackSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients", "offices"),
]
ANSWER = "opens at nine"


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings) -> None:
    point_to(slack, settings)
    slack.settings.ack_timeout = 3.0


async def told(slack: SlackSimulator, text: str, who: str = "ana", channel: str = "general") -> str:
    """What a command is answered with, to whoever gave it alone."""
    where = slack.world.channel(channel)
    before = len(where.ephemeral)
    name, _, rest = text.partition(" ")
    slack.command(who, where, name, rest)
    await slack.until(lambda: len(where.ephemeral) > before, timeout=10)
    reply = where.ephemeral[-1]
    assert reply.to == slack.world.user(who).id
    return reply.text


async def make(slack: SlackSimulator, name: str, role: Role) -> None:
    """Give a role to somebody whom the bot has met."""
    await told(slack, "/knowledge list", name)

    def give() -> None:
        person = Identity.objects.get(external_id=slack.world.user(name).id)
        set_role(person.user, home(), role)

    await sync_to_async(give)()


async def test_help_says_what_can_be_done(slack: SlackSimulator) -> None:
    async with running(slack):
        for text in ("/ask", "/ask help", "/ask  HELP ", "/ask @askwell"):
            assert await told(slack, text) == wording.HELP
        assert "/knowledge remove NAME" in await told(slack, "/knowledge")
    assert not await InboxItem.objects.aexists()


async def test_whoever_gives_a_command_is_told_where_it_breaks_off(
    slack: SlackSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise OperationalError("the disk is full")

    for module, name in ((commands, "knowledge"), (personal, "link"), (personal, "forget")):
        monkeypatch.setattr(module, name, broken)
    monkeypatch.setattr(inbox, "take", broken)
    async with running(slack):
        for text in ("/knowledge list", "/link", "/forget", f"/ask {QUESTION}"):
            assert await told(slack, text) == wording.NOT_DONE
    # What was not acknowledged, Slack says as well.
    await slack.until(lambda: "/ask failed" in str(slack.core.notices), timeout=30)


async def test_a_question_is_shown_as_it_was_asked_and_pings_nobody(slack: SlackSimulator) -> None:
    async with running(slack):
        said = await told(slack, "/ask Is R&D <in> Lisbon, <!here> @ben?")
        await slack.until(lambda: len(slack.general.ephemeral) == 2, timeout=10)
    assert "R&amp;D &lt;in&gt; Lisbon" in said
    assert [ping for ping in slack.pings if ping.by_app] == []
    item = await InboxItem.objects.aget()
    assert item.text.startswith("Is R&D <in> Lisbon")


async def test_a_list_names_the_documents_of_the_place(
    slack: SlackSimulator, add_text: AddText
) -> None:
    slack.add_user("gil", is_restricted=True)
    slack.random.members.append(slack.app.user_id)
    slack.join("gil", "random")
    async with running(slack):
        assert "offices.txt" in await told(slack, "/knowledge list")
        assert await told(slack, "/knowledge list", "gil", "random") == wording.NO_DOCUMENTS
        assert await told(slack, "/knowledge list", "ana", "random") == wording.NO_DOCUMENTS
        dm = slack.dm_of("ana").id
        assert "offices.txt" in await told(slack, "/knowledge list", channel=dm)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("R&D <plan>.txt", "R&D <plan>.txt"),
        ("notes.md", "<http://notes.md|notes.md>"),  # Slack takes it for an address
        ("@channel <b>.txt", "@channel <b>.txt"),
    ],
)
async def test_a_document_is_listed_and_removed_by_its_name_whatever_that_is(
    slack: SlackSimulator, add_text: AddText, name: str, typed: str
) -> None:
    await sync_to_async(add_text)("The plan is made.", name)
    async with running(slack):
        await make(slack, "ben", Role.CURATOR)
        listed = plain_text(await told(slack, "/knowledge list", "ben"))
        assert name in listed.replace("\u2060", "")
        removed = await told(slack, f"/knowledge remove {typed}", "ben")
    assert "is removed" in removed
    assert [ping for ping in slack.pings if ping.by_app] == []


async def test_a_curator_removes_a_document_and_no_answer_uses_it_any_more(
    slack: SlackSimulator,
) -> None:
    async with running(slack):
        assert ANSWER in shown(await answered(slack, ask(slack)))
        assert "no document" in await told(slack, "/knowledge remove offices.txt", "ben")
        await make(slack, "ben", Role.CURATOR)
        assert "is removed" in await told(slack, "/knowledge remove offices.txt", "ben")
        assert ANSWER not in shown(await answered(slack, ask(slack)))
    assert not await Document.objects.kept().aexists()


@pytest.mark.parametrize("command", ["/knowledge list", f"/ask {QUESTION}"])
async def test_a_bot_that_slack_does_not_let_in_says_so(
    slack: SlackSimulator, command: str
) -> None:
    slack.faults.always("conversations.info", Error("token_revoked"))
    dm = slack.dm_of("ana")
    async with running(slack):
        await told(slack, command, channel=dm.id)
        refused = lambda: [m for m in dm.ephemeral if m.text == wording.NOT_LET_IN]  # noqa: E731
        await slack.until(refused, timeout=10)
    assert not any("not a member" in shown(reply) for reply in dm.ephemeral)
    if command.startswith("/ask"):
        assert "Searching for" in shown(dm.ephemeral[0]), "what is searched for comes first"
    async for item in InboxItem.objects.all():
        assert not item.settled, "it waits"


async def test_who_is_mentioned_by_an_id_alone_is_not_searched_for(slack: SlackSimulator) -> None:
    async with running(slack):
        said = await told(slack, "/ask What did <@U404> say of <@U405|ben>?")
    assert wording.SEARCHING.format(question="What did say of @ben?") in said.replace("\u2060", "")
    assert (await InboxItem.objects.aget()).text == "What did say of @ben?"


async def test_an_admin_gives_a_role_to_whom_they_mention(slack: SlackSimulator) -> None:
    slack.add_user("gil", is_restricted=True)
    async with running(slack):
        command = "/knowledge role @ben curator"
        assert await told(slack, command) == wording.ADMINS_ONLY
        await make(slack, "ana", Role.ADMIN)
        assert "curator" in await told(slack, command)
        for who in ("gil", "askwell"):
            text = await told(slack, f"/knowledge role @{who} admin")
            assert text == wording.ROLE_UNKNOWN
        assert await told(slack, "/knowledge role <@U404> admin") == wording.ROLE_UNKNOWN

    def roles() -> dict[str, str | None]:
        people = Identity.objects.select_related("user")
        return {person.external_id: role_of(person.user, home()) for person in people}

    given = await sync_to_async(roles)()
    assert given.pop(slack.world.user("ana").id) == Role.ADMIN
    assert given.pop(slack.world.user("ben").id) == Role.CURATOR
    assert set(given.values()) == {None}


async def test_guests_on_and_off_count_for_the_next_answer(slack: SlackSimulator) -> None:
    slack.add_user("gil", is_restricted=True)
    slack.join("gil", "general")
    async with running(slack):
        assert ANSWER not in shown(await answered(slack, ask(slack)))
        assert await told(slack, "/knowledge guests on") == wording.ADMINS_ONLY
        await make(slack, "ana", Role.ADMIN)
        assert await told(slack, "/knowledge guests on") == wording.GUESTS_ON
        assert ANSWER in shown(await answered(slack, ask(slack)))
        assert await told(slack, "/knowledge guests off") == wording.GUESTS_OFF
        assert ANSWER not in shown(await answered(slack, ask(slack)))
        for elsewhere in (slack.dm_of("ana").id, "random"):
            text = await told(slack, "/knowledge guests on", channel=elsewhere)
            assert text == wording.GUESTS_WHERE
