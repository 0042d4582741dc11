"""Files that are many, bad, twice, or not to be had: each ends in a card that says so."""

import asyncio
import threading
from typing import Any

import pytest
from django.core.files.storage import InMemoryStorage
from pytest_django import Settings

from bot import downloads, wording
from bot import responder as responding
from bot.files import AT_ONCE
from bot.models import InboxItem, ReplyPart
from knowledge.models import Document
from tests.bot.slack.asking import until_settled
from tests.bot.slack.running import point_to, running, shown
from tests.bot.slack.sharing import HOURS, card
from tests.bot.working import working
from tests.knowledge.pictures import scan
from tests.simulators.downloads import BadDownload, Claim, Cut, Endless, Stall
from tests.simulators.slack.faults import Status
from tests.simulators.slack.rates import Call
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]


@pytest.fixture(autouse=True)
def pointed(slack: SlackSimulator, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    point_to(slack, settings)
    monkeypatch.setattr(downloads, "IDLE", 0.3)
    monkeypatch.setattr(responding, "WAIT", responding.WAIT / 100)


def share_many(slack: SlackSimulator, count: int) -> Message:
    files = [slack.file("ana", f"{n}.txt", f"Text number {n}.".encode()) for n in range(count)]
    return slack.say("ana", "general", "@askwell", files=files)


async def all_told(slack: SlackSimulator, said: Message, timeout: float = 60) -> list[str]:
    """What the cards say, in their order, once all are read."""
    count = len(said.files)

    def texts() -> list[str]:
        found = [shown(message).partition("\n")[0] for message in slack.answers(said)]
        return found if len(found) == count and all("searchable" in t for t in found) else []

    return await slack.until(texts, timeout)


@pytest.mark.parametrize("count", [12, pytest.param(50, marks=pytest.mark.soak)])
async def test_many_files_at_once_have_their_cards_in_their_order(
    slack: SlackSimulator, count: int
) -> None:
    async with running(slack), working():
        said = share_many(slack, count)
        told = await all_told(slack, said)
        await until_settled()
    assert [text.partition(":")[0] for text in told] == [f"{n}.txt" for n in range(count)]
    assert await Document.objects.acount() == count


class FullStorage(InMemoryStorage):
    """Stores nothing before it is let."""

    let = threading.Event()

    def save(self, *args: Any, **more: Any) -> str:
        assert self.let.wait(60)
        return super().save(*args, **more)


async def test_no_more_files_are_held_than_may_be_while_the_storage_is_slow(
    slack: SlackSimulator, settings: Settings
) -> None:
    storage = {"BACKEND": f"{__name__}.{FullStorage.__name__}"}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    FullStorage.let.clear()
    async with running(slack), working():
        said = share_many(slack, AT_ONCE * 3)
        try:
            await slack.until(lambda: len(slack.answers(said)) == AT_ONCE * 3, timeout=30)
            await asyncio.sleep(0.5)  # in which all of them would be fetched
            assert len(slack.calls_to("files.download")) == AT_ONCE
        finally:
            FullStorage.let.set()
        await all_told(slack, said)
        await until_settled()


async def test_cards_keep_to_slacks_rates(slack: SlackSimulator) -> None:
    slack.rates.on = True
    async with running(slack), working():
        said = share_many(slack, 6)
        told = await all_told(slack, said)
        await until_settled()
    assert [text.partition(":")[0] for text in told] == [f"{n}.txt" for n in range(6)]
    assert slack.early_calls == []


async def test_of_the_same_file_from_two_at_once_one_is_told_that_it_was_there(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        both = [
            slack.upload(who, "general", "hours.txt", HOURS, "@askwell") for who in ("ana", "ben")
        ]
        for said in both:
            await card(slack, said)
        await until_settled()
    cards = [shown(slack.answers(said)[0]) for said in both]
    assert sum(wording.FILE_UNCHANGED in text for text in cards) == 1
    assert await Document.objects.acount() == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Claim(), "The file is too large: it has more than 25 MB"),
        (Endless(), "The file is too large: it has more than 25 MB"),
        (Stall(), "The file could not be fetched"),
        (Cut(), "The file could not be fetched"),
        (Status(404), "The file is no longer there"),
    ],
    ids=str,
)
async def test_a_download_that_fails_has_a_card_that_says_why(
    slack: SlackSimulator, fault: BadDownload | Status, words: str
) -> None:
    slack.faults.always("files.download", fault)
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        there = await card(slack, said, words)
        await until_settled()
    assert shown(there).startswith("hours.txt was not added. ")
    assert slack.answers(said) == [there]
    assert not await Document.objects.aexists()


