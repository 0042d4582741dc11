"""What tests of backups put into stores, and see in them."""

import hashlib
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import connection

from backend.accounts.audience import Place
from backend.accounts.models import Identity, Membership, User
from backend.accounts.people import installation_of
from backend.accounts.spaces import home, team_key
from backend.ingesting import finish
from bot.incoming import Key, Said
from knowledge.ingestion import add_document
from knowledge.models import Document, DocumentVersion, Space
from knowledge.retrieval import search
from management.backing_up import counts_in
from management.errors import StoreError
from management.restoring import restore

TEXTS = {
    "heron.txt": "The heron eats fish and waits by the river.",
    "badger.txt": "The badger digs at night and sleeps by day.",
    "otter.txt": "The otter swims in the river and plays with stones.",
}


def put(space: Space, text: str, name: str) -> Document:
    version = finish(add_document(space, name, text.encode()).version)
    assert version.state == "ready", version.reason
    return version.document


def found(query: str) -> list[tuple[str, str, float]]:
    passages = search(query, list(Space.objects.filter(key=team_key(home()))), 5)
    return [(p.document, p.text, round(p.score, 6)) for p in passages]


def originals() -> dict[str, str]:
    """The hash of each original that the store names, and nothing lies beside them."""
    names = set(DocumentVersion.objects.exclude(original="").values_list("original", flat=True))
    root = Path(configured.MEDIA_ROOT)
    lying = {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}
    assert lying == names
    return {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in names}


def counts() -> dict[str, int]:
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as rows:
        return counts_in(rows)


def wipe(folder: Path) -> None:
    connection.close()
    for path in folder.iterdir():
        if path.name != "backups":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def person(external_id: str) -> Place:
    installation = installation_of("slack", "T1")
    user = User.objects.create(email=f"{external_id}@slack.invalid")
    Membership.objects.create(user=user, workspace=home())
    identity = Identity.objects.create(
        installation=installation, external_id=external_id, user=user, standing="team"
    )
    return Place(home(), user=user, identity=identity)


def said(message: str, text: str = "What does the heron eat?") -> Said:
    return Said(Key("slack", "T1", "C1", message), sender="U1", text=text)


def without_room(folder: Path, action: Callable[[], object]) -> StoreError:
    """What the action raises in a process that may not write more than a little."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(StoreError) as raised:
            action()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return raised.value


def refused(bad: Path, data: Path, error: type[StoreError]) -> None:
    before = counts(), originals(), found("heron river")
    connection.close()
    with pytest.raises(error) as raised:
        restore(bad)
    assert "\n" not in str(raised.value)
    assert (counts(), originals(), found("heron river")) == before
    assert not list(data.glob(".restoring-*"))
    assert not (data.parent / "evil").exists()
