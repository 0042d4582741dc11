"""Every address of the page, tried by those whom it does not concern."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern

from backend.accounts.models import Identity, Membership, Role, User
from backend.accounts.spaces import home
from backend.api.urls import urlpatterns as api_urls
from backend.chat.models import Conversation, Feedback, Message, Source, Speaker
from backend.console.urls import urlpatterns as console_urls
from backend.library.models import PromotionRequest, RequestState
from knowledge.models import Document, DocumentVersion, Space
from tests.backend.people import channel, installed, join, known, organisation, space_of, user
from tests.conftest import AddText

pytestmark = pytest.mark.django_db

SECRET = "ospreyquokka"
TEXT = f"Parental leave is sixteen weeks long, says {SECRET}."
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# What concerns nobody: the sign-in page, a spent link, signing out, being alive.
OPEN = {"": {200}, "sign-in/<str:token>/": {410}, "sign-out/": {302}, "health/": {200}}
# What names nothing of anybody's: see test_maintenance.py.
JOBS = {"maintenance/<slug:name>/run/": {302}}
REFUSED = {401, 403, 404, 405, 409}


@dataclass
class Owned:
    """Something of each kind that belongs to one person."""

    owner: User
    version: DocumentVersion
    question: Message
    answer: Message
    identity: Identity
    request: PromotionRequest
    space: Space

    @property
    def paths(self) -> dict[str, str]:
        """Each address with the ids of what is owned."""
        section = self.version.sections.get()
        talk = self.answer.conversation_id
        return {
            "": "/",
            "sign-in/<str:token>/": "/sign-in/never-made/",
            "sign-out/": "/sign-out/",
            "ask/": "/ask/",
            "conversations/": "/conversations/",
            "conversations/<uuid:pk>/": f"/conversations/{talk}/",
            "messages/<int:pk>/feedback/": f"/messages/{self.answer.pk}/feedback/",
            "documents/": "/documents/",
            "documents/samples/": "/documents/samples/",
            "documents/<uuid:pk>/": f"/documents/{self.version.document_id}/",
            "documents/<uuid:pk>/versions/": f"/documents/{self.version.document_id}/versions/",
            "documents/<uuid:pk>/versions/<int:number>/original/": (
                f"/documents/{self.version.document_id}/versions/1/original/"
            ),
            "documents/<uuid:pk>/versions/<int:number>/restore/": (
                f"/documents/{self.version.document_id}/versions/1/restore/"
            ),
            "documents/<uuid:pk>/promotion/": f"/documents/{self.version.document_id}/promotion/",
            "promotions/": "/promotions/",
            "promotions/<int:pk>/": f"/promotions/{self.request.pk}/",
            "passages/<int:version>/<int:section>/": (
                f"/passages/{self.version.pk}/{section.pk}/?start=0&end=10"
            ),
            "maintenance/": "/maintenance/",
            "maintenance/<slug:name>/run/": "/maintenance/purge/run/",
            "me/identities/": "/me/identities/",
            "me/identities/<int:pk>/": f"/me/identities/{self.identity.pk}/",
            "me/code/": "/me/code/",
            "me/link/": "/me/link/",
            "me/data/": "/me/data/",
            "me/forget/": "/me/forget/",
            "health/": "/api/health/",
        }


def owned_by(owner: User, space: Space, add_text: AddText) -> Owned:
    version = add_text(TEXT, f"{SECRET}.txt", space)
    Document.objects.filter(pk=version.document_id).update(sample=True)
    talk = Conversation.objects.create(workspace=home(), user=owner, title=f"about {SECRET}")
    question = talk.messages.create(speaker=Speaker.USER, text=f"who is {SECRET}?")
    answer = talk.messages.create(speaker=Speaker.ASSISTANT, text=f"{SECRET} [1]")
    answer.versions.add(version)
    for message in (question, answer):
        message.spaces.add(space)
    section = version.sections.get()
    Source.objects.create(
        message=answer, number=1, version=version, section=section, start=0, end=9, excerpt=TEXT
    )
    request = PromotionRequest.objects.create(
        document=version.document, workspace=home(), asked_by=owner
    )
    return Owned(owner, version, question, answer, known(installed(), of=owner), request, space)


@pytest.fixture
def owned(personal: Space, member: User, add_text: AddText) -> Owned:
    return owned_by(member, personal, add_text)


def client_of(who: User | None, *, csrf: bool = False) -> Client:
    client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
    if who is not None:
        client.force_login(who)
    return client


def read(answer: Any) -> bytes:
    """The body, streamed or not."""
    if answer.streaming:
        return b"".join(answer.streaming_content)
    return bytes(answer.content)


def body_for(name: str, owned: Owned) -> dict[str, object]:
    talk = str(owned.answer.conversation_id)
    bodies: dict[str, dict[str, object]] = {
        "ask/": {"question": "What is parental leave?", "conversation": talk},
        "messages/<int:pk>/feedback/": {"value": "up", "reason": "mine"},
        "promotions/<int:pk>/": {"decision": "approve"},
    }
    return bodies.get(name, {})


def sent(client: Client, method: str, name: str, owned: Owned) -> Any:
    """The answer to a request that would do something, if it were the owner's."""
    body = json.dumps(body_for(name, owned))
    return client.generic(method, owned.paths[name], body, "application/json")


