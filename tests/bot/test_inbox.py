"""What is heard waits in the inbox, once."""

import pytest

from bot import claims, inbox
from bot.models import InboxItem, ItemState
from tests.bot.items import answered, said, taken

pytestmark = pytest.mark.django_db


def test_what_is_said_waits_in_the_inbox() -> None:
    item = taken()

    assert (item.state, item.revision, item.attempts) == (ItemState.RECEIVED, 0, 0)
    assert not item.settled


def test_a_message_that_is_heard_again_is_the_same_item() -> None:
    assert inbox.take(said())
    for _ in range(4):
        assert not inbox.take(said())

    assert InboxItem.objects.count() == 1


def test_a_message_that_was_answered_is_not_taken_up_again() -> None:
    claims.settle(answered())
    inbox.take(said())

    assert claims.claim(["slack"]) is None


def test_messages_of_other_channels_and_teams_are_other_items() -> None:
    taken()
    inbox.take(said(channel="C2"))

    assert InboxItem.objects.count() == 2


def test_words_between_people_are_not_kept() -> None:
    assert not inbox.take(said(addressed=False))
    assert not InboxItem.objects.exists()


def test_who_asked_in_a_thread_goes_on_there_without_a_mention() -> None:
    taken("1.1")

    assert not inbox.take(said("1.2", thread="1.1", addressed=False, sender="U2"))
    assert not inbox.take(said("1.3", thread="1.0", addressed=False))
    assert inbox.take(said("1.4", thread="1.1", addressed=False))


def test_what_was_said_in_a_thread_before_its_first_question_is_no_follow_up() -> None:
    taken("1.5", thread="1.1")

    assert not inbox.take(said("1.3", thread="1.1", addressed=False))
    assert inbox.take(said("1.6", thread="1.1", addressed=False))


def test_text_is_kept_without_nul() -> None:
    assert taken(text="When\0?").text == "When?"
