"""The inbox when what was asked is edited or deleted."""

import pytest

from backend.accounts.spaces import home
from backend.chat.models import Conversation, Message, Speaker
from bot import claims, forgetting, inbox, ledger, talks
from bot.incoming import Edited
from bot.models import InboxItem, ItemState, PartState
from bot.talks import conversation_of
from knowledge.errors import LeaseLost
from tests.bot.items import (
    QUESTION,
    again,
    answered,
    claimed,
    deleted,
    edited,
    end_lease,
    next_item,
    said,
    taken,
)

pytestmark = pytest.mark.django_db


def turn(conversation: Conversation, speaker: Speaker, text: str) -> Message:
    return conversation.messages.create(speaker=speaker, text=text)


def talk() -> Conversation:
    return Conversation.objects.create(workspace=home(), title="Talk")


# Edits


def test_new_words_before_the_answer_count() -> None:
    item = taken()

    assert inbox.take(edited(text="And on Sundays?"))

    assert (again(item).text, again(item).revision) == ("And on Sundays?", 1)
    assert next_item().text == "And on Sundays?"


def test_who_works_on_the_old_words_commits_nothing_and_opens_nothing() -> None:
    item = claimed()
    part = ledger.begin(item, 0)

    assert inbox.take(edited(text="And on Sundays?"))

    assert again(item).state == ItemState.RECEIVED
    assert claims.renew({item.pk: item}) == set()
    assert not claims.decide(item, ItemState.ANSWERED, ["At nine."])
    with pytest.raises(LeaseLost):
        ledger.begin(item, 1)
    assert [(p.pk, p.text) for p in ledger.parts_of(item)] == [(part.pk, "")]


def test_an_edited_item_goes_on_once_its_owner_lets_go_and_the_attempt_does_not_count() -> None:
    item = claimed()
    inbox.take(edited(text="And on Sundays?"))
    assert claims.claim(["slack"]) is None  # its owner may be sending

    claims.let_go(item)

    anew = next_item()
    assert (anew.text, anew.revision, anew.attempts) == ("And on Sundays?", 1, 1)
    assert claims.decide(anew, ItemState.ANSWERED, ["Closed."])


def test_an_edited_item_goes_on_where_its_owner_died() -> None:
    item = claimed()
    inbox.take(edited(text="And on Sundays?"))
    end_lease(item)

    assert next_item().text == "And on Sundays?"


def test_an_edit_ends_the_waiting_of_what_was_put_off() -> None:
    item = claimed()
    claims.put_off(item, "the model is away", talks.LIVELY)

    inbox.take(edited(text="And on Sundays?"))

    assert next_item().pk == item.pk


def test_an_edit_that_is_heard_twice_counts_once() -> None:
    item = taken()
    assert inbox.take(edited(text="And on Sundays?"))
    assert not inbox.take(edited(text="And on Sundays?"))

    assert again(item).revision == 1


def test_after_the_answer_an_edit_changes_nothing() -> None:
    item = answered()

    assert not inbox.take(edited(text="And on Sundays?"))
    assert not inbox.take(edited(text="And on Sundays?", newly=True))

    assert (again(item).text, again(item).state) == (QUESTION, ItemState.ANSWERED)
    assert claims.settle(item)


def test_a_message_that_is_edited_to_mention_the_bot_is_heard() -> None:
    assert not inbox.take(edited())
    assert not InboxItem.objects.exists()

    assert inbox.take(edited(newly=True))

    assert next_item().text == QUESTION


def test_a_question_stays_as_it_was_where_the_mention_is_edited_out() -> None:
    item = taken()
    heard = Edited(said(text="", addressed=False), files_shown=True)

    assert not inbox.take(heard)

    assert (again(item).text, again(item).revision) == (QUESTION, 0)


def test_edited_text_is_kept_without_nul() -> None:
    item = taken()
    inbox.take(edited(text="On\0Sundays?"))

    assert again(item).text == "OnSundays?"


# Deletions