def untouched(owned: Owned) -> bool:
    return (
        Document.objects.kept().filter(pk=owned.version.document_id).exists()
        and not Feedback.objects.exists()
        and Message.objects.count() == 2
        and Document.objects.count() == 1
        and Document.objects.get().space == owned.space
        and DocumentVersion.objects.count() == 1
        and PromotionRequest.objects.filter(state=RequestState.ASKED).count() == 1
        and Identity.objects.filter(pk=owned.identity.pk, user=owned.owner).exists()
    )


def names() -> list[str]:
    patterns = [p for p in (*console_urls, *api_urls) if isinstance(p, URLPattern)]
    assert len(patterns) == len(console_urls) + len(api_urls)
    return [str(pattern.pattern) for pattern in patterns]


def test_every_address_is_tried_here(owned: Owned) -> None:
    assert sorted(names()) == sorted(owned.paths)


@pytest.mark.parametrize("name", names())
def test_signed_out_everything_is_refused_without_a_redirect(owned: Owned, name: str) -> None:
    for method in METHODS:
        answer = sent(client_of(None), method, name, owned)
        assert answer.status_code in REFUSED | OPEN.get(name, set())
        assert SECRET.encode() not in read(answer)
        assert untouched(owned)
        if answer.status_code == 401 and method != "HEAD":
            assert "sign" in answer.json()["error"]


# Decided on by curators, who need not read what others ask for.
FOR_CURATORS = "promotions/<int:pk>/"


@pytest.mark.parametrize("role", [None, *Role.values])
@pytest.mark.parametrize(
    "name",
    [name for name in names() if "<" in name and name not in OPEN | JOBS and name != FOR_CURATORS],
)
def test_anothers_ids_are_refused_whatever_the_role(
    owned: Owned, name: str, role: str | None
) -> None:
    client = client_of(user(role=role))
    for method in METHODS:
        answer = sent(client, method, name, owned)
        assert answer.status_code in {404, 405}
        assert SECRET.encode() not in read(answer)
        assert untouched(owned)


@pytest.mark.parametrize("role", [None, *Role.values])
def test_lists_hold_nothing_of_anothers(owned: Owned, role: str | None) -> None:
    client = client_of(user(role=role))
    assert client.get("/documents/").json() == {"documents": [], "samples": 0}
    assert client.get("/conversations/").json() == {"conversations": []}
    assert SECRET.encode() not in client.get("/").content
    assert f"personal:home/{owned.owner.pk}".encode() not in client.get("/").content


# Questions are written by a thread of their own, which a test's transaction would lock out.
@pytest.mark.django_db(transaction=True)
def test_going_on_with_anothers_conversation_is_refused(owned: Owned) -> None:
    answer = client_of(user(role=Role.ADMIN)).post(
        "/ask/", body_for("ask/", owned), content_type="application/json"
    )
    assert answer.status_code == 400
    assert "isn't yours" in answer.json()["error"]
    assert untouched(owned)


def test_the_owner_is_let_in_to_all_of_it(owned: Owned) -> None:
    client, paths = client_of(owned.owner), owned.paths
    assert SECRET in client.get("/documents/").content.decode()
    assert SECRET in client.get("/conversations/").content.decode()
    assert SECRET in client.get(paths["conversations/<uuid:pk>/"]).content.decode()
    passage = client.get(paths["passages/<int:version>/<int:section>/"])
    assert (passage.status_code, passage.json()["text"]) == (200, TEXT[:10])
    thumb = paths["messages/<int:pk>/feedback/"]
    given = client.post(thumb, {"value": "up"}, content_type="application/json")
    assert given.status_code == 200
    assert client.delete(paths["documents/<uuid:pk>/"]).status_code == 204


