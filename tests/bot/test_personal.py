"""`/link`, `/unlink`, `/mydata` and `/forget`, on any platform."""

import json
from typing import Any

import pytest
from django.db import IntegrityError
from pytest import MonkeyPatch

from backend.accounts.audience import Place
from backend.accounts.models import ForgottenIdentity, Identity, Role, Standing, User
from backend.accounts.people import channel_of, installation_of, record_channel, record_person
from backend.accounts.roles import set_role
from backend.accounts.spaces import home, personal_key, space_for
from backend.chat import forgetting as chat_forgetting
from backend.chat.feedback import give_feedback
from backend.chat.models import Conversation, Message
from backend.chat.removal import remove
from bot import claims, forgetting, inbox, ledger, personal, wording
from bot.models import InboxItem, ItemState, PartState
from knowledge.ingestion import add_document
from knowledge.models import Document, Space
from management import worker
from tests.backend.people import installed, known, organisation
from tests.backend.stored import everything_stored
from tests.backend.talk import asked, kept
from tests.bot.items import again, answered, claimed, said
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)

CANARY = "ospreyquokka"
TEXT = f"The boat of the harbour master is called {CANARY}."
ASK = f"What is the boat of the harbour master called, {CANARY} perhaps?"


def met(platform: str = "slack", name: str = "U1", standing: str = Standing.TEAM) -> Identity:
    return record_person(installation_of(platform, "T1"), name, standing)


def of(who: Identity) -> Place:
    return Place(home(), identity=Identity.objects.select_related("user").get(pk=who.pk))


def mine(who: Identity) -> Space:
    return space_for(personal_key(home(), of(who).identity.user))  # type: ignore[union-attr]


def asked_in_channel(who: Identity, message: str, text: str = ASK) -> InboxItem:
    """Asked, answered and shown in a thread."""
    channel = record_channel(who.installation, "C1", False, who.read_at)
    item = answered(message)
    events = asked(text, Place(home(), identity=who, channel=channel), None)
    answer = kept(events)
    question = answer.conversation.messages.earliest("pk")
    InboxItem.objects.filter(pk=item.pk).update(
        sender=who.external_id,
        text=text,
        conversation=answer.conversation,
        question=question,
        answer=answer,
    )
    item.parts.update(state=PartState.SENT, text="", message=f"r{message}")
    assert claims.settle(again(item))
    return again(item)


def exported(who: Identity) -> dict[str, Any]:
    handed = personal.mydata(of(who))
    assert handed.export is not None and handed.export.name.endswith(".json")
    content: dict[str, Any] = json.loads(handed.export.data)
    return content


def full_of(who: Identity, add_text: AddText) -> None:
    """The person says, uploads and rates the canary, wherever that can be done."""
    add_text(TEXT, f"{CANARY}.txt", mine(who))
    add_text(TEXT + " Truly.", f"{CANARY}.txt", mine(who))
    add_document(mine(who), f"{CANARY}-2.txt", f"{CANARY} waits to be read".encode())
    answer = kept(asked(ASK, of(who)))
    assert CANARY in answer.text
    give_feedback(answer.pk, of(who).identity.user, False, CANARY)  # type: ignore[union-attr]
    asked_in_channel(who, "1.1")
    personal.link(of(who), "", CANARY)


def test_link_gives_a_code_tells_whose_it_is_and_joins() -> None:
    ana, bea = met("discord"), met()
    told = personal.link(of(ana), " ", "ana")
    code = told.split("`")[1]
    assert "never enter one that somebody sent you" in " ".join(told.split())
    told = personal.link(of(bea), f" {code} ", "bea")
    assert "from ana on Discord" in told and f"`/link {code}` once more" in told
    assert personal.link(of(bea), code, "bea") == wording.LINKED
    assert of(bea).asker == of(ana).asker
    assert "wrong" in personal.link(of(bea), code, "bea")


def test_unlink_says_what_it_did_and_where_there_is_nothing_to_do() -> None:
    ana, bea = met("discord"), met()
    code = personal.link(of(ana), "", "ana").split("`")[1]
    for _ in range(2):
        personal.link(of(bea), code, "bea")
    assert "stays with your other identities" in personal.unlink(of(bea))
    assert "Nothing is linked" in personal.unlink(of(bea))


