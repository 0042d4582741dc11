"""What is read from payloads as Slack sends them."""

from typing import Any

import pytest

from bot.incoming import Deleted, Edited, Heard, Key, Said, SharedFile
from bot.slack.events import (
    installation_of,
    read_command,
    read_event,
    read_past,
    read_shortcut,
)

JSON = dict[str, Any]
BOT = "U0B0T"
TEAM, OTHER_TEAM = "T0001", "T0002"
TS, ROOT = "1736481300.000200", "1736207085.539649"


def event(**fields: Any) -> JSON:
    """An event's payload, with what is the same in all of them."""
    return {
        "token": "simulated",
        "team_id": TEAM,
        "api_app_id": "A0001",
        "type": "event_callback",
        "event_id": "Ev0001",
        "event": {"channel": "C1", "channel_type": "channel", "event_ts": TS} | fields,
        "authorizations": [
            {"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True},
        ],
    }


def message(text: str = f"<@{BOT}> When does it open?", **fields: Any) -> JSON:
    return {
        "type": "message",
        "user": "U1",
        "ts": TS,
        "client_msg_id": "0d2b-41",
        "text": text,
        "team": TEAM,
    } | fields


def heard(text: str = f"<@{BOT}> When does it open?", **fields: Any) -> Said | None:
    found = read_event(event(**message(text, **fields)))
    assert found is None or isinstance(found, Said)
    return found


def changed(now: JSON, before: JSON, subtype: str = "message_changed", **fields: Any) -> JSON:
    more = {"subtype": subtype, "hidden": True, "ts": "1736481399.000100"} | fields
    return event(type="message", message=now, previous_message=before, **more)


def test_a_mention_heads_its_own_thread() -> None:
    said = read_event(event(**message(type="app_mention")))
    key = Key("slack", TEAM, "C1", TS)
    assert said == Said(key, "U1", "When does it open?", thread=TS, sender_team=TEAM)


def test_the_mention_and_its_message_are_the_same_message() -> None:
    assert read_event(event(**message(type="app_mention"))) == read_event(event(**message()))


def test_a_mention_that_says_nothing_may_lack_its_files() -> None:
    """They come with the message, which may never come."""
    bare = f"<@{BOT}>"
    said = read_event(event(**message(bare, type="app_mention")))
    assert isinstance(said, Said) and said.addressed and said.incomplete
    whole = heard(bare)
    assert whole and not whole.incomplete


def test_a_mention_within_a_thread_is_answered_there() -> None:
    said = heard(thread_ts=ROOT)
    assert said and (said.thread, said.addressed) == (ROOT, True)


def test_a_direct_message_is_for_the_bot() -> None:
    said = heard("When does it open?", channel="D1", channel_type="im")
    assert said and said.direct and said.addressed and said.thread == TS


@pytest.mark.parametrize("kind", ["channel", "group", "mpim"])
def test_words_between_people_are_not_heard(kind: str) -> None:
    assert heard("When does it open?", channel_type=kind) is None
    said = heard(channel_type=kind)
    assert said and said.addressed and not said.direct


def test_words_in_a_thread_may_be_a_follow_up() -> None:
    said = heard("And on Sunday?", thread_ts=ROOT)
    assert said and not said.addressed and said.thread == ROOT


@pytest.mark.parametrize("text", ["<@U2> what do you think?", "  <@U2|ben> see above"])
def test_whoever_begins_with_anothers_name_speaks_to_them(text: str) -> None:
    assert heard(text, thread_ts=ROOT) is None
    assert heard(f"{text} <@{BOT}>", thread_ts=ROOT)


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B2", "user": "U2"},  # another app
        {"bot_id": "B1", "user": BOT},
        {"user": BOT},
        {"user": None, "subtype": "bot_message", "bot_id": "B2"},
        {"subtype": "channel_join"},
        {"subtype": "channel_topic"},
        {"subtype": "reminder_add"},
        {"subtype": "tombstone", "user": "USLACKBOT"},
    ],
)
@pytest.mark.parametrize("kind", ["channel", "im"])
def test_bots_and_slacks_own_words_are_not_heard(fields: JSON, kind: str) -> None:
    assert heard(**fields, channel_type=kind) is None


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_what_people_say_with_a_file_or_to_the_whole_channel_is_heard(subtype: str) -> None:
    assert heard(subtype=subtype)


def test_files_are_heard() -> None:
    files = [
        {"id": "F1", "name": "hr.pdf", "size": 9, "mimetype": "application/pdf"},
        {"id": "F2", "mode": "tombstone"},  # it was deleted
    ]
    said = heard("", subtype="file_share", files=files, channel_type="im")
    assert said and not said.text
    assert said.files == (SharedFile("F1", "hr.pdf", 9, "application/pdf"),)


def test_someone_of_another_organisation_is_known_by_their_team() -> None:
    """The event comes from their team, the installation is ours."""
    body = event(**message(team=TEAM, user_team=OTHER_TEAM, source_team=OTHER_TEAM))
    said = read_event(body | {"team_id": OTHER_TEAM, "is_ext_shared_channel": True})
    assert isinstance(said, Said)
    assert (said.key.installation, said.sender_team) == (TEAM, OTHER_TEAM)


