"""What was asked and answered too long ago is gone from the database, lists and exports."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from backend.accounts.audience import Place
from backend.accounts.models import Installation, User, Workspace
from backend.accounts.spaces import home, space_for, team_key
from backend.chat.export import export_of
from backend.chat.models import Conversation, Feedback, Message, Source, Speaker
from backend.chat.retention import delete_old_turns
from backend.ingesting import finish
from bot.models import InboxItem, ItemState
from bot.retention import delete_old_items
from knowledge.ingestion import add_document
from knowledge.models import DocumentVersion
from management.scratch import scratch_store
from tests.bench import cleaning

AddText = Callable[..., DocumentVersion]
NOW = timezone.now()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_however_many_old_messages_there_are_all_are_deleted(count: int) -> None:
    """Promise 36. How long the lock may be held is told by `make bench`, too."""
    with scratch_store() as folder:
        space = space_for(team_key(home()))
        version = finish(add_document(space, "offices.txt", b"The office opens at nine.").version)
        cleaning.fill(space, version, count)
        assert cleaning.count_old() == count
        said = json.loads(cleaning.begin_to_delete(folder).communicate()[0])
        assert (said["count"], cleaning.count_old(), Source.objects.count()) == (count, 0, 0)
    print(
        f"\ncleaning: {said['count']:,} messages deleted in {said['seconds']:.0f} s; the lock was "
        f"held for {said['longest'] * 1e3:.0f} ms at the longest (target: 200 ms)"
    )


def say(text: str, days: float, conversation: Conversation, asker: User | None = None) -> Message:
    """Something that was said so many days ago."""
    speaker = Speaker.USER if asker else Speaker.ASSISTANT
    said = conversation.messages.create(speaker=speaker, text=text, asker=asker)
    Message.objects.filter(pk=said.pk).update(created_at=NOW - timedelta(days=days))
    return said


def talk(user: User, workspace: Workspace | None = None, title: str = "old") -> Conversation:
    return Conversation.objects.create(workspace=workspace or home(), user=user, title=title)


def item(days: float, installation: str = "T1", **fields: str) -> InboxItem:
    """An item of the bot's inbox that is so many days old."""
    made = InboxItem.objects.create(
        platform="slack",
        installation=installation,
        channel="C1",
        message=f"{InboxItem.objects.count()}",
        text="xyzzy",
        state=ItemState.ANSWERED,
        settled=True,
        **fields,
    )
    made.parts.create(number=0)
    InboxItem.objects.filter(pk=made.pk).update(received_at=NOW - timedelta(days=days))
    return made


def test_messages_past_retention_are_gone_with_what_hangs_on_them(
    member: User, add_text: AddText
) -> None:
    version, conversation = add_text("some text"), talk(member)
    old = say("the old answer", 31, conversation)
    old.versions.add(version)
    Source.objects.create(message=old, number=1, version=version, start=0, end=4, excerpt="some")
    Feedback.objects.create(message=old, user=member, helpful=False, reason="the old reason")

    assert delete_old_turns(NOW) == 1

    assert not Message.objects.exists() and not Source.objects.exists()
    assert not Feedback.objects.exists() and not Conversation.objects.exists()
    assert b"old" not in export_of(Place(home(), user=member)).data


def test_what_is_younger_stays_and_names_the_conversation(member: User) -> None:
    conversation = talk(member, title="the old question")
    say("the old question", 30.5, conversation, member)
    say("the young question", 29.5, conversation, member)

    assert delete_old_turns(NOW) == 1

    conversation.refresh_from_db()
    assert conversation.title == "the young question"
    data = export_of(Place(home(), user=member)).data
    assert b"the young question" in data and b"the old question" not in data


def test_a_conversation_that_a_run_left_empty_when_it_broke_off_goes_with_the_next(
    member: User,
) -> None:
    left, begun = talk(member), talk(member)
    Conversation.objects.filter(pk=left.pk).update(updated_at=NOW - timedelta(days=40))

    delete_old_turns(NOW)

    assert list(Conversation.objects.all()) == [begun]


def test_the_setting_says_how_long(member: User, settings: Settings) -> None:
    settings.CHAT_RETENTION_DAYS = 2
    say("three days old", 3, talk(member))
    say("a day old", 1, talk(member))

    delete_old_turns(NOW)

    assert list(Message.objects.values_list("text", flat=True)) == ["a day old"]


@pytest.mark.parametrize(("days", "left"), [(5, ["theirs"]), (100, ["ours", "theirs"])])
def test_a_workspace_may_say_otherwise(member: User, days: int, left: list[str]) -> None:
    other = Workspace.objects.create(slug="other", retention_days=None)
    Workspace.objects.filter(pk=home().pk).update(retention_days=days)
    say("ours", 10, talk(member))
    say("theirs", 20, talk(member, other))
    say("theirs, too old", 40, talk(member, other))

    delete_old_turns(NOW)

    assert sorted(Message.objects.values_list("text", flat=True)) == left


def test_the_inbox_forgets_what_is_past_retention(member: User) -> None:
    strict = Workspace.objects.create(slug="strict", retention_days=1)
    Installation.objects.create(platform="slack", external_id="T2", workspace=strict)
    Installation.objects.create(platform="slack", external_id="T1", workspace=home())
    for days in (31, 29):
        item(days)
        item(days, installation="T3")  # that nobody knows
    item(2, installation="T2")

    assert delete_old_items(NOW) == 3

    left = InboxItem.objects.values_list("installation", flat=True)
    assert sorted(left) == ["T1", "T3"]


def test_a_second_run_finds_nothing(member: User) -> None:
    for number in range(120):
        say(f"question {number}", 40, talk(member))
    item(40)

    assert (delete_old_items(NOW), delete_old_turns(NOW)) == (1, 120)
    assert (delete_old_items(NOW), delete_old_turns(NOW)) == (0, 0)