def test_the_owner_sees_nothing_of_a_removed_document_any_more(owned: Owned) -> None:
    client, paths = client_of(owned.owner), owned.paths
    client.delete(paths["documents/<uuid:pk>/"])
    assert (
        client.get(paths["passages/<int:version>/<int:section>/"].split("?")[0]).status_code == 400
    )
    assert client.get(paths["conversations/<uuid:pk>/"]).json()["messages"][1]["erased"] is True
    assert client.get("/documents/").json()["documents"] == []


def test_a_passage_of_the_team_closes_with_the_membership(
    member: User, team: Space, add_text: AddText
) -> None:
    owned = owned_by(member, team, add_text)
    client, paths = client_of(member), owned.paths
    passage = paths["passages/<int:version>/<int:section>/"]
    assert client.get(passage).status_code == 200
    Membership.objects.all().delete()
    assert client.get(passage).status_code == 404
    shown = client.get(paths["conversations/<uuid:pk>/"]).json()["messages"]
    assert [message["erased"] for message in shown] == [True, True]
    assert SECRET not in json.dumps(shown)
    assert client.get("/documents/").json()["documents"] == []


@pytest.mark.parametrize("name", names())
def test_a_user_who_is_locked_out_counts_as_signed_out(owned: Owned, name: str) -> None:
    client = client_of(owned.owner)
    User.objects.filter(pk=owned.owner.pk).update(is_active=False)
    for method in METHODS:
        answer = sent(client, method, name, owned)
        assert answer.status_code in REFUSED | OPEN.get(name, set())
        assert SECRET.encode() not in read(answer)
    assert untouched(owned)


@pytest.mark.parametrize("name", [name for name in names() if name not in ("", "health/")])
def test_nothing_is_changed_without_the_csrf_token(owned: Owned, name: str) -> None:
    client = client_of(owned.owner, csrf=True)
    for method in ("POST", "DELETE", "PUT", "PATCH"):
        answer = sent(client, method, name, owned)
        assert answer.status_code == 403
    assert client.session.get("_auth_user_id") == str(owned.owner.pk)
    assert untouched(owned)


def test_the_pages_own_token_is_accepted(owned: Owned) -> None:
    client = client_of(owned.owner, csrf=True)
    client.get("/")
    token = client.cookies["csrftoken"].value
    path = owned.paths["documents/<uuid:pk>/"]
    assert client.delete(path, headers={"X-CSRFToken": token[::-1]}).status_code == 403
    assert client.delete(path, headers={"X-CSRFToken": token}).status_code == 204


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 404), (Role.MEMBER, 409), (Role.CURATOR, 204), (Role.ADMIN, 204)],
)
def test_curators_remove_the_teams_documents_and_members_do_not(
    role: str | None, status: int, team: Space, add_text: AddText
) -> None:
    document = add_text(TEXT).document
    client = client_of(user(role=role))
    assert client.delete(f"/documents/{document.pk}/").status_code == status
    assert Document.objects.kept().exists() is (status != 204)


@pytest.mark.parametrize(
    ("role", "left"), [(None, 1), (Role.MEMBER, 1), (Role.CURATOR, 0), (Role.ADMIN, 0)]
)
def test_curators_remove_the_samples_and_members_do_not(
    role: str | None, left: int, team: Space, add_text: AddText
) -> None:
    document = add_text(TEXT).document
    Document.objects.update(sample=True)
    answer = client_of(user(role=role)).delete("/documents/samples/")
    assert answer.status_code == (409 if role == Role.MEMBER else 204)
    assert Document.objects.kept().filter(pk=document.pk).count() == left


def upload(client: Client, space: str | None) -> int:
    data: dict[str, object] = {"file": SimpleUploadedFile("new.txt", b"New words.")}
    if space is not None:
        data["space"] = space
    return client.post("/documents/", data).status_code