def test_mydata_holds_what_is_stored_about_a_person(add_text: AddText) -> None:
    ana = met()
    full_of(ana, add_text)
    content = exported(ana)
    assert content["me"] == {
        "email": None,
        "role": Role.MEMBER,
        "identities": [{"platform": "slack", "installation": "T1", "id": "U1", "standing": "team"}],
    }
    private, in_channel = sorted(content["conversations"], key=lambda c: c["channel"] or "")
    assert [message["by"] for message in private["messages"]] == ["user", "assistant"]
    assert private["messages"][1]["sources"][0]["document"] == f"{CANARY}.txt"
    assert (in_channel["channel"], in_channel["messages"][0]["text"]) == ("C1", ASK)
    (thumb,) = content["feedback"]
    assert (thumb["helpful"], thumb["reason"]) == (False, CANARY) and CANARY in thumb["answer"]
    waiting, read = content["documents"]
    assert [version["number"] for version in read["versions"]] == [1, 2]
    assert read["text"] == TEXT + " Truly."
    assert waiting["text"] == "" and waiting["versions"][0]["state"] == "received"


def test_mydata_holds_nothing_of_others_and_nothing_that_may_not_be_read_any_more(
    add_text: AddText,
) -> None:
    ana, eve = met(), met(name="U2")
    full_of(ana, add_text)
    assert CANARY not in json.dumps(exported(eve))
    talk = Conversation.objects.get(channel__isnull=False)
    place = Place(home(), identity=eve, channel=talk.channel)
    asked("How late is it?", place, str(talk.pk))  # in the same thread
    assert "How late" in json.dumps(exported(eve))
    assert "How late" not in json.dumps(exported(ana))
    secret = add_text("The safe of the team opens with pelicanmango.", "safe.txt")
    kept(asked("With what does the safe of the team open?", of(ana)))
    assert "pelicanmango" in json.dumps(exported(ana))
    record_person(ana.installation, ana.external_id, Standing.GUEST)
    assert "pelicanmango" not in json.dumps(exported(ana))
    remove(secret.document)
    assert "pelicanmango" not in everything_stored()


def test_after_forget_no_store_holds_what_was_said_or_uploaded(add_text: AddText) -> None:
    ana = met()
    full_of(ana, add_text)
    assert CANARY in everything_stored()
    assert personal.forget(of(ana)).text == wording.FORGOTTEN
    assert CANARY not in everything_stored()
    assert "'U1'" not in everything_stored()
    assert not User.objects.filter(pk=ana.user_id).exists()
    assert not (Identity.objects.exists() or Message.objects.exists() or Document.objects.exists())
    assert not Space.objects.filter(key__startswith="personal:").exists()


def test_forgetting_takes_all_linked_identities_and_leaves_everybody_elses(
    add_text: AddText,
) -> None:
    ana, bea, eve = met("discord"), met(), met(name="U2")
    full_of(bea, add_text)
    asked_in_channel(eve, "2.2", "How late is it?")
    add_text("Eve collects stamps.", "eve.txt", mine(eve))
    code = personal.link(of(ana), "", "ana").split("`")[1]
    for _ in range(2):
        personal.link(of(bea), code, "bea")
    before = personal.mydata(of(eve)).export
    personal.forget(of(ana))
    assert CANARY not in everything_stored()
    assert list(Identity.objects.all()) == [eve]
    assert before is not None
    after = exported(eve)
    assert after | {"made_at": ""} == json.loads(before.data) | {"made_at": ""}


def test_what_somebody_has_in_another_workspace_is_not_forgotten() -> None:
    ana = met()
    there = organisation("elsewhere")
    away = known(installed(there, "discord"), of=ana.user)
    Conversation.objects.create(workspace=there, user=ana.user, title="there")
    code = personal.link(of(ana), "", "ana").split("`")[1]
    personal.forget(of(ana))
    assert list(Identity.objects.all()) == [away]
    assert Conversation.objects.get().user == ana.user
    assert "wrong" in personal.link(of(met(name="U2")), code, "bea")