def test_a_question_that_is_deleted_is_not_answered() -> None:
    item = taken()

    assert inbox.take(deleted())

    assert again(item).state == ItemState.VOID
    assert claims.claim(["slack"]) is None


def test_what_is_left_of_a_deleted_message_has_no_content() -> None:
    item = taken(route={"response_url": "https://hooks.slack.com/x"})
    inbox.take(deleted())

    left = again(item)
    assert (left.text, left.sender, left.sender_team, left.route) == ("", "", "", {})
    assert (left.question, left.answer, left.conversation) == (None, None, None)


def test_a_deletion_that_comes_first_leaves_a_tombstone() -> None:
    assert inbox.take(deleted())
    inbox.take(said())
    inbox.take(edited(text="And on Sundays?", newly=True))

    [left] = InboxItem.objects.all()
    assert (left.state, left.text, left.settled) == (ItemState.VOID, "", True)
    assert claims.claim(["slack"]) is None


def test_the_deletion_of_words_between_people_leaves_nothing() -> None:
    assert not inbox.take(deleted(addressed=False))
    assert not InboxItem.objects.exists()


def test_the_reply_to_a_deleted_question_is_taken_away() -> None:
    item = answered(texts=("One.", "Two."))
    first = ledger.parts_of(item)[0]
    ledger.opening(first)
    ledger.opened(first, "2.1")
    ledger.sent(first)

    assert inbox.take(deleted())

    assert not again(item).settled
    assert [(p.state, p.text) for p in ledger.parts_of(item)] == [(PartState.WITHDRAWN, "")] * 2
    claims.let_go(item)
    taking_away = next_item()
    assert (taking_away.pk, taking_away.state) == (item.pk, ItemState.VOID)
    for part in ledger.parts_of(taking_away):
        assert ledger.gone(part)
    assert claims.settle(taking_away)
    assert claims.claim(["slack"]) is None


def test_the_reply_is_taken_away_also_long_after_it_was_delivered() -> None:
    item = answered()
    [part] = ledger.parts_of(item)
    ledger.opening(part)
    ledger.opened(part, "2.1")
    ledger.sent(part)
    claims.settle(item)

    inbox.take(deleted())

    assert next_item().state == ItemState.VOID


def test_who_works_on_a_deleted_question_commits_nothing_opens_nothing_and_settles_nothing() -> (
    None
):
    item = claimed()
    ledger.begin(item, 0)
    inbox.take(deleted())

    assert claims.renew({item.pk: item}) == set()
    assert not claims.decide(item, ItemState.ANSWERED, ["At nine."])
    assert not claims.settle(item)
    with pytest.raises(LeaseLost):
        ledger.begin(item, 0)
    assert not again(item).settled


def test_a_deletion_while_it_is_answered_is_seen_to_as_soon_as_the_owner_lets_go() -> None:
    item = claimed()
    ledger.begin(item, 0)
    inbox.take(deleted())
    assert claims.claim(["slack"]) is None

    claims.let_go(item)

    assert next_item().state == ItemState.VOID


def test_a_deletion_is_heard_again_without_harm() -> None:
    item = answered()
    inbox.take(deleted())
    claims.let_go(item)
    taking_away = next_item()

    inbox.take(deleted())

    assert claims.settle(taking_away)


def test_what_was_asked_and_answered_is_forgotten_with_the_message() -> None:
    conversation = talk()
    kept = turn(conversation, Speaker.USER, QUESTION)
    item = claimed()
    assert claims.begun(item, str(conversation.pk), kept.pk)
    answer = turn(conversation, Speaker.ASSISTANT, "At nine.")
    claims.decide(item, ItemState.ANSWERED, ["At nine."], answer.pk)

    inbox.take(deleted())

    assert not Message.objects.exists()
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("when", ["before the deletion", "after it"])
def test_what_an_owner_kept_and_died_before_they_noted_it_goes_too(when: str) -> None:
    item, conversation = claimed(), talk()

    def keep() -> None:
        for speaker in Speaker:
            conversation.messages.create(speaker=speaker, text=QUESTION, asked_for=item.pk)

    if when == "before the deletion":
        keep()
    inbox.take(deleted())
    if when == "after it":
        keep()
        forgetting.sweep_unnoted()

    assert not Message.objects.exists()


