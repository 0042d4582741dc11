"""The one door to an answer: what is kept, for whom, and what happens when readers change."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

import pytest
from asgiref.sync import async_to_sync

from backend.accounts.audience import Place
from backend.accounts.models import Channel, ChannelMember, Membership, Role, Standing
from backend.accounts.spaces import home
from backend.chat import wording
from backend.chat.asking import MAX_QUESTION, MAX_ROUNDS, Answered, Begun, Question, ask
from backend.chat.errors import EmptyQuestion, QuestionTooLong, UnknownConversation
from backend.chat.history import shown_to
from backend.chat.models import Conversation, Message, Speaker
from backend.chat.removal import remove, remove_turns
from knowledge.answering import Delta, Restart, Status
from knowledge.models import Document, DocumentVersion, Space
from knowledge.providers import aclose_chat_models
from tests.backend.people import channel, installed, join, known, organisation, space_of, user
from tests.backend.talk import answered, asked, conversation_of, kept, once, streamed
from tests.conftest import AddText
from tests.simulators import faults
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.django_db(transaction=True)

LEAVE = "How long is parental leave?"


def leave(word: str) -> str:
    """A text that answers LEAVE and holds a word by which it is known again."""
    return f"Parental leave is sixteen weeks long, says {word}. It may be split into two parts."


def said(word: str) -> bool:
    """Whether any stored text holds the word."""
    texts = Message.objects.values_list("text", "notice", "sources__excerpt")
    return any(word in (text or "") for row in texts for text in row)


def test_an_answer_is_kept_as_it_was_streamed(mine: Place, add_text: AddText) -> None:
    version = add_text(leave("osprey"), "leave.txt")
    events = asked(LEAVE, mine)
    answer, message = answered(events).answer, kept(events)
    assert isinstance(events[0], Begun)
    assert [type(event) for event in events].count(Answered) == 1
    assert streamed(events) == answer.text == message.text
    assert "osprey" in message.text
    assert (message.provider, message.category) == ("extractive", "document")
    assert (message.used_context, message.refused) == (True, False)
    assert [*message.versions.all()] == [version]
    assert [*message.spaces.all()] == [version.document.space]


def test_a_source_is_pinned_to_version_section_and_span(mine: Place, add_text: AddText) -> None:
    first = add_text("# Rest\n\nUnrelated words.\n\n# Leave\n\n" + leave("osprey"), "leave.md")
    events = asked(LEAVE, mine)
    add_text("# Leave\n\nThere is no parental leave any more.", "leave.md")
    message = kept(events)
    (source,) = message.sources.all()
    assert source.version == first
    assert source.section is not None
    assert source.section.heading.endswith("Leave")
    assert source.section.text[source.start : source.end] == source.excerpt
    assert (source.number, "osprey" in source.excerpt) == (1, True)
    assert DocumentVersion.objects.filter(document=first.document).count() == 2


def test_the_question_is_kept_before_anything_else_happens(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))

    async def begin_only() -> Begun:
        async with aclosing(ask(Question(f"  {LEAVE}\n", mine))) as events:
            begun = await anext(events)
            assert isinstance(begun, Begun)
            return begun

    begun = async_to_sync(begin_only)()
    (message,) = Message.objects.all()
    assert (message.speaker, message.text) == (Speaker.USER, LEAVE)
    assert str(message.conversation_id) == begun.conversation
    assert message.conversation.user == mine.user
    assert message.conversation.title == LEAVE


def test_what_is_not_in_the_documents_is_declined_and_kept(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))
    events = asked("Who won the chess tournament in our canteen?", mine)
    message = kept(events)
    assert (message.refused, message.used_context) == (True, False)
    assert message.sources.count() == 0
    assert streamed(events) == message.text


def test_a_greeting_draws_on_nothing(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))
    message = kept(asked("hello", mine))
    assert (message.category, message.spaces.count()) == ("greeting", 0)


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\t\r\n", "\x00", "\x00\x01\x1f\x7f\x9f", " \x00 \ud800 "]
)
def test_an_empty_question_is_refused_and_nothing_is_kept(mine: Place, text: str) -> None:
    with pytest.raises(EmptyQuestion):
        asked(text, mine)
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("length", [MAX_QUESTION + 1, 100_000])
def test_a_long_question_is_refused_and_nothing_is_kept(mine: Place, length: int) -> None:
    with pytest.raises(QuestionTooLong, match=f"{length:,}"):
        asked("x" * length, mine)
    assert not Conversation.objects.exists()


def test_the_longest_question_is_answered(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))
    asked(("parental leave " * 400)[:MAX_QUESTION].strip(), mine)
    assert Message.objects.count() == 2


def test_control_characters_are_taken_out_of_a_question(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))
    asked("How long\x00 is\x1b parental\ud800 leave?\x07", mine)
    assert Message.objects.filter(speaker=Speaker.USER).get().text == LEAVE


def test_a_follow_up_retrieves_what_it_means(mine: Place, add_text: AddText) -> None:
    add_text("Parental leave for contractors is nine weeks, says heron.", "contractors.txt")
    add_text("Parking for contractors is behind the gate, says magpie.", "parking.txt")
    first = asked("How long is parental leave for employees?", mine)
    events = asked("and for contractors?", mine, conversation_of(first))
    assert conversation_of(events) == conversation_of(first)
    assert "heron" in streamed(events)
    assert Conversation.objects.get().messages.count() == 4


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda mine: Place(mine.workspace, user=user(role=Role.MEMBER)),
        lambda mine: Place(mine.workspace),
        lambda mine: Place(organisation("elsewhere"), user=mine.user),
        lambda mine: Place(mine.workspace, mine.user, channel=channel(installed())),
        lambda mine: Place(mine.workspace, identity=known(installed())),
    ],
)
def test_a_conversation_of_another_person_or_place_is_refused(
    mine: Place, elsewhere: Callable[[Place], Place]
) -> None:
    conversation = conversation_of(asked("hello", mine))
    with pytest.raises(UnknownConversation):
        asked("hello again", elsewhere(mine), conversation)
    assert Message.objects.count() == 2


def test_two_people_in_direct_messages_never_share_a_conversation(add_text: AddText) -> None:
    at = installed()
    one, two = Place(home(), identity=known(at)), Place(home(), identity=known(at))
    conversation = conversation_of(asked("hello", one))
    asked("hello again", one, conversation)
    with pytest.raises(UnknownConversation):
        asked("hello", two, conversation)
    with pytest.raises(UnknownConversation):
        asked("hello", Place(home()), conversation)
    assert one.identity is not None
    assert Conversation.objects.get().user == one.identity.user


def test_everyone_in_a_channel_goes_on_with_its_conversation() -> None:
    at = installed()
    where = channel(at)
    first = asked("hello", Place(home(), identity=known(at), channel=where))
    conversation = conversation_of(first)
    asked("hello", Place(home(), identity=known(at), channel=where), conversation)
    asked("hello", Place(home(), user(role=Role.MEMBER), channel=where), conversation)
    assert Conversation.objects.get().messages.count() == 6
    with pytest.raises(UnknownConversation):
        asked("hello", Place(home(), identity=known(at), channel=channel(at)), conversation)


@pytest.mark.parametrize(
    "conversation", ["nonsense", "00000000-0000-0000-0000-000000000000", "1", "x" * 5000, "\x00"]
)
def test_a_conversation_that_does_not_exist_is_refused(mine: Place, conversation: str) -> None:
    with pytest.raises(UnknownConversation):
        asked("hello", mine, conversation)
    assert not Message.objects.exists()


@pytest.mark.parametrize("last", [Begun, Status, Delta])
def test_asking_again_after_an_answer_broke_off_leaves_no_duplicate(
    mine: Place, add_text: AddText, last: type
) -> None:
    add_text(leave("osprey"))

    async def break_off() -> str:
        async with aclosing(ask(Question(LEAVE, mine))) as events:
            begun = await anext(events)
            assert isinstance(begun, Begun)
            event: object = begun
            while not isinstance(event, last):
                event = await anext(events)
            return begun.conversation

    conversation = async_to_sync(break_off)()
    assert Message.objects.count() == 1
    events = asked(LEAVE, mine, conversation)
    speakers = list(Message.objects.values_list("speaker", flat=True))
    assert speakers == [Speaker.USER, Speaker.ASSISTANT]
    assert "osprey" in streamed(events)


def test_a_question_asked_again_for_its_item_leaves_the_answers_beside_it_alone(
    mine: Place, add_text: AddText
) -> None:
    """Its owner died, and others asked in its conversation meanwhile."""
    add_text(leave("osprey"))
    talk = conversation_of(asked(LEAVE, mine))

    async def begin() -> int:
        async with aclosing(ask(Question("And then?", mine, talk, asked_for=7))) as events:
            begun = await anext(events)
            assert isinstance(begun, Begun)
            return begun.message

    def begin_again() -> None:
        assert async_to_sync(begin)() == first

    first = async_to_sync(begin)()
    events = asked(LEAVE, mine, talk, after={Status: begin_again})

    assert "osprey" in kept(events).text
    assert not [event for event in events if isinstance(event, Restart)]
    assert Message.objects.filter(asked_for=7).count() == 1


def test_a_question_is_answered_though_turn_after_turn_before_it_is_removed(
    mine: Place, add_text: AddText
) -> None:
    add_text(leave("osprey"))
    talk = conversation_of(asked(LEAVE, mine))
    for _ in range(MAX_ROUNDS):
        asked("And for fathers?", mine, talk)

    def remove_one() -> None:
        earlier = Message.objects.filter(text="And for fathers?").order_by("-pk")
        remove_turns([earlier.values_list("pk", flat=True)[0]])

    events = asked(LEAVE, mine, talk, after={Status: remove_one})

    assert "osprey" in kept(events).text


def test_the_same_question_after_its_answer_is_a_new_one(mine: Place, add_text: AddText) -> None:
    add_text(leave("osprey"))
    first = asked(LEAVE, mine)
    asked(LEAVE, mine, conversation_of(first))
    assert Message.objects.count() == 4


def lose_the_team(place: Place) -> Callable[[], object]:
    return once(Membership.objects.filter(user=place.user).delete)


def test_readers_lost_between_question_and_first_words_never_see_the_draft(
    mine: Place, personal: Space, add_text: AddText
) -> None:
    add_text(leave("osprey"), "team.txt")
    add_text(leave("plover"), "mine.txt", personal)
    events = asked(LEAVE, mine, after={Status: lose_the_team(mine)})
    assert "osprey" not in streamed(events)
    assert not any(isinstance(event, Restart) for event in events)
    assert not any("osprey" in event.text for event in events if isinstance(event, Delta))
    message = kept(events)
    assert "plover" in message.text
    assert [*message.spaces.all()] == [personal]
    assert not said("osprey")


def test_readers_lost_before_the_end_void_what_was_streamed(
    mine: Place, personal: Space, add_text: AddText
) -> None:
    add_text(leave("osprey"), "team.txt")
    add_text(leave("plover"), "mine.txt", personal)
    events = asked(LEAVE, mine, after={Delta: lose_the_team(mine)})
    (restart,) = [event for event in events if isinstance(event, Restart)]
    assert restart.text == wording.READERS_CHANGED
    assert streamed(events) == kept(events).text
    assert "osprey" not in streamed(events)
    assert [*kept(events).spaces.all()] == [personal]
    assert not said("osprey")
    assert Message.objects.count() == 2


@pytest.mark.parametrize("after", [Status, Delta])
@pytest.mark.parametrize(
    "change",
    [
        lambda: Channel.objects.update(has_outsiders=True),
        lambda: Channel.objects.update(has_outsiders=None),
    ],
)
def test_a_guest_who_joins_meanwhile_never_reads_the_teams_documents(
    change: Callable[[], object], after: type, add_text: AddText
) -> None:
    where = channel(installed())
    asker = known(where.installation)
    add_text(leave("osprey"), "team.txt")
    add_text(leave("plover"), "channel.txt", space_of(where))
    place = Place(home(), identity=asker, channel=where)
    events = asked(LEAVE, place, after={after: once(change)})
    assert "plover" in streamed(events)
    assert "osprey" not in streamed(events)
    assert not said("osprey")


def test_an_asker_who_is_removed_meanwhile_is_told_nothing(add_text: AddText) -> None:
    where = channel(installed())
    asker = known(where.installation)
    add_text(leave("osprey"), "team.txt")

    def expel() -> None:
        asker.standing = Standing.REMOVED
        asker.save()

    events = asked(LEAVE, Place(home(), identity=asker), after={Delta: once(expel)})
    assert kept(events).refused
    assert not said("osprey")


def test_a_wider_audience_of_spaces_is_no_reason_to_ask_anew(
    mine: Place, add_text: AddText
) -> None:
    add_text(leave("osprey"))
    assert mine.user is not None
    where = channel(installed())
    space_of(where)
    who = known(where.installation, of=mine.user)
    events = asked(LEAVE, mine, after={Delta: once(lambda: join(where, who))})
    assert not any(isinstance(event, Restart) for event in events)
    assert "osprey" in kept(events).text


@pytest.mark.parametrize("after", [Status, Delta])
def test_a_document_removed_meanwhile_is_in_no_answer(
    mine: Place, add_text: AddText, after: type
) -> None:
    document = add_text(leave("osprey"), "old.txt").document
    add_text(leave("plover"), "new.txt")
    events = asked(LEAVE, mine, after={after: once(lambda: remove(document))})
    assert "plover" in streamed(events)
    assert "osprey" not in streamed(events)
    assert streamed(events) == kept(events).text
    assert not kept(events).versions.filter(document=document).exists()
    assert not said("osprey")


@pytest.mark.parametrize("after", [Status, Delta])
def test_readers_that_keep_changing_end_in_a_visible_state(
    mine: Place, add_text: AddText, after: type
) -> None:
    at = installed()
    who = known(at, of=mine.user)
    for number in range(MAX_ROUNDS + 1):
        where = channel(at)
        join(where, who)
        add_text(leave(f"kestrel{number}"), f"{number}.txt", space_of(where))

    rounds: list[list[object]] = []

    def leave_one() -> None:
        if not rounds[-1]:
            rounds[-1].append(ChannelMember.objects.filter(pk=min(members())).delete())

    def members() -> list[int]:
        return list(ChannelMember.objects.values_list("pk", flat=True))

    def begin() -> None:
        rounds.append([])
        if after is Status:
            leave_one()

    events = asked(LEAVE, mine, after={Status: begin, Delta: leave_one})
    assert len(rounds) == MAX_ROUNDS
    message = kept(events)
    assert streamed(events) == message.text == wording.READERS_CHANGE
    assert message.refused
    assert not said("kestrel")
    assert Message.objects.count() == 2


def test_what_a_model_repeats_of_the_conversation_counts_as_drawn_on(
    mine: Place, personal: Space, add_text: AddText, talking: OpenAISimulator
) -> None:
    diary = add_text(leave("plover"), "diary.txt", personal)
    first = asked(LEAVE, mine)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    remaining = asked("When does the cafeteria open?", mine, conversation_of(first))
    assert "plover" in kept(remaining).text
    assert diary in kept(remaining).versions.all()
    assert personal in kept(remaining).spaces.all()
    assert not shown_to(Message.objects.filter(pk=kept(remaining).pk), [space_of(home())])
    remove(diary.document)
    assert not said("plover")


def test_what_a_general_answer_repeats_counts_as_drawn_on(
    mine: Place, personal: Space, add_text: AddText, talking: OpenAISimulator
) -> None:
    diary = add_text(leave("plover"), "diary.txt", personal)
    first = asked(LEAVE, mine)
    events = asked("What is the capital of France?", mine, conversation_of(first))
    message = kept(events)
    assert (message.category, message.used_context) == ("general", False)
    assert "plover" in message.text
    remove(diary.document)
    message.refresh_from_db()
    assert message.text == ""


def test_a_document_of_an_earlier_answer_removed_meanwhile_is_not_repeated(
    mine: Place, personal: Space, add_text: AddText, talking: OpenAISimulator
) -> None:
    diary = add_text(leave("plover"), "diary.txt", personal)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    first = asked(LEAVE, mine)
    events = asked(
        "When does the cafeteria open?",
        mine,
        conversation_of(first),
        after={Delta: once(lambda: remove(diary.document))},
    )
    assert any(isinstance(event, Restart) for event in events)
    assert "seven" in streamed(events)
    assert "plover" not in streamed(events)
    assert not said("plover")


def test_an_extractive_answer_does_not_hang_on_what_was_said_before(
    mine: Place, personal: Space, add_text: AddText
) -> None:
    diary = add_text(leave("plover"), "diary.txt", personal)
    first = asked(LEAVE, mine)
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt")
    second = asked("When does the cafeteria open?", mine, conversation_of(first))
    drawn_on = set(kept(second).versions.values_list("document__name", flat=True))
    assert "cafeteria.txt" in drawn_on
    if "diary.txt" not in drawn_on:
        remove(diary.document)
        assert "seven" in kept(second).text


def test_a_model_that_fails_midway_leaves_only_the_next_ones_words(
    mine: Place, add_text: AddText, talking: OpenAISimulator
) -> None:
    add_text(leave("osprey"))
    talking.faults.next(faults.Reset(after=5), on="chat")
    events = asked(LEAVE, mine)
    assert sum(isinstance(event, Restart) for event in events) == 1
    assert streamed(events) == kept(events).text
    assert kept(events).provider == "extractive"


def test_a_reader_who_leaves_midway_leaves_no_stream_open(
    mine: Place, add_text: AddText, talking: OpenAISimulator
) -> None:
    add_text(leave("osprey"))
    talking.faults.next(faults.Answer("word " * 400, delay=0.05), on="chat")

    async def leave_midway() -> float:
        async with aclosing(ask(Question(LEAVE, mine))) as events:
            async for event in events:
                if isinstance(event, Delta):
                    break
        left, request = time.monotonic(), talking.requests[-1]
        while not request.gone and time.monotonic() < left + 5:
            await asyncio.sleep(0.02)
        took = time.monotonic() - left
        await aclose_chat_models()
        return took

    assert async_to_sync(leave_midway)() < 2
    assert talking.requests[-1].gone
    assert Message.objects.count() == 1


def test_a_purged_document_leaves_its_conversation_readable(mine: Place, add_text: AddText) -> None:
    document = add_text(leave("osprey")).document
    conversation = conversation_of(asked(LEAVE, mine))
    remove(document)
    events = asked("hello", mine, conversation)
    assert kept(events).category == "greeting"
    assert Document.objects.filter(pk=document.pk).exists()
