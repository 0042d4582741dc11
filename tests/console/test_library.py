"""Versions, originals and promotion on the page, over its addresses."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from backend.accounts.models import Membership, Role, Standing, User
from backend.accounts.people import installation_of, record_person
from backend.accounts.spaces import home, space_for, team_key
from backend.chat.removal import remove
from backend.console.history import name_to_save
from backend.ingesting import finish
from backend.library.bringing import bring
from backend.library.models import PromotionRequest
from backend.library.versions import remove_version
from knowledge.models import Document, DocumentVersion, Space
from tests.backend.people import channel, installed, join, known, space_of, user
from tests.conftest import AddText

pytestmark = pytest.mark.django_db(transaction=True)

# Something for everybody: a PDF, an HTML page and a picture that would run a script.
POLYGLOT = (
    b"%PDF-1.4\n<html><body><script>alert(document.cookie)</script>"
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"></svg></body></html>\n%%EOF'
)


def client_of(who: User) -> Client:
    client = Client()
    client.force_login(who)
    return client


def body(answer: Any) -> bytes:
    async def collected(pieces: AsyncIterator[bytes]) -> bytes:
        return b"".join([piece async for piece in pieces])

    return async_to_sync(collected)(answer.streaming_content)


def brought(who: User, data: bytes, name: str = "notes.txt", space: Space | None = None) -> Any:
    return finish(bring(space or space_of(who), name, data, who).version)


def original(version: DocumentVersion) -> str:
    return f"/documents/{version.document_id}/versions/{version.number}/original/"


@pytest.mark.parametrize("name", ["report.pdf", "page.html.pdf", "picture.svg.txt", "a.xhtml.md"])
def test_an_original_is_a_file_to_be_saved_whatever_it_is(member: User, name: str) -> None:
    version = bring(space_of(member), name, POLYGLOT, member).version
    answer = client_of(member).get(original(version))
    assert answer.status_code == 200
    assert body(answer) == POLYGLOT
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="{name}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Length"] == str(len(POLYGLOT))
    assert "no-store" in answer["Cache-Control"] and "private" in answer["Cache-Control"]
    assert Path(version.original.path).name not in repr(answer.headers)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('a"; filename="evil.html".txt', 'filename="a\\"; filename=\\"evil.html\\".txt"'),
        ("a\r\nSet-Cookie: x=y.txt", 'filename="a Set-Cookie: x=y.txt"'),
        ("report\u202efdp.txt", 'filename="reportfdp.txt"'),
        ("Größe 北.txt", "filename*=utf-8''Gr%C3%B6%C3%9Fe%20%E5%8C%97.txt"),
        ("../../etc/passwd.txt", 'filename="passwd.txt"'),
        ("back\\slash.txt", 'filename="slash.txt"'),
    ],
)
def test_a_name_does_not_break_out_of_its_header(member: User, name: str, sent: str) -> None:
    version = bring(space_of(member), name, b"Words.", member).version
    answer = client_of(member).get(original(version))
    assert body(answer) == b"Words."
    assert answer["Content-Disposition"] == f"attachment; {sent}"
    assert "Set-Cookie" not in answer.headers


def test_a_name_of_nothing_but_invisible_marks_is_a_document() -> None:
    assert name_to_save("\u202e\u200b") == "document"


def test_each_version_has_its_own_original(member: User) -> None:
    first, second = brought(member, b"One."), brought(member, b"Two.")
    client = client_of(member)
    assert body(client.get(original(first))) == b"One."
    assert body(client.get(original(second))) == b"Two."


def test_an_original_closes_with_the_right_to_read_it(member: User, team: Space) -> None:
    version = brought(member, b"Words.", space=team)
    client = client_of(member)
    assert body(client.get(original(version))) == b"Words."
    Membership.objects.all().delete()
    assert client.get(original(version)).status_code == 404


def test_what_is_removed_or_missing_is_not_found(member: User) -> None:
    first, second, third = (brought(member, data) for data in (b"One.", b"Two.", b"Three."))
    client = client_of(member)
    remove_version(first)
    assert client.get(original(first)).status_code == 404
    Path(second.original.path).unlink()
    missing = client.get(original(second))
    assert (missing.status_code, missing.json()["error"]) == (
        404,
        "The stored original is missing.",
    )
    assert client.get(original(third).replace("/3/", "/9/")).status_code == 404
    remove(third.document)
    assert client.get(original(third)).status_code == 404


def test_a_large_original_comes_in_pieces(member: User) -> None:
    data = b"many words " * 100_000
    version = bring(space_of(member), "large.txt", data, member).version
    answer: Any = client_of(member).get(original(version))
    sizes: list[int] = []

    async def measure() -> None:
        sizes.extend([len(piece) async for piece in answer.streaming_content])

    async_to_sync(measure)()
    assert sum(sizes) == len(data) and max(sizes) <= 256 * 1024


def test_the_history_names_who_brought_what_to_the_team_only(member: User) -> None:
    at = installed()
    where = channel(at)
    guest = user()
    join(where, known(at, of=member))
    join(where, known(at, Standing.GUEST, of=guest))
    version = brought(member, b"One.", space=space_of(where))
    brought(member, b"Two.", space=space_of(where))
    path = f"/documents/{version.document_id}/versions/"

    def listed(who: User) -> list[tuple[int, str | None, bool]]:
        rows = client_of(who).get(path).json()["versions"]
        return [(row["number"], row["by"], row["current"]) for row in rows]

    assert listed(member) == [(2, "you", True), (1, "you", False)]
    assert listed(guest) == [(2, None, True), (1, None, False)]
    colleague = user(role=Role.MEMBER)
    join(where, known(at, of=colleague))
    assert listed(colleague) == [(2, member.email, True), (1, member.email, False)]


def test_whom_only_a_platform_knows_is_named_as_there(member: User, team: Space) -> None:
    ana = record_person(installation_of("slack", "T1"), "U1", Standing.TEAM)
    version = brought(ana.user, b"One.", space=team)
    (row,) = client_of(member).get(f"/documents/{version.document_id}/versions/").json()["versions"]
    assert row["by"] == "U1 on Slack"


def test_one_goes_back_to_an_earlier_version(member: User) -> None:
    first, _ = brought(member, b"One."), brought(member, b"Two.")
    client = client_of(member)
    path = f"/documents/{first.document_id}/versions/1/restore/"
    assert client.post(path).json() == {"number": 3}
    finish(DocumentVersion.objects.get(number=3))
    rows = client.get(f"/documents/{first.document_id}/versions/").json()["versions"]
    assert [(row["number"], row["restores"], row["current"]) for row in rows] == [
        (3, 1, True),
        (2, None, False),
        (1, None, False),
    ]
    refused = client.post(path.replace("/1/", "/3/"))
    assert (refused.status_code, refused.json()["error"]) == (
        409,
        "This is what the document shows already.",
    )


def test_members_do_not_go_back_in_the_teams_documents(member: User, team: Space) -> None:
    version = brought(member, b"One.", space=team)
    brought(member, b"Two.", space=team)
    answer = client_of(member).post(f"/documents/{version.document_id}/versions/1/restore/")
    assert answer.status_code == 409
    assert Document.objects.get().versions.count() == 2


def offered(who: User) -> str | None:
    """How the page offers to make the only document the team's."""
    (row,) = client_of(who).get("/documents/").json()["documents"]
    offer: str | None = row["promotion"]
    return offer


