"""“You” on the page: linking chat identities, one's data, being forgotten."""

import json

import pytest
from django.test import Client

from backend.accounts import linking
from backend.accounts.audience import Place
from backend.accounts.models import ForgottenIdentity, Identity, Role, Standing, User
from backend.accounts.people import record_person
from backend.accounts.spaces import home
from backend.chat.joining import enter_code
from backend.chat.models import Conversation, Speaker
from bot import forgetting
from tests.backend.people import installed, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def paula() -> User:
    return user(role=Role.MEMBER)


@pytest.fixture
def page(paula: User) -> Client:
    client = Client()
    client.force_login(paula)
    return client


@pytest.fixture
def ana() -> Identity:
    """Somebody in Slack."""
    return record_person(installed(), "U1", Standing.TEAM)


def chat_of(who: Identity) -> Place:
    return Place(home(), identity=Identity.objects.get(pk=who.pk))


def entered(page: Client, code: str) -> dict[str, object]:
    answer = page.post("/me/link/", {"code": code}, content_type="application/json")
    return dict(answer.json()) | {"status": answer.status_code}


def linked(page: Client, ana: Identity) -> None:
    code = linking.new_code(chat_of(ana), "ana")
    for _ in range(2):
        entered(page, code)


def test_a_code_of_the_chat_is_entered_twice(page: Client, paula: User, ana: Identity) -> None:
    code = linking.new_code(chat_of(ana), "<ana>")
    first = entered(page, code)
    assert first["joined"] is False and "from <ana> on Slack" in str(first["told"])
    assert entered(page, code)["joined"] is True
    (listed,) = page.get("/me/identities/").json()["identities"]
    assert listed == {"id": ana.pk, "platform": "slack", "name": ana.external_id}
    assert chat_of(ana).asker == paula


def test_a_code_of_the_page_is_entered_in_the_chat(
    page: Client, paula: User, ana: Identity
) -> None:
    code = page.post("/me/code/").json()["code"]
    told = enter_code(chat_of(ana), code)
    assert (told.name, told.platform) == (paula.email, None)
    assert enter_code(chat_of(ana), code).joined
    assert chat_of(ana).asker == paula


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"code": {"a": 1}}', b'{"code": "\\u0000"}'])
def test_a_code_that_makes_no_sense_is_refused_with_a_sentence(page: Client, body: bytes) -> None:
    answer = page.generic("POST", "/me/link/", body, "application/json")
    assert (answer.status_code, "wrong" in answer.json()["error"]) == (409, True)


def test_an_identity_is_unlinked_by_its_owner_alone(
    page: Client, paula: User, ana: Identity
) -> None:
    linked(page, ana)
    other = Client()
    other.force_login(user(role=Role.ADMIN))
    assert other.delete(f"/me/identities/{ana.pk}/").status_code == 404
    assert chat_of(ana).asker == paula
    assert page.delete(f"/me/identities/{ana.pk}/").status_code == 204
    assert chat_of(ana).asker != paula
    assert page.get("/me/identities/").json() == {"identities": []}


def test_ones_data_is_a_download(page: Client, paula: User) -> None:
    talk = Conversation.objects.create(workspace=home(), user=paula, title="x")
    talk.messages.create(speaker=Speaker.USER, text="Where is the lighthouse?", asker=paula)
    answer = page.get("/me/data/")
    assert answer["Content-Disposition"].startswith('attachment; filename="askwell-')
    assert "no-store" in answer["Cache-Control"]
    content = json.loads(answer.content)
    assert content["me"]["email"] == paula.email
    assert content["conversations"][0]["messages"][0]["text"] == "Where is the lighthouse?"


def test_who_is_forgotten_is_signed_out_and_the_bot_learns_of_it(
    page: Client, paula: User, ana: Identity
) -> None:
    linked(page, ana)
    assert page.post("/me/forget/").status_code == 204
    assert not User.objects.filter(pk=paula.pk).exists()
    assert not Identity.objects.exists()
    assert page.get("/conversations/").status_code == 401
    assert ForgottenIdentity.objects.get().external_id == ana.external_id
    forgetting.sweep()
    assert not ForgottenIdentity.objects.exists()


def test_the_only_admin_is_not_forgotten() -> None:
    admin = user(role=Role.ADMIN)
    client = Client()
    client.force_login(admin)
    answer = client.post("/me/forget/")
    assert (answer.status_code, "only admin" in answer.json()["error"]) == (409, True)
    assert client.get("/conversations/").status_code == 200