def test_in_a_thread_only_their_own_turns_go_and_its_title(add_text: AddText) -> None:
    ana, eve = met(), met(name="U2")
    item = asked_in_channel(ana, "1.1")
    place = Place(home(), identity=eve, channel=channel_of(ana.installation, "C1"))
    asked("How late is it?", place, str(item.conversation_id))
    personal.forget(of(ana))
    talk = Conversation.objects.get()
    assert talk.messages.earliest("pk").text == talk.title == "How late is it?"
    assert talk.messages.count() == 2
    assert CANARY not in everything_stored()


def test_what_is_delivered_again_answers_nothing(add_text: AddText) -> None:
    ana = met()
    item = asked_in_channel(ana, "1.1")
    personal.forget(of(ana))
    assert again(item).state == ItemState.VOID and again(item).settled
    assert not inbox.take(said("1.1", ASK))
    assert not inbox.take(said("1.2", f"and {CANARY}?", thread="1.1", addressed=False))
    assert claims.claim(["slack"]) is None
    # What was shown stands in the platform; it is not the bot's to take away.
    assert {part.state for part in item.parts.all()} == {PartState.SENT}


def test_an_answer_under_way_is_stopped_and_withdrawn() -> None:
    ana = met()
    item = claimed("1.1")
    part = ledger.begin(item, 0)
    ledger.opened(part, "9.9")
    forgot = personal.forget(of(ana))
    assert forgot.stopped == [item.key]
    assert not claims.decide(item, ItemState.ANSWERED, [CANARY])
    assert claims.renew({item.pk: item}) == set()
    assert [one.state for one in item.parts.all()] == [PartState.WITHDRAWN]
    assert not again(item).settled
    assert (again(item).sender, again(item).text) == ("", "")


def test_an_answer_to_who_is_gone_is_not_kept(add_text: AddText) -> None:
    ana = met()
    add_text(TEXT, "boat.txt", mine(ana))
    place = of(ana)
    personal.forget(of(ana))
    with pytest.raises(IntegrityError):
        asked(ASK, place)
    assert CANARY not in everything_stored()


def test_who_comes_back_is_somebody_new_and_their_new_question_is_answered() -> None:
    ana = met()
    asked_in_channel(ana, "1.1")
    chat_forgetting.forget(of(ana))  # as the page does, which knows no inbox
    assert inbox.take(said("3.3", "How late is it?"))
    assert [key.message for key in forgetting.sweep()] == []
    assert InboxItem.objects.get(message="3.3").state == ItemState.RECEIVED
    assert InboxItem.objects.get(message="1.1").state == ItemState.VOID
    assert not ForgottenIdentity.objects.exists()
    back = met()
    assert back.user_id != ana.user_id
    assert exported(back)["conversations"] == []


@pytest.mark.parametrize("broken", ["remove_turns", "sweep_removed", "delete_forgotten_spaces"])
def test_what_broke_off_is_unreadable_at_once_and_finished_by_the_sweep(
    add_text: AddText, monkeypatch: MonkeyPatch, broken: str
) -> None:
    ana = met()
    full_of(ana, add_text)

    def killed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chat_forgetting, broken, killed)
        with pytest.raises(KeyboardInterrupt):
            personal.forget(of(ana))
    assert not Identity.objects.exists()
    assert not Message.objects.exclude(text="").exists()
    assert not Document.objects.kept().exists()
    for _ in range(2):  # it is safe to repeat
        worker.sweep()
    assert CANARY not in everything_stored()


def test_the_last_admin_names_another_first() -> None:
    ana, bea = met(), met(name="U2")
    set_role(ana.user, home(), Role.ADMIN)
    assert "only admin" in personal.forget(of(ana)).text
    assert Identity.objects.filter(pk=ana.pk).exists()
    set_role(bea.user, home(), Role.ADMIN)
    assert personal.forget(of(ana)).text == wording.FORGOTTEN


def test_whom_nobody_knows_is_told_so() -> None:
    ana = met(standing=Standing.REMOVED)
    for told in (
        personal.link(of(ana), "", "ana"),
        personal.link(of(ana), "ABCD-EFGH", "ana"),
        personal.unlink(of(ana)),
        personal.mydata(of(ana)).text,
        personal.forget(of(ana)).text,
    ):
        assert "don't know you" in told