@pytest.mark.parametrize(
    ("role", "team"), [(None, 409), (Role.MEMBER, 409), (Role.CURATOR, 201), (Role.ADMIN, 201)]
)
def test_a_file_goes_into_the_spaces_that_are_offered_only(role: str | None, team: int) -> None:
    who = user(role=role)
    at = installed()
    inside = channel(at)
    join(inside, known(at, of=who))
    client = client_of(who)
    assert upload(client, "team:home") == team
    for key in (
        space_of(user(role=Role.MEMBER)).key,
        space_of(channel(at)).key,
        space_of(inside).key,
        space_of(organisation("elsewhere")).key,
        space_of(who, organisation("elsewhere")).key,
        "team",
        "team:nowhere",
        "personal:home/",
        "nonsense",
        "x" * 1000,
        "\x00",
    ):
        assert upload(client, key) == 409, key
    assert not Space.objects.filter(key__in=("team", "team:nowhere", "nonsense")).exists()
    assert upload(client, None) == 201
    spaces = set(Document.objects.values_list("space__key", flat=True))
    assert spaces <= {"team:home", space_of(who).key}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{",
        b"[]",
        b'"up"',
        b"null",
        b"1",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"question": null}',
        b'{"question": ["a"]}',
        b'{"question": {"a": 1}}',
        b'{"question": ""}',
        b'{"question": "\\u0000"}',
        b'{"question": "hello", "conversation": "nonsense"}',
        b'{"question": "hello", "conversation": {"a": 1}}',
        b'{"question": "' + b"x" * 100_000 + b'"}',
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(
    member: User, sent: bytes
) -> None:
    answer = client_of(member).generic("POST", "/ask/", sent, "application/json")
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"[" * 100_000, 400),
        (b'{"value": "sideways"}', 400),
        (b'{"value": ["up"]}', 400),
        (b"null", 400),
        (b'{"value": "up", "reason": "\\ud800\\u0000 fine"}', 200),
        (b'{"value": "down", "reason": {"a": 1}}', 200),
        (b'{"value": "down", "reason": "' + b"x" * 10_000 + b'"}', 200),
    ],
)
def test_a_thumb_that_makes_no_sense_is_refused_and_its_words_are_cleaned(
    owned: Owned, sent: bytes, status: int
) -> None:
    path = owned.paths["messages/<int:pk>/feedback/"]
    answer = client_of(owned.owner).generic("POST", path, sent, "application/json")
    assert answer.status_code == status
    if status == 200:
        reason = Feedback.objects.get().reason
        assert "\x00" not in reason
        assert len(reason) <= 4_000


def test_a_thumb_on_a_question_is_refused(owned: Owned) -> None:
    path = f"/messages/{owned.question.pk}/feedback/"
    answer = client_of(owned.owner).post(path, {"value": "up"}, content_type="application/json")
    assert answer.status_code == 404


HUGE = "9" * 20


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/passages/{HUGE}/1/?start=0&end=1", 404),
        (f"/passages/1/{HUGE}/?start=0&end=1", 404),
        ("/passages/0/0/?start=0&end=1", 404),
        ("/passages/1/1/", 400),
        ("/passages/1/1/?start=a&end=b", 400),
        (f"/passages/1/1/?start=0&end={'9' * 5000}", 400),
        (f"/passages/1/1/?start=0&end={HUGE}", 404),
        ("/conversations/00000000-0000-0000-0000-000000000000/", 404),
        ("/conversations/nonsense/", 404),
    ],
)
def test_ids_that_do_not_exist_are_not_found(member: User, path: str, status: int) -> None:
    assert client_of(member).get(path).status_code == status


@pytest.mark.parametrize("span", ["start=-1&end=5", "start=5&end=1", "start=0&end=100000"])
def test_a_span_beyond_its_passage_is_not_found(owned: Owned, span: str) -> None:
    path = owned.paths["passages/<int:version>/<int:section>/"].split("?")[0]
    assert client_of(owned.owner).get(f"{path}?{span}").status_code == 404


def test_a_thumb_far_beyond_every_id_is_not_found(member: User) -> None:
    answer = client_of(member).post(
        f"/messages/{HUGE}/feedback/", {"value": "up"}, content_type="application/json"
    )
    assert answer.status_code == 404


def test_a_section_opens_with_its_own_version_only(owned: Owned, team: Space) -> None:
    section = owned.version.sections.get()
    client = client_of(owned.owner)
    path = f"/passages/{owned.version.pk + 1}/{section.pk}/?start=0&end=1"
    assert client.get(path).status_code == 404


def test_what_the_page_says_of_a_person_is_never_cached(owned: Owned) -> None:
    client = client_of(owned.owner)
    for path in ("/", "/documents/", "/conversations/", owned.paths["conversations/<uuid:pk>/"]):
        answer = client.get(path)
        assert "no-store" in answer["Cache-Control"], path
