"""Processes that are killed: `python -m tests.knowledge.crashing` forks one for each order.

An order is a line of JSON: {"do": ROLE, "out": FILE, "die_at": STEP, …}. A step is what lies before
or after an SQL statement, and what lies before a file below DATA_DIR is opened for writing, renamed
or deleted; at the step `die_at` the process kills itself. The answer is its process id. The order
{"wait": PID} is answered with its exit status; -9 is a kill.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Q  # noqa: E402
from django.db.models.functions import Now  # noqa: E402

from backend.accounts.spaces import home, space_for, team_key  # noqa: E402
from backend.chat.removal import remove, sweep_removed  # noqa: E402
from backend.ingesting import work_on_next  # noqa: E402
from backend.library.versions import bring_back, remove_version  # noqa: E402
from knowledge import reading  # noqa: E402
from knowledge.embedding import EMBEDDERS, choose_model  # noqa: E402
from knowledge.errors import FileRefused  # noqa: E402
from knowledge.index import loading, ranking  # noqa: E402, F401
from knowledge.index.cache import IndexCache  # noqa: E402
from knowledge.index.space_index import SpaceIndex  # noqa: E402
from knowledge.ingestion import add_document  # noqa: E402
from knowledge.missing_vectors import missing  # noqa: E402
from knowledge.models import (  # noqa: E402
    Chunk,
    Chunking,
    Document,
    DocumentVersion,
    Embedding,
    Section,
    Space,
    Store,
)
from knowledge.moving import move_document  # noqa: E402
from knowledge.publishing import discard_failed  # noqa: E402
from knowledge.reembedding import begin, progress, reembed_step, roll_back  # noqa: E402
from knowledge.retrieval import search  # noqa: E402
from tests.knowledge.fake_embedder import DOTTED, OTHER, FakeEmbedder  # noqa: E402
from tests.knowledge.truth import held, published  # noqa: E402

EMBEDDERS["local"], EMBEDDERS["gemini"] = DOTTED, OTHER
settings.GEMINI_BASE_URL = "http://127.0.0.1:9"  # so that it counts as configured
settings.EMBEDDINGS = "local"
loading.SNAPSHOT_CHUNKS = 3
reading.CHARACTERS = 300

Order = dict[str, Any]


def migrate(order: Order) -> None:
    call_command("migrate", verbosity=0)
    space_for(team_key(home()))


def add(order: Order) -> None:
    space = space_for(team_key(home()))
    add_document(space, order["name"], order["text"].encode(), origin=order["name"])


def bring(order: Order) -> dict[str, Any]:
    """A file of any kind: the version that it became, or why it was refused at once."""
    space, data = space_for(team_key(home())), Path(order["path"]).read_bytes()
    try:
        return {"version": add_document(space, order["name"], data).version.pk}
    except FileRefused as error:
        return {"reason": str(error)}


def run_worker(order: Order) -> None:
    """The process itself, which ends at a signal; no model describes pictures to it."""
    settings.GEMINI_BASE_URL = ""
    call_command("run_worker")


def hand_over(order: Order) -> None:
    add_document(space_for(order["space"]), order["name"], order["text"].encode())


def give(order: Order) -> None:
    """All of one space's documents to the team."""
    for document in Document.objects.kept().filter(space__key=order["space"]):
        move_document(document, space_for(team_key(home())))


def go_back(order: Order) -> None:
    """To some other version of the document."""
    document = Document.objects.kept().get(name=order["name"])
    others = document.versions.filter(state="ready").exclude(pk=document.current_id or 0)
    if others:
        bring_back(others[0], None)


def take_back(order: Order) -> None:
    document = Document.objects.kept().get(name=order["name"])
    remove_version(document.versions.get(pk=document.current_id or 0))


def work(order: Order) -> None:
    if poison := order.get("poison"):
        FakeEmbedder.before = lambda texts: _die() if poison in "".join(texts) else None
    while work_on_next():
        pass
    sweep_removed()


def take_away(order: Order) -> None:
    remove(Document.objects.kept().get(name=order["name"]))


def change(order: Order) -> None:
    begin("gemini") if order["to"] == "gemini" else roll_back()


def reembed(order: Order) -> None:
    """Whatever is left of a change of the embedding model."""
    while progress() is not None:
        reembed_step()


def vectors(order: Order) -> dict[str, Any]:
    """The active model, what lacks its vectors, and the models that there are vectors of."""
    store = Store.objects.select_related("embedding_model").get(pk=1)
    spaces, model = list(Space.objects.all()), store.embedding_model
    assert model is not None
    return {
        "active": model.name,
        "next": store.next_model_id,
        "swapped": Space.objects.exclude(swapped_to=None).count(),
        "missing": sum(missing(space, model).count() for space in spaces),
        "models": sorted(set(Embedding.objects.values_list("model__name", flat=True))),
        "found": [[p.text, round(p.score, 5)] for p in search(order["text"], spaces, 5)],
    }


def look(order: Order) -> None:
    search(order["text"], [space_for(team_key(home()))], 5)


def follow(order: Order) -> None:
    """A process that searches on and on. Whenever the file `ask` appears it says in `told` what its
    indexes hold."""
    cache, ask, told = IndexCache(), Path(order["ask"]), Path(order["told"])
    while True:
        if ask.exists():
            new = told.with_suffix(".new")
            new.write_text(json.dumps(_views(cache)))
            ask.unlink()
            new.rename(told)
        time.sleep(0.005)