async def test_a_download_that_fails_at_first_is_tried_again(slack: SlackSimulator) -> None:
    slack.faults.next("files.download", Cut())
    async with running(slack), working():
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        await card(slack, said)
    assert len(slack.answers(said)) == 1


async def test_a_remote_file_is_not_fetched_and_the_card_says_why(slack: SlackSimulator) -> None:
    async with running(slack), working():
        said = slack.upload(
            "ana", "general", "hours.txt", HOURS, "@askwell", external_url="https://example.org/x"
        )
        await card(slack, said, "I fetch files only from where they are shared")
        await until_settled()
    assert not slack.calls_to("files.download")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("movie.mp4", b"\0\0\0\x18ftypmp42" + bytes(100), "can't read this type of file"),
        ("empty.txt", b"", "The file is empty"),
        ("broken.pdf", b"%PDF-1.7 broken", "damaged"),
    ],
)
async def test_a_file_that_cannot_be_read_has_a_card_that_says_why(
    slack: SlackSimulator, name: str, data: bytes, words: str
) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", name, data, "@askwell")
        there = await card(slack, said, words)
        await until_settled()
    assert shown(there).startswith(f"{name} was not added. ")
    assert wording.REMOVE not in shown(there)


async def test_a_question_whose_file_cannot_be_read_is_answered_without(
    slack: SlackSimulator,
) -> None:
    async with running(slack), working():
        await card(slack, slack.upload("ana", "general", "hours.txt", HOURS, "@askwell"))
        said = slack.upload(
            "ana", "general", "broken.pdf", b"%PDF-1.7 x", "@askwell When does the office open?"
        )
        note = wording.FILES_NOT_READ.format(names="broken.pdf")
        answer = await card(slack, said, note)
    assert "opens at nine" in shown(answer)


async def test_a_card_that_slack_takes_no_more_is_left_as_it_is(slack: SlackSimulator) -> None:
    def refused() -> list[Call]:
        return [call for call in slack.calls_to("chat.update") if call.error]

    async with running(slack):
        said = slack.upload("ana", "general", "hours.txt", HOURS, "@askwell")
        there = await card(slack, said, "Reading")
        await until_settled()
        slack.archive("general")
        async with working():
            await slack.until(refused, timeout=10)
            await asyncio.sleep(1.5)
        await until_settled()
    assert len(refused()) == 1 and shown(there).startswith("Reading")
    assert not slack.dm_of("ana").messages
    assert await Document.objects.kept().acount() == 1


@pytest.mark.parametrize(
    "name",
    ["<!channel>.txt", "*a* _b_ `c`.txt", "[x](https://evil.example).txt", "@here.txt", "a\nb.txt"],
)
async def test_a_files_name_means_nothing_to_slack(slack: SlackSimulator, name: str) -> None:
    async with running(slack), working():
        said = slack.upload("ana", "general", name, HOURS, "@askwell")
        await card(slack, said)
        await until_settled()
    assert not [ping for ping in slack.pings if ping.by_app]
    assert not slack.unfurled()


async def test_a_bot_that_stops_again_and_again_adds_and_says_nothing_twice(
    slack: SlackSimulator,
) -> None:
    async with running(slack) as responder:
        responder.disconnected("slack")
        said = share_many(slack, 5)
        await slack.until(lambda: all(d.outcome == "acked" for d in slack.deliveries))
    async with working():
        for _ in range(4):
            async with running(slack):
                await asyncio.sleep(0.2)
        async with running(slack):
            told = await all_told(slack, said)
            await until_settled()
    assert [text.partition(":")[0] for text in told] == [f"{n}.txt" for n in range(5)]
    assert await ReplyPart.objects.acount() == await InboxItem.objects.acount() == 5
    assert await Document.objects.acount() == 5


async def test_pictures_that_are_pasted_are_no_versions_of_each_other(
    slack: SlackSimulator,
) -> None:
    pasted = [scan("The first meeting is on Monday."), scan("The second is on Friday.")]
    async with running(slack), working():
        files = [slack.file("ana", "image.png", data) for data in pasted]
        told = await all_told(slack, slack.say("ana", "general", "@askwell", files=files))
        await until_settled()
    assert all(text.startswith("image 20") and "replaces" not in text for text in told)
    names = [name async for name in Document.objects.values_list("name", flat=True)]
    assert len({*names}) == 2 and all(name.endswith(".png") for name in names)
