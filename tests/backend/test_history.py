"""What was said before, as far as it may enter a prompt, a query rewrite or a list."""

import pytest
from django.utils import timezone

from backend.accounts.audience import Place
from backend.accounts.models import User
from backend.accounts.spaces import home
from backend.chat.history import (
    CHARACTERS_A_TOKEN,
    TOKEN_BUDGET,
    TURNS,
    past_before,
    shown_to,
)
from backend.chat.models import Conversation, Message, Speaker
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion, Space
from knowledge.removal import remove_document
from tests.backend.people import channel, installed, known, space_of
from tests.backend.talk import asked, conversation_of, kept
from tests.conftest import AddText
from tests.simulators.openai import OpenAISimulator

BUDGET = TOKEN_BUDGET * CHARACTERS_A_TOKEN


@pytest.fixture
def conversation(member: User) -> Conversation:
    return Conversation.objects.create(workspace=home(), user=member, title="talk")


def say(
    conversation: Conversation,
    text: str,
    speaker: str = Speaker.USER,
    spaces: tuple[Space, ...] = (),
    versions: tuple[DocumentVersion, ...] = (),
) -> Message:
    message = Message.objects.create(conversation=conversation, speaker=speaker, text=text)
    message.spaces.add(*spaces)
    message.versions.add(*versions)
    return message


def texts(conversation: Conversation, *audience: Space) -> list[str]:
    """The turns before a question that is asked now."""
    question = say(conversation, "now?")
    texts = [turn.text for turn in past_before(question, audience).turns]
    question.delete()
    return texts


@pytest.mark.django_db
def test_turns_come_oldest_first_with_their_speakers(conversation: Conversation) -> None:
    say(conversation, "one")
    say(conversation, "two", Speaker.ASSISTANT)
    past = past_before(say(conversation, "three"), [])
    assert [(turn.speaker, turn.text) for turn in past.turns] == [
        ("user", "one"),
        ("assistant", "two"),
    ]
    assert len(past.messages) == 2


@pytest.mark.django_db
def test_neither_the_question_nor_what_came_after_it_is_its_past(
    conversation: Conversation,
) -> None:
    first, second = say(conversation, "first"), say(conversation, "second")
    say(conversation, "third")
    assert past_before(first, []).turns == []
    assert [turn.text for turn in past_before(second, []).turns] == ["first"]


@pytest.mark.django_db
def test_another_conversation_is_not_the_past(conversation: Conversation, member: User) -> None:
    other = Conversation.objects.create(workspace=home(), user=member, title="other")
    say(other, "elsewhere")
    assert texts(conversation) == []


@pytest.mark.django_db
def test_the_latest_turns_fit_into_the_budget(conversation: Conversation) -> None:
    say(conversation, "a" * 10)
    say(conversation, "b" * (BUDGET - 5))
    say(conversation, "c" * 5)
    assert [text[0] for text in texts(conversation)] == ["b", "c"]
    say(conversation, "d")
    assert [text[0] for text in texts(conversation)] == ["c", "d"]


@pytest.mark.django_db
def test_a_turn_beyond_the_budget_ends_the_past_without_a_gap(conversation: Conversation) -> None:
    say(conversation, "short")
    say(conversation, "x" * (BUDGET + 1))
    say(conversation, "late")
    assert texts(conversation) == ["late"]


@pytest.mark.django_db
def test_there_are_at_most_so_many_turns(conversation: Conversation) -> None:
    for number in range(TURNS + 3):
        say(conversation, str(number))
    assert texts(conversation) == [str(number) for number in range(3, TURNS + 3)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sixteen weeks [1].", "Sixteen weeks."),
        ("Both [1][2] hold [13].", "Both hold."),
        ("[1]", ""),
        ("See [a] and [1a] and a[i].", "See [a] and [1a] and a[i]."),
    ],
)
def test_citations_are_taken_out(conversation: Conversation, text: str, left: str) -> None:
    say(conversation, text, Speaker.ASSISTANT)
    assert texts(conversation) == [left]


