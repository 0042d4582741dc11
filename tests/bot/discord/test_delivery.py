"""Never lost and never twice in Discord: ambiguous sends, edits, deletions, gaps, refusals."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from backend.chat.models import Message as Turn
from bot import claims, inbox, leases, reading_back, reply, responder, wording
from bot.discord import deferred, history, listen, pacing, rest
from bot.incoming import Heard
from bot.models import InboxItem
from knowledge.models import Document
from tests.bot.discord.chat import DiscordChat
from tests.bot.discord.running import (
    ANSWER,
    QUESTION,
    answered,
    ask,
    buttons,
    custom_id,
    one_answer,
    running,
    settled,
)
from tests.bot.working import working
from tests.simulators.discord.faults import Drop, Error, Status
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Message
from tests.simulators.faults import Answer
from tests.simulators.gemini import GeminiSimulator

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("home", "offices", "closing_clients"),
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (rest, leases, reply):
        monkeypatch.setattr(module, "REQUEST_TIMEOUT", 1.5)
    monkeypatch.setattr(reading_back, "READ_BACK_AGAIN", 0.3)


@pytest.mark.parametrize("route", DiscordChat.sends)
async def test_after_an_ambiguous_call_there_is_one_answer(
    discord: DiscordSimulator, route: str, gemini: GeminiSimulator
) -> None:
    """Each way to break off is met by one of the questions that are asked at once."""
    gemini.faults.always(Answer("It opens at nine o'clock [1].", delay=0.01), on="chat")
    discord.faults.next(route, *DiscordChat.unclear)
    async with running(discord):
        asked = [ask(discord) for _ in DiscordChat.unclear]
        for question in asked:
            await one_answer(discord, question, "opens at nine")
    assert discord.faults.pending == 0 and discord.pinged == []


async def test_an_answer_is_one_message_that_grows(
    discord: DiscordSimulator, gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "EDIT_EVERY", 0.4)
    gemini.faults.always(Answer("word " * 60 + "[1]", delay=0.025), on="chat")
    async with running(discord):
        answer = await one_answer(discord, ask(discord), "word word")
    seen = [text for _, text in answer.seen]
    assert len(seen) >= 3 and all(b.startswith(a) for a, b in pairwise(seen))
    times = [at for at, _ in answer.seen]
    assert all(b - a > 0.35 for a, b in pairwise(times))


async def test_typing_is_shown_until_there_are_words(
    discord: DiscordSimulator, gemini: GeminiSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "TYPING_EVERY", 0.05)
    gemini.faults.always(Answer("It opens at nine o'clock [1].", delay=0.3), on="chat")
    async with running(discord):
        await one_answer(discord, ask(discord), "opens at nine")
        shown = len(discord.typing)
        await asyncio.sleep(0.2)
    assert len(discord.typing) == shown >= 3


async def test_a_part_of_a_shown_command_whose_nonce_is_forgotten_comes_once(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    discord.settings.nonce_life = 0.0
    gemini.faults.always(Answer(" ".join(f"word{n}" for n in range(400)) + " [1]"), on="chat")
    discord.faults.next("POST /channels/{}/messages", Drop(after=True))
    async with running(discord):
        discord.command("ana", "general", "ask", question=QUESTION, private=False)
        await discord.until(lambda: discord.messages("general"), timeout=20)
        await settled()
    shown = " ".join(message.text for message in discord.messages("general"))
    assert [w for w in shown.split() if w.startswith("word")] == [f"word{n}" for n in range(400)]
    assert discord.faults.pending == 0


async def test_what_a_thread_was_opened_on_is_said_in_it(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    discord.message_content_allowed = True
    prompts: list[str] = []

    def answer(prompt: str) -> str:
        prompts.append(prompt)
        return "On Thursday."

    gemini.faults.answer = answer
    said = discord.say("ben", "general", "The picnic moved to Thursday.")
    thread = discord.start_thread("ana", said, "picnic")
    async with running(discord):
        await answered(discord, discord.say("ana", thread, "@askwell When is the picnic?"))
    assert any("moved to Thursday" in prompt for prompt in prompts)


async def test_a_long_answer_goes_on_in_further_messages(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    code = "```python\n" + "\n".join(f"line_{n} = {n}" for n in range(300)) + "\n```"
    gemini.faults.always(Answer(f"See [1]:\n{code}\nThat is all."), on="chat")
    async with running(discord):
        replies = await answered(discord, ask(discord))
    assert len(replies) > 2 and all(len(reply.text) <= 2_000 for reply in replies)
    assert all(reply.text.count("```") == 2 for reply in replies[:-1])
    assert [bool(buttons(reply)) for reply in replies] == [False] * (len(replies) - 1) + [True]
    lines = [line for reply in replies for line in reply.text.split("\n")]
    assert [line for line in lines if line.startswith("line_")] == [
        f"line_{n} = {n}" for n in range(300)
    ]


async def test_a_deleted_question_takes_its_answer_along(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("word " * 40 + "[1]", delay=0.1), on="chat")
    async with running(discord):
        asked = ask(discord)
        await discord.until(lambda: discord.answers(asked), timeout=20)
        discord.delete(asked)
        await discord.until(lambda: not discord.answers(asked), timeout=20)
        await settled()
    item = await InboxItem.objects.aget()
    assert item.state == "void" and item.text == "" and not await Turn.objects.aexists()


async def test_an_edit_before_the_answer_counts(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("word " * 40 + "[1]", delay=0.1), on="chat")
    async with running(discord):
        asked = ask(discord)
        await discord.until(lambda: discord.answers(asked), timeout=20)
        gemini.faults.always(Answer("It opens at nine o'clock [1]."), on="chat")
        discord.edit(asked, f"@askwell {QUESTION} Please?")
        await one_answer(discord, asked, "opens at nine")
    item = await InboxItem.objects.aget()
    assert item.text.endswith("Please?")


async def test_an_edit_of_an_old_message_that_nobody_knows_is_no_question(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (listen, history):
        monkeypatch.setattr(module, "OLDEST", timedelta(seconds=1))
    async with running(discord):
        asked = ask(discord)
        await one_answer(discord, asked)
        await asyncio.sleep(1)
        await InboxItem.objects.all().adelete()  # as retention does
        discord.edit(asked, f"@askwell {QUESTION} Please?")
        await one_answer(discord, ask(discord, "random"))
        assert await InboxItem.objects.acount() == 1
    assert len(discord.answers(asked)) == 1


async def test_what_was_said_while_the_bot_was_away_is_answered(
    discord: DiscordSimulator,
) -> None:
    async with running(discord):
        first = ask(discord)
        await one_answer(discord, first)
        await one_answer(discord, discord.dm("ana", QUESTION))
        await asyncio.sleep(0.5)
    thread = discord.thread(first)
    assert thread is not None
    discord.archive(thread)
    missed = [
        ask(discord, "random", "ben"),
        discord.say("ana", thread, f"@askwell {QUESTION}"),
        discord.dm("ana", QUESTION),
    ]
    async with running(discord):
        for question in missed:
            await one_answer(discord, question)


async def test_what_the_gateway_lost_is_read_back(discord: DiscordSimulator) -> None:
    async with running(discord):
        with discord.lost_events():
            asked = ask(discord)
        discord.forget_sessions()
        discord.cut_sockets()
        await one_answer(discord, asked)


async def test_a_process_that_dies_in_mid_answer_is_taken_over(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("word " * 40 + "[1]", delay=0.1), on="chat")
    async with running(discord):
        asked = ask(discord)
        await discord.until(lambda: discord.answers(asked), timeout=20)
    gemini.faults.always(Answer("It opens at nine o'clock [1]."), on="chat")
    async with running(discord):
        await one_answer(discord, asked, "opens at nine")


@pytest.mark.parametrize("why", ["no thread", "deleted", "forbidden", "no view"])
async def test_a_place_that_can_not_be_written_in_ends_the_question(
    discord: DiscordSimulator, gemini: GeminiSimulator, why: str
) -> None:
    gemini.faults.always(Answer("word " * 20 + "[1]", delay=0.05), on="chat")
    if why == "forbidden":
        discord.deny("general", "askwell", "send_messages", "create_public_threads")
    async with running(discord):
        asked = ask(discord)
        if why != "forbidden":
            await discord.until(lambda: discord.answers(asked), timeout=20)
        if why == "deleted":
            discord.delete_channel("general")
        if why == "no view":
            discord.deny("general", "askwell", "view_channel")
        if why == "no thread":
            thread = discord.thread(asked)
            assert thread is not None
            discord.delete_channel(thread)
        gemini.faults.always(Answer("word word [1]"), on="chat")
        await answered(discord, asked)
        [told] = await discord.until(lambda: discord.messages(discord.dm_of("ana")), timeout=10)
        assert "I could not answer you there" in told.text
        await one_answer(discord, ask(discord, "random"), "word word")


@pytest.mark.parametrize("where", ["general", "thread", "direct"])
async def test_nobody_is_told_of_a_question_that_is_deleted_unheard_while_it_is_answered(
    discord: DiscordSimulator, gemini: GeminiSimulator, where: str
) -> None:
    gemini.faults.always(Answer("It opens at nine o'clock [1].", delay=0.5), on="chat")
    thread = discord.start_thread("ana", discord.say("ana", "general", "hello"), "Lisbon")
    said: dict[str, Callable[[], Message]] = {
        "general": lambda: ask(discord),
        "thread": lambda: discord.say("ana", thread, f"@askwell {QUESTION}"),
        "direct": lambda: discord.dm("ana", QUESTION),
    }
    async with running(discord):
        asked = said[where]()
        await discord.until(lambda: discord.calls_to("POST /channels/{}/typing"), timeout=10)
        discord.wipe(asked)
        await settled()
        item = await InboxItem.objects.aget()
    assert (item.state, item.text, await Turn.objects.acount()) == ("void", "", 0)
    channels = discord.world.channels.values()
    assert not [
        m for c in channels for m in c.messages.values() if m.author == discord.world.bot.id
    ]


async def test_what_came_with_a_question_that_is_deleted_unheard_goes_as_well(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer("It opens at nine o'clock [1].", delay=0.5), on="chat")
    file = ("hours.txt", b"The office in Lisbon opens at nine.", "text/plain")
    async with running(discord), working():
        asked = discord.say("ana", "general", f"@askwell {QUESTION}", attachments=[file])
        await discord.until(lambda: gemini.requests, timeout=20)
        discord.wipe(asked)
        await settled()
    assert not await Document.objects.kept().filter(name="hours.txt").aexists()
    assert discord.answers(asked) == []


async def test_whoever_asked_is_told_when_a_reply_was_tried_for_too_long(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "MAX_DELIVERIES", 3)
    monkeypatch.setattr(responder, "WAIT", timedelta(seconds=0.01))
    discord.faults.always("PATCH /channels/{}/messages/{}", Status(503))
    async with running(discord):
        ask(discord)
        [told] = await discord.until(lambda: discord.messages(discord.dm_of("ana")), timeout=60)
    reason = wording.NOT_SHOWN_TRIED.format(platform="Discord")
    assert told.text == wording.NOT_SHOWN.format(reason=reason)


async def test_a_person_who_blocked_the_bot_loses_nobody_elses_answer(
    discord: DiscordSimulator,
) -> None:
    discord.block("ana")
    async with running(discord):
        asked = discord.dm("ana", QUESTION)
        assert not await answered(discord, asked)
        await one_answer(discord, ask(discord, "general", "ben"))


async def test_an_interaction_that_discord_gave_up_is_answered_in_a_direct_message(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deferred, "DEFERRED_WITHIN", timedelta(seconds=1))
    discord.faults.always("PATCH /webhooks/{}/{}/messages/{}", Error(10015))
    async with running(discord):
        asked = discord.command("ana", "general", "ask", question=QUESTION)
        direct = discord.dm_of("ana")
        [told] = await discord.until(lambda: discord.messages(direct), timeout=30)
        await settled()
    assert ANSWER in told.text and asked.deferred


async def test_under_discords_limits_everything_is_answered_and_no_call_comes_early(
    discord: DiscordSimulator,
) -> None:
    discord.rates.on = True
    async with running(discord):
        asked = [ask(discord, where) for where in ("general", "random") for _ in range(8)]
        for question in asked:
            await one_answer(discord, question)
    assert discord.early_calls == [] and discord.pinged == []


async def test_a_question_that_the_inbox_refused_is_read_back(
    discord: DiscordSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = inbox.take
    failed: list[Heard] = []

    def failing(heard: Heard) -> bool:
        if len(failed) < 2:
            failed.append(heard)
            raise OperationalError("disk I/O error")
        return take(heard)

    async with running(discord):
        monkeypatch.setattr(inbox, "take", failing)
        asked = ask(discord)
        await one_answer(discord, asked)
    assert failed


async def test_history_is_one_conversation_in_a_thread(discord: DiscordSimulator) -> None:
    async with running(discord):
        asked = ask(discord)
        await one_answer(discord, asked)
        thread = discord.thread(asked)
        assert thread is not None
        await one_answer(discord, discord.say("ana", thread, f"@askwell {QUESTION}"))
    said = await sync_to_async(lambda: Turn.objects.values("conversation").distinct().count())()
    assert said == 1


@pytest.mark.parametrize("life", [timedelta(0), timedelta(seconds=0.5)])
async def test_a_command_whose_token_ends_is_answered_in_a_direct_message(
    discord: DiscordSimulator,
    gemini: GeminiSimulator,
    monkeypatch: pytest.MonkeyPatch,
    life: timedelta,
) -> None:
    gemini.faults.always(Answer("word " * 30 + "[1]", delay=0.04), on="chat")
    monkeypatch.setattr(deferred, "TOKEN_LIFE", life)
    async with running(discord):
        asked = discord.command("ana", "general", "ask", question=QUESTION)
        direct = discord.dm_of("ana")
        [told] = await discord.until(lambda: discord.messages(direct), timeout=30)
        await settled()
        assert "word word" in told.text and asked.deferred
        click = discord.click("ana", told, custom_id(told, "Helpful"))
        await discord.until(lambda: click.messages and click.messages[0].text, timeout=10)
    assert click.messages[0].text == wording.THANKS


async def test_a_long_private_answer_comes_whole_and_in_order(
    discord: DiscordSimulator, gemini: GeminiSimulator
) -> None:
    gemini.faults.always(Answer(" ".join(f"word{n}" for n in range(700)) + " [1]"), on="chat")
    async with running(discord):
        discord.command("ana", "general", "ask", question=QUESTION)
        await discord.until(
            lambda: any(m.components for m in discord.ephemeral_to("ana")), timeout=20
        )
        await settled()
    shown = " ".join(message.text for message in discord.ephemeral_to("ana"))
    assert [w for w in shown.split() if w.startswith("word")] == [f"word{n}" for n in range(700)]