def test_a_modal_that_was_opened_in_a_shared_channel_belongs_to_our_installation() -> None:
    view = {"view": {"app_installed_team_id": TEAM}, "team": {"id": OTHER_TEAM}}
    assert installation_of({"type": "view_submission"} | view) == TEAM


@pytest.mark.parametrize("kind", ["reaction_added", "member_joined_channel", "file_shared", None])
def test_other_events_say_nothing(kind: str | None) -> None:
    assert read_event(event(type=kind, user="U1")) is None


# Changes


def read_change(now: str, before: str, **fields: Any) -> Heard | None:
    return read_event(changed(message(now, **fields), message(before, **fields)))


def test_an_edit_that_adds_a_mention_is_heard_anew() -> None:
    found = read_change(f"<@{BOT}> When?", "When?")
    assert isinstance(found, Edited) and found.newly_addressed
    assert (found.now.text, found.now.key.message) == ("When?", TS)


def test_an_edit_of_a_question_is_no_new_one() -> None:
    found = read_change(f"<@{BOT}> Where?", f"<@{BOT}> When?")
    assert isinstance(found, Edited) and not found.newly_addressed


def test_an_edit_that_takes_the_mention_out_counts_for_what_was_asked() -> None:
    found = read_change("When in Porto?", f"<@{BOT}> When?")
    assert isinstance(found, Edited) and not found.now.addressed
    assert found.now.text == "When in Porto?"


def test_a_link_that_was_unfurled_is_no_edit() -> None:
    unfurled = message(attachments=[{"from_url": "https://example.org"}])
    assert read_event(changed(unfurled, message())) is None


def test_edits_by_bots_are_not_heard() -> None:
    assert read_change(f"<@{BOT}> When?", "When?", bot_id="B2") is None


def test_a_deletion_names_what_was_said() -> None:
    body = event(
        type="message", subtype="message_deleted", deleted_ts=TS, previous_message=message()
    )
    found = read_event(body)
    assert isinstance(found, Deleted) and found.before == heard()


def test_a_deletion_counts_also_where_the_mention_was_edited_out() -> None:
    before = message("When?", edited={"user": "U1", "ts": TS})
    found = read_event(changed({}, before, subtype="message_deleted", deleted_ts=TS))
    assert isinstance(found, Deleted) and not found.before.addressed
    assert found.before.key == Key("slack", TEAM, "C1", TS)


def test_a_message_with_replies_is_deleted_by_a_change() -> None:
    """What heads a thread does not go: Slack puts a tombstone in its place."""
    tombstone = message("This message was deleted.", subtype="tombstone", user="USLACKBOT")
    found = read_event(changed(tombstone, message(thread_ts=TS)))
    assert isinstance(found, Deleted) and found.before.key.message == TS


def test_that_our_own_message_was_deleted_needs_nothing() -> None:
    body = changed({}, message("At nine.", user=BOT), subtype="message_deleted", deleted_ts=TS)
    assert read_event(body) is None


# What was read back


def past(channel: JSON, **fields: Any) -> Heard | None:
    return read_past(message(**fields), channel, TEAM, BOT)


def test_messages_that_are_read_back_are_heard_as_they_were_said() -> None:
    assert past({"id": "C1"}) == heard()
    assert past({"id": "C1"}, text="When?") is None
    said = past({"id": "D1", "is_im": True}, text="When?")
    assert isinstance(said, Said) and said.direct


def test_edited_and_deleted_messages_that_are_read_back_count_as_such() -> None:
    edited = {"user": "U1", "ts": "1736481399.000100"}
    for text in (f"<@{BOT}> Where?", "Where?"):
        found = past({"id": "C1"}, text=text, edited=edited)
        assert isinstance(found, Edited) and found.now.text == "Where?"
    gone = past({"id": "C1"}, text="gone", subtype="tombstone", user="USLACKBOT")
    assert isinstance(gone, Deleted) and not gone.before.addressed


# Commands and menus


def test_a_command_is_private_and_knows_where_to_reply() -> None:
    body = {"team_id": TEAM, "channel_id": "C1", "user_id": "U1", "trigger_id": "1.2.a"}
    asked = {"command": "/ask", "text": f"<@{BOT}|askwell> When &amp; where?"}
    said = read_command(body | asked | {"response_url": "https://hooks.slack.com/x"}, BOT)
    assert said.key == Key("slack", TEAM, "C1", "interaction-1.2.a")
    assert (said.text, said.sender, said.private) == ("When & where?", "U1", True)
    assert said.route == {"response_url": "https://hooks.slack.com/x"} and not said.thread


def test_a_message_menu_asks_about_the_message_for_whoever_clicked() -> None:
    body = {
        "type": "message_action",
        "team": {"id": TEAM, "domain": "home"},
        "user": {"id": "U2", "team_id": OTHER_TEAM},
        "channel": {"id": "C1"},
        "trigger_id": "1.2.b",
        "message": message(user="U1"),
    }
    said = read_shortcut(body, BOT)
    assert (said.sender, said.sender_team) == ("U2", OTHER_TEAM)
    assert (said.text, said.key.message) == ("When does it open?", "interaction-1.2.b")