@pytest.mark.django_db
def test_a_turn_counts_only_where_all_its_spaces_are_within_the_audience(
    conversation: Conversation, team: Space, personal: Space
) -> None:
    say(conversation, "none", spaces=())
    say(conversation, "team", spaces=(team,))
    say(conversation, "both", spaces=(team, personal))
    say(conversation, "personal", spaces=(personal,))
    assert texts(conversation) == ["none"]
    assert texts(conversation, team) == ["none", "team"]
    assert texts(conversation, personal) == ["none", "personal"]
    assert texts(conversation, personal, team) == ["none", "team", "both", "personal"]


@pytest.mark.django_db
def test_a_turn_is_shown_once_however_much_it_drew_on(
    conversation: Conversation, team: Space, personal: Space, add_text: AddText
) -> None:
    versions = tuple(add_text(f"Note number {n} is here.", f"{n}.txt") for n in range(3))
    message = say(conversation, "all", Speaker.ASSISTANT, (team, personal), versions)
    assert list(shown_to(conversation.messages.all(), [team, personal])) == [message]


@pytest.mark.django_db
def test_a_turn_that_used_a_removed_document_is_hidden_before_it_is_erased(
    conversation: Conversation, team: Space, add_text: AddText
) -> None:
    gone, stays = add_text("The first note.", "a.txt"), add_text("The second note.", "b.txt")
    say(conversation, "gone", Speaker.ASSISTANT, (team,), (gone,))
    say(conversation, "both", Speaker.ASSISTANT, (team,), (stays, gone))
    say(conversation, "stays", Speaker.ASSISTANT, (team,), (stays,))
    remove_document(gone.document)
    assert texts(conversation, team) == ["stays"]


@pytest.mark.django_db
def test_a_replaced_document_hides_nothing(
    conversation: Conversation, team: Space, add_text: AddText
) -> None:
    old = add_text("The first note.", "a.txt")
    say(conversation, "old", Speaker.ASSISTANT, (team,), (old,))
    add_document(team, "a.txt", b"The note in other words.")
    assert texts(conversation, team) == ["old"]


@pytest.mark.django_db
def test_an_erased_turn_is_hidden(conversation: Conversation) -> None:
    message = say(conversation, "words", Speaker.ASSISTANT)
    Message.objects.filter(pk=message.pk).update(erased_at=timezone.now())
    assert texts(conversation) == []


@pytest.mark.django_db(transaction=True)
def test_private_turns_never_join_a_channels_conversation(
    mine: Place, add_text: AddText, talking: OpenAISimulator
) -> None:
    where = channel(installed())
    here = Place(home(), identity=known(where.installation, of=mine.user), channel=where)
    add_text("Parental leave is sixteen weeks, says osprey.", "leave.txt")
    add_text("The cafeteria opens at seven.", "cafeteria.txt", space_of(where))
    private = asked("How long is parental leave of plovers?", mine)
    first = asked("When does the cafeteria open?", here)
    asked("And when does the cafeteria close?", here, conversation_of(first))
    told = " ".join(request.raw.decode() for request in talking.requests[1:])
    assert "cafeteria" in told
    assert "plovers" not in told
    assert conversation_of(private) != conversation_of(first)


@pytest.mark.django_db(transaction=True)
def test_the_past_reaches_the_model_without_what_the_audience_lost(
    mine: Place, personal: Space, add_text: AddText, talking: OpenAISimulator
) -> None:
    add_text("Parental leave is sixteen weeks, says osprey.", "leave.txt")
    add_text("The cafeteria opens at seven in the morning.", "cafeteria.txt", personal)
    first = asked("How long is parental leave?", mine)
    assert "osprey" in kept(first).text
    assert mine.user is not None
    mine.user.memberships.all().delete()
    second = asked("When does the cafeteria open?", mine, conversation_of(first))
    told = talking.requests[-1].raw.decode()
    assert "cafeteria" in told
    assert "osprey" not in told
    assert "parental" not in told.lower()
    assert "osprey" not in kept(second).text
