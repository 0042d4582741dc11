"""What the store that a backup replaces has recorded since. It may be damaged: each part is read
as far as it goes."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.utils import timezone

from bot.incoming import Key
from bot.restored import Later

Row = TypeVar("Row")
# What SQLite says of a damaged file may quote it, and then be no text.
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)

# Each by its table alone, whatever is damaged beside it.
SPACES = "SELECT id, key FROM knowledge_space NOT INDEXED"
REMOVED = (
    "SELECT id, space_id, name, origin, sample, removed_at FROM knowledge_document NOT INDEXED "
    "WHERE removed_at IS NOT NULL"
)
VERSIONS = (
    "SELECT document_id, number, created_at FROM knowledge_documentversion NOT INDEXED "
    "WHERE state = 'removed'"
)
FORGOTTEN = "SELECT sha256, at FROM accounts_forgotten NOT INDEXED"
ITEMS = "SELECT platform, installation, channel, message FROM bot_inboxitem AS i NOT INDEXED WHERE "
# Notices go by the numbers of rows, which are given out anew.
SAID = "kind IN ('question', 'file')"
WAITING = "NOT settled AND NOT EXISTS (SELECT 1 FROM bot_replypart p WHERE p.item_id = i.id)"
MARKS = "SELECT platform, installation, channel, read_until FROM bot_readmark NOT INDEXED"
DONE = "SELECT job, at, began_at, ended_at, did FROM jobs_slot NOT INDEXED WHERE state = 'done'"


@dataclass(frozen=True)
class Removed:
    """A document that was removed; `space` is the key of its space, empty where that is lost."""

    pk: UUID
    space: str
    name: str
    origin: str
    sample: bool
    removed_at: datetime


@dataclass(frozen=True)
class Done:
    """A job that was done: when it was due, when it began and ended, what it did."""

    job: str
    at: datetime
    began_at: datetime
    ended_at: datetime
    did: str


@dataclass(frozen=True)
class Replaced:
    """What the replaced store recorded. `later` is None where it is not a later state of the
    store that was backed up."""

    documents: Sequence[Removed]
    # Versions that were removed by themselves: document, number and when each was made.
    versions: Sequence[tuple[UUID, int, datetime]]
    # Hashes of who was forgotten, and when.
    forgotten: Sequence[tuple[str, datetime]]
    later: Later | None
    done: Sequence[Done]
    # What of it could not be read, or not all of it: names of the fields above.
    unread: Sequence[str]


def born(rows: sqlite3.Connection) -> str:
    """When the store was made: kept by its backups, and another one's differs."""
    first = "SELECT min(applied) FROM django_migrations"
    return str(rows.execute(first).fetchone()[0])


def read_replaced(path: Path, backed_up: str) -> Replaced | None:
    """What the store at `path` says of what happened since; None where there is none."""
    if not path.exists():
        return None
    with closing(sqlite3.connect(path)) as rows:
        # What is no text is then found where it is used.
        rows.text_factory = lambda data: data.decode(errors="surrogateescape")
        return _Reading(rows).all_since(backed_up)


class _Reading:
    """Reads a store, and keeps the names of what can't be read."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows
        self._unread: dict[str, None] = {}

    def all_since(self, backed_up: str) -> Replaced:
        same = self._same(backed_up)
        return Replaced(
            self._documents(),
            self._read("versions", VERSIONS, _version),
            self._read("forgotten", FORGOTTEN, lambda sha256, at: (_text(sha256), _moment(at))),
            self._inbox() if same else None,
            self._read("done", DONE, _done) if same else (),
            tuple(self._unread),
        )

    def _same(self, backed_up: str) -> bool:
        try:
            return born(self._rows) == backed_up
        except UNREADABLE:
            return False

    def _documents(self) -> list[Removed]:
        spaces = dict(self._read("documents", SPACES, lambda pk, key: (pk, _text(key))))

        def removed(pk: Any, space: Any, name: Any, origin: Any, sample: Any, at: Any) -> Removed:
            texts = spaces.get(space, ""), _text(name), _text(origin)
            return Removed(UUID(_text(pk)), *texts, bool(sample), _moment(at))

        return self._read("documents", REMOVED, removed)

    def _inbox(self) -> Later:
        known = self._read("later", f"{ITEMS}{SAID}", _key)
        void = self._read("later", f"{ITEMS}{SAID} AND state = 'void'", _key)
        waiting = self._read("later", f"{ITEMS}{WAITING}", _key)
        marks = self._read("later", MARKS, lambda *mark: tuple(map(_text, mark)))
        if "later" in self._unread:  # what of it was answered is not known
            return Later(known, void, waiting=(), marks=())
        return Later(known, void, waiting, marks)

    def _read(self, part: str, sql: str, parse: Callable[..., Row]) -> list[Row]:
        """The rows that can be read."""
        found = list[Row]()
        try:
            for row in self._rows.execute(sql):
                try:
                    found.append(parse(*row))
                except (ValueError, TypeError):
                    self._unread[part] = None
        except UNREADABLE:  # the rest of the table is damaged, or it is older than the table
            self._unread[part] = None
        return found


def _version(document: Any, number: Any, made: Any) -> tuple[UUID, int, datetime]:
    if not isinstance(number, int):
        raise TypeError(number)
    return UUID(_text(document)), number, _moment(made)


def _key(*names: Any) -> Key:
    return Key(*map(_text, names))


def _done(job: Any, at: Any, began_at: Any, ended_at: Any, did: Any) -> Done:
    return Done(_text(job), _moment(at), _moment(began_at), _moment(ended_at), _text(did))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    value.encode()  # raises ValueError
    return value


def _moment(stamp: Any) -> datetime:
    """A time as SQLite keeps it."""
    return timezone.make_aware(datetime.fromisoformat(stamp))