def test_what_is_asked_right_now_is_not_swept_away() -> None:
    conversation, item = talk(), claimed()
    kept = conversation.messages.create(speaker=Speaker.USER, text=QUESTION, asked_for=item.pk)

    forgetting.sweep_unnoted()

    assert claims.begun(item, str(conversation.pk), kept.pk)
    assert claims.decide(item, ItemState.ANSWERED, ["At nine."])
    assert claims.settle(item)
    forgetting.sweep_unnoted()
    assert Message.objects.get().asked_for is None


def test_a_question_that_was_taken_away_is_not_noted() -> None:
    conversation, item = talk(), claimed()
    kept = turn(conversation, Speaker.USER, QUESTION).pk
    Message.objects.all().delete()

    assert not claims.begun(item, str(conversation.pk), kept)


# The conversation


def test_a_thread_is_one_conversation() -> None:
    conversation = talk()
    first = claimed("1.1")
    assert conversation_of(first) is None
    claims.begun(first, str(conversation.pk), turn(conversation, Speaker.USER, QUESTION).pk)

    taken("1.2", thread="1.1")
    taken("1.3", thread="1.3")
    assert conversation_of(next_item()) == conversation
    assert conversation_of(next_item()) is None


def test_a_question_that_is_kept_anew_leaves_no_trace_of_the_old_words() -> None:
    conversation = talk()
    old = turn(conversation, Speaker.USER, QUESTION)
    item = claimed()
    claims.begun(item, str(conversation.pk), old.pk)
    new = turn(conversation, Speaker.USER, "And on Sundays?")

    assert claims.begun(item, str(conversation.pk), new.pk)

    assert list(Message.objects.all()) == [new]


def test_who_was_taken_over_notes_no_question() -> None:
    conversation = talk()
    slow = claimed()
    end_lease(slow)
    next_item()

    kept = turn(conversation, Speaker.USER, QUESTION)
    assert not claims.begun(slow, str(conversation.pk), kept.pk)
    assert again(slow).question is None


def test_a_conversation_that_was_removed_meanwhile_is_begun_anew() -> None:
    conversation = talk()
    item = claimed()
    claims.begun(item, str(conversation.pk), turn(conversation, Speaker.USER, QUESTION).pk)
    conversation.delete()

    assert conversation_of(item) is None


@pytest.mark.parametrize("words", [QUESTION, "And on Sundays?"])
def test_an_answer_that_was_kept_and_never_decided_is_removed(words: str) -> None:
    conversation, item = talk(), claimed("1.1")
    first = turn(conversation, Speaker.USER, QUESTION)
    claims.begun(item, str(conversation.pk), first.pk)
    theirs = turn(conversation, Speaker.ASSISTANT, "Therefore.")
    conversation.messages.create(speaker=Speaker.ASSISTANT, text="Mine.", asked_for=item.pk)
    end_lease(item)

    anew = next_item()
    asked = first if words == QUESTION else turn(conversation, Speaker.USER, words)
    claims.begun(anew, str(conversation.pk), asked.pk)

    assert set(conversation.messages.all()) == {theirs, asked}


def test_who_was_taken_over_does_not_forget_what_the_new_owner_keeps() -> None:
    """What is asked again in the same words is the same turn."""
    conversation = talk()
    kept = turn(conversation, Speaker.USER, QUESTION)
    slow = claimed()
    end_lease(slow)
    quick = next_item()
    assert claims.begun(quick, str(conversation.pk), kept.pk)
    assert not claims.begun(slow, str(conversation.pk), kept.pk)

    inbox.forget_turns([kept.pk])

    assert again(quick).question == kept