def test_a_member_asks_and_a_curator_approves(member: User) -> None:
    curator = user(role=Role.CURATOR)
    version = brought(member, b"Words.")
    path = f"/documents/{version.document_id}/promotion/"
    assert offered(member) == "ask"
    assert client_of(member).post(path).json() == {"outcome": "asked"}
    assert offered(member) == "asked"
    assert client_of(member).get("/promotions/").json() == {"requests": []}
    (row,) = client_of(curator).get("/promotions/").json()["requests"]
    assert (row["document"], row["by"], row["replaces"]) == ("notes.txt", member.email, False)
    decision = {"decision": "approve"}
    answer = client_of(curator).post(
        f"/promotions/{row['id']}/", decision, content_type="application/json"
    )
    assert answer.status_code == 204
    assert Document.objects.get().space.key == team_key(home())
    assert (offered(member), offered(curator)) == (None, None)
    assert client_of(curator).get("/promotions/").json() == {"requests": []}


def test_a_curator_gives_their_own_to_the_team_at_once_and_a_guest_nothing() -> None:
    for who, offer, status in ((user(role=Role.CURATOR), "promote", 200), (user(), None, 409)):
        version = brought(who, b"Words of their own.")
        assert offered(who) == offer
        answer = client_of(who).post(f"/documents/{version.document_id}/promotion/")
        assert answer.status_code == status
        remove(version.document)


