"""What is heard waits in the inbox, once."""

from typing import Any

import pytest
from django.db.models import F

from bot import claims, inbox, late_files
from bot.incoming import Said, SharedFile
from bot.models import InboxItem, ItemState, Kind
from tests.bot.items import answered, next_item, said, taken

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


# A mention that says nothing and may lack its files


def bare(message: str = "1.1", **fields: Any) -> Said:
    return said(message, text="", **fields)


def test_a_bare_mention_waits_a_moment_for_its_files() -> None:
    assert inbox.take(bare(incomplete=True))
    assert claims.claim(["slack"]) is None
    InboxItem.objects.update(lease_until=F("lease_until") - 2 * late_files.HOLD)
    assert claims.claim(["slack"]) is not None


def test_a_bare_mention_waits_no_longer_once_its_message_came() -> None:
    inbox.take(bare(incomplete=True))
    assert inbox.take(bare())
    assert not inbox.take(bare(incomplete=True))
    assert claims.claim(["slack"]) is not None
    assert not inbox.take(bare())


@pytest.mark.parametrize("mention_first", [True, False])
def test_a_bare_mention_with_files_asks_nothing(mention_first: bool) -> None:
    heard = [bare(incomplete=True), bare(files=[SharedFile("F1", "hr.pdf")])]
    for one in heard if mention_first else reversed(heard):
        inbox.take(one)
    inbox.take(heard[0])
    assert [item.kind for item in InboxItem.objects.all()] == [Kind.FILE]


def test_a_bare_mention_that_is_being_answered_takes_its_files_along() -> None:
    inbox.take(bare(incomplete=True))
    InboxItem.objects.update(lease_until=None)
    item = next_item()
    assert inbox.take(bare(files=[SharedFile("F1", "hr.pdf")]))
    assert not claims.decide(item, ItemState.ANSWERED, ["Help."])
    assert [item.kind for item in InboxItem.objects.all()] == [Kind.QUESTION, Kind.FILE]
