"""Files that come with what is said are items of their own, and a question waits for its own."""

import pytest

from backend.accounts.models import Channel
from backend.accounts.people import installation_of
from bot import claims, inbox
from bot.following import Follower
from bot.incoming import FileDeleted, Key, SharedFile
from bot.models import InboxItem, ItemState, Kind
from bot.shared_files import add_files
from tests.bot.items import QUESTION, again, claimed, deleted, edited, next_item, said, taken

pytestmark = pytest.mark.django_db

HR, PLAN = SharedFile("F1", "hr.pdf"), SharedFile("F2", "plan.pdf")


def kept() -> dict[str, str]:
    """The items by their keys."""
    rows = InboxItem.objects.exclude(state=ItemState.VOID).order_by("pk")
    return dict(rows.values_list("message", "kind"))


def look() -> bool:
    return Follower(dict, lambda: None).look(["slack"])


def test_words_and_files_are_items_of_their_own() -> None:
    assert inbox.take(said(files=[HR, PLAN]))
    assert kept() == {"1.1": Kind.QUESTION, "1.1/F1": Kind.FILE, "1.1/F2": Kind.FILE}
    assert InboxItem.objects.get(message="1.1/F1").text == "hr.pdf"


def test_files_without_words_are_no_question() -> None:
    assert inbox.take(said(text=" ", files=[HR]))
    assert kept() == {"1.1/F1": Kind.FILE}


def test_what_is_heard_again_is_kept_once() -> None:
    inbox.take(said(files=[HR]))
    assert not inbox.take(said(files=[HR]))
    inbox.take(said("2.1", text="", files=[HR]))
    assert not inbox.take(said("2.1", text="", files=[HR]))
    assert len(kept()) == 3


def test_files_that_a_mention_came_without_are_added_and_the_question_begins_anew() -> None:
    item = claimed()
    assert inbox.take(said(files=[HR]))
    assert not claims.decide(item, ItemState.ANSWERED, ["Without the file."])
    claims.let_go(item)
    assert next_item().kind == Kind.FILE
    assert claims.claim(["slack"]) is None  # the question waits for it


def test_a_question_waits_until_its_files_are_decided() -> None:
    inbox.take(said(files=[HR, PLAN]))
    for number in range(2):
        file = next_item()
        assert not look()
        assert file.message == f"1.1/F{number + 1}"
        InboxItem.objects.filter(pk=file.pk).update(state=ItemState.FAILED, settled=True)
    assert look()
    assert next_item().text == QUESTION


def test_words_between_people_bring_no_files() -> None:
    assert not inbox.take(said(addressed=False, files=[HR]))
    assert not kept()


def test_who_asked_in_a_thread_shares_files_there() -> None:
    taken("1.1")
    assert inbox.take(said("1.2", "", thread="1.1", addressed=False, files=[HR]))
    assert not inbox.take(said("1.3", "", thread="1.1", addressed=False, sender="U2", files=[HR]))


def test_a_channel_that_collects_takes_files_and_no_words() -> None:
    team = installation_of("slack", "T1")
    Channel.objects.create(installation=team, external_id="C1", collects=True)
    assert inbox.take(said(addressed=False, files=[HR]))
    assert not inbox.take(said("1.2", thread="1.1", addressed=False))  # it is no follow-up
    assert not inbox.take(said("1.3", channel="C2", addressed=False, files=[HR]))
    assert kept() == {"1.1/F1": Kind.FILE}


def test_a_private_thread_collects_by_itself() -> None:
    team = installation_of("slack", "T1")
    Channel.objects.create(installation=team, external_id="C1", collects=True)
    assert not inbox.take(said(addressed=False, files=[HR], home="C9"))
    Channel.objects.create(installation=team, external_id="C9", collects=True)
    assert inbox.take(said(addressed=False, files=[HR], home="C9"))


@pytest.mark.parametrize("text", ["", QUESTION])
def test_a_deleted_message_takes_its_files_along(text: str) -> None:
    inbox.take(said(text=text, files=[HR, PLAN]))
    assert inbox.take(deleted())
    assert not kept()
    assert not inbox.take(said(text=text, files=[HR, PLAN]))  # delivered again


def test_a_deletion_that_comes_first_leaves_nothing_to_take() -> None:
    inbox.take(deleted(text="", files=[HR]))
    assert not inbox.take(said(text="", files=[HR]))
    assert not kept()


def test_a_file_that_is_taken_off_its_message_is_dropped() -> None:
    inbox.take(said(files=[HR, PLAN]))
    inbox.take(edited(files=[PLAN]))
    assert kept() == {"1.1": Kind.QUESTION, "1.1/F2": Kind.FILE}


def test_a_file_that_was_added_again_outlives_an_edit() -> None:
    add_files(said(text="", files=[HR]))
    InboxItem.objects.update(state=ItemState.FAILED)
    add_files(said(text="", files=[HR]))
    inbox.take(edited(files=[HR]))
    assert "1.1/2/F1" in kept()


def test_a_name_is_kept_without_nul() -> None:
    inbox.take(said(text="", files=[SharedFile("F1", "a\0b.pdf")]))
    item = InboxItem.objects.get()
    assert (item.text, item.route["file"]["name"]) == ("ab.pdf", "ab.pdf")


def test_words_that_are_added_to_files_are_a_question() -> None:
    inbox.take(said(text="", files=[HR]))
    assert inbox.take(edited(files=[HR]))
    assert kept() == {"1.1/F1": Kind.FILE, "1.1": Kind.QUESTION}


def test_a_file_that_is_gone_before_it_was_kept_is_fetched_anew() -> None:
    inbox.take(said(text="", files=[HR]))
    item = next_item()
    assert inbox.take(FileDeleted(Key("slack", "T1", "", "F1")))
    assert not item.owned().exists()
    assert again(item).state == ItemState.RECEIVED


def test_a_file_that_is_gone_after_it_was_kept_is_dropped_wherever_it_was_shared() -> None:
    inbox.take(said("1.1", "", files=[HR]))
    inbox.take(said("2.1", "", channel="C2", files=[HR, PLAN]))
    InboxItem.objects.update(sha256="x")
    assert inbox.take(FileDeleted(Key("slack", "T1", "", "F1")))
    assert kept() == {"2.1/F2": Kind.FILE}
    assert InboxItem.objects.filter(settled=False).count() == 3  # what they brought is to go


def test_what_stands_is_not_added_again_and_what_failed_is() -> None:
    assert add_files(said(text="", files=[HR]))
    assert not add_files(said(text="", files=[HR]))
    InboxItem.objects.update(state=ItemState.FAILED)
    assert add_files(said(text="", files=[HR]))
    assert list(kept()) == ["1.1/F1", "1.1/2/F1"]