def test_a_curator_is_told_when_a_document_of_the_teams_would_be_replaced(
    member: User, add_text: AddText
) -> None:
    add_text("Other words.", "notes.txt")
    version = brought(member, b"Words.")
    client_of(member).post(f"/documents/{version.document_id}/promotion/")
    (row,) = client_of(user(role=Role.ADMIN)).get("/promotions/").json()["requests"]
    assert row["replaces"] is True


def test_a_curator_replaces_nothing_of_the_teams_unasked(add_text: AddText) -> None:
    curator = user(role=Role.CURATOR)
    add_text("Other words.", "notes.txt")
    path = f"/documents/{brought(curator, b'Words.').document_id}/promotion/"
    assert client_of(curator).post(path).json() == {"outcome": "namesake"}
    assert Document.objects.kept().count() == 2
    answer = client_of(curator).post(path, {"replace": True}, content_type="application/json")
    assert answer.json() == {"outcome": "replaced"}
    assert Document.objects.kept().count() == 1


@pytest.mark.parametrize("role", [None, Role.MEMBER])
def test_only_curators_decide(member: User, role: str | None) -> None:
    version = brought(member, b"Words.")
    client_of(member).post(f"/documents/{version.document_id}/promotion/")
    request = PromotionRequest.objects.get()
    for who in (member, user(role=role)):
        for decision in ("approve", "decline"):
            answer = client_of(who).post(
                f"/promotions/{request.pk}/",
                {"decision": decision},
                content_type="application/json",
            )
            assert answer.status_code == 409
    request.refresh_from_db()
    assert request.state == "asked"


@pytest.mark.parametrize("sent", [b"", b"null", b'{"decision": "both"}', b'{"decision": ["a"]}'])
def test_a_decision_that_makes_no_sense_is_refused(admin: User, sent: bytes) -> None:
    answer = client_of(admin).generic("POST", "/promotions/1/", sent, "application/json")
    assert (answer.status_code, "approved or declined" in answer.json()["error"]) == (400, True)


def test_an_old_passage_says_that_the_document_has_changed(member: User) -> None:
    first = brought(member, b"The ferry leaves at ten.")
    section = first.sections.get()
    path = f"/passages/{first.pk}/{section.pk}/?start=0&end=9"
    client = client_of(member)
    assert [client.get(path).json()[key] for key in ("version", "current")] == [1, 1]
    brought(member, b"The ferry leaves at eleven.")
    shown = client.get(path).json()
    assert (shown["text"], shown["version"], shown["current"]) == ("The ferry", 1, 2)
    remove_version(first)
    assert client.get(path).status_code == 404


def test_the_list_tells_how_far_reading_is(member: User) -> None:
    bring(space_of(member), "notes.txt", b"Words.", member)
    DocumentVersion.objects.update(pages=12, pages_done=3, notice="Two pictures were left out.")
    (row,) = client_of(member).get("/documents/").json()["documents"]
    assert (row["pages"], row["pages_done"]) == (12, 3)
    assert row["notice"] == "Two pictures were left out."


def test_what_is_dropped_on_the_page_is_of_who_dropped_it(member: User) -> None:
    client_of(member).post("/documents/", {"file": SimpleUploadedFile("new.txt", b"New words.")})
    assert DocumentVersion.objects.get().contribution.user == member
    assert space_for(team_key(home())).documents.count() == 0