def _views(cache: IndexCache) -> dict[str, Any]:
    """By space the revision, and the ids of what is found."""
    indexes = {s.key: cache.at_revision_of(s, choose_model()) for s in Space.objects.all()}
    return {key: [index.revision, sorted(held(index))] for key, index in indexes.items()}


def expire(order: Order) -> None:
    """As if the leases of the dead had run out."""
    DocumentVersion.objects.filter(state="claimed").update(lease_until=Now())


def settle(order: Order) -> dict[str, Any]:
    """What a worker does after a crash; then what there is, and what is wrong with it."""
    expire(order)
    work({})
    discard_failed()
    return {
        "documents": _documents(),
        "problems": list(_problems(order.get("removed", []))),
        "views": _views(IndexCache()),
    }


def _documents() -> dict[str, Any]:
    """By name the team's, others by space and name."""
    state = {}
    for document in Document.objects.kept().select_related("current", "space"):
        latest = document.versions.exclude(state="removed").latest("number")
        sections = Section.objects.filter(version=document.current).order_by("position")
        inside = document.space == space_for(team_key(home()))
        state[document.name if inside else f"{document.space.key}/{document.name}"] = {
            "state": latest.state,
            "reason": latest.reason,
            "attempts": latest.attempts,
            "text": "".join(section.text for section in sections),
            "current": document.current == latest,
        }
    return state


def _problems(removed: list[str]) -> "list[str]":
    wrong = [problem for space in Space.objects.all() for problem in _of_index(space)]
    if Chunking.objects.filter(published_revision=None).exists():
        rows = Chunking.objects.filter(published_revision=None).values(
            "pk", "version__state", "version__number", "version__document__removed_at"
        )
        wrong.append(f"half-ingested: {list(rows)}")
    gone = DocumentVersion.objects.filter(
        Q(state="removed") | Q(document__removed_at__isnull=False)
    )
    if Chunk.objects.filter(chunking__version__in=gone).exists():
        wrong.append("chunks of a removed document are left")
    if Section.objects.filter(version__in=gone).exists():
        wrong.append("text of a removed document is left")
    for word in removed:
        if any(word in passage.text for passage in search(word, list(Space.objects.all()), 5)):
            wrong.append(f"{word} was removed and is found")
        if any(word.encode() in path.read_bytes() for path in _snapshots()):
            wrong.append(f"{word} was removed and lies in a snapshot")
    for version in DocumentVersion.objects.filter(state="ready", document__removed_at=None):
        positions = list(version.sections.values_list("position", flat=True))
        if not positions or positions != list(range(len(positions))):
            wrong.append(f"text of {version} is missing: there are {positions}")
    for version in DocumentVersion.objects.exclude(original=""):
        if not version.original.storage.exists(str(version.original)):
            wrong.append(f"the original of {version} is missing")
    for chunking in Chunking.objects.filter(pk__in=Chunk.objects.values("chunking")):
        if chunking.chunks.count() != chunking.passages:
            wrong.append(f"{chunking} lacks chunks")
    return wrong


def _of_index(space: Space) -> Iterator[str]:
    model = choose_model()
    from_snapshot = IndexCache().at_revision_of(space, model)
    from_rows = loading.advance(SpaceIndex(0), space, model)
    if not held(from_snapshot) == held(from_rows) == published(space):
        yield f"the index of {space} is not what the database says"
    if not from_snapshot.revision == from_rows.revision == space.revision:
        yield f"the index of {space} is at another revision"


def _snapshots() -> list[Path]:
    folder = Path(settings.SNAPSHOT_DIR)
    return list(folder.iterdir()) if folder.exists() else []


ROLES: dict[str, Callable[[Order], Any]] = {
    role.__name__: role
    for role in (
        migrate,
        add,
        bring,
        run_worker,
        hand_over,
        give,
        go_back,
        take_back,
        work,
        take_away,
        look,
        follow,
        expire,
        settle,
        change,
        reembed,
        vectors,
    )
}


class Steps:
    """Counts the steps of this process, and kills it at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self.count = 0
        self._die_at = die_at

    def watching(self) -> AbstractContextManager[None]:
        sys.addaudithook(self._file)
        return connection.execute_wrapper(self._statement)

    def _statement(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self._step()
        result = execute(*arguments)
        self._step()
        return result

    def _file(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[2], int) and not arguments[2] & 3:
            return  # it only reads
        if event in ("open", "os.rename", "os.remove") and _in_store(arguments[0]):
            self._step()

    def _step(self) -> None:
        self.count += 1
        if self.count == self._die_at:
            _die()


def _in_store(path: object) -> bool:
    return str(path).startswith(str(settings.DATA_DIR))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def be(order: Order) -> None:
    """Carry out the order in this process."""
    steps = Steps(order.get("die_at"))
    with steps.watching():
        result = ROLES[order["do"]](order)
    Path(order["out"]).write_text(json.dumps({"steps": steps.count, "result": result}))


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        elif pid := os.fork():
            print(pid, flush=True)
        else:
            code = 1
            try:
                be(order)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)


if __name__ == "__main__":
    main()
