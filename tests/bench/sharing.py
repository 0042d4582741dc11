"""How soon a file that was shared in Slack is answered from once its card says so, by every process
that answers: the bot and the web, beside a worker, over a space so large that each holds an index.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
from django.conf import settings

from tests.bench.bots import process, slack_settings
from tests.bench.table import Row, show
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Message

FILES = 20
PASSAGES, CHARACTERS = 2_500, 120
LINK = (
    "from backend.accounts.models import Identity; from backend.accounts.sign_in import link_for;"
    "print(link_for(Identity.objects.get(external_id={id!r}).user))"
)
Ask = Callable[[int], bool]


def measure() -> list[Row]:
    return show("A file that was shared in Slack", _rows())


def _rows() -> Iterator[Row]:
    with SlackSimulator() as slack, _askwell(slack) as environment:
        slack.wait(slack.sockets.live, timeout=60)
        _shared(slack, "meadow.txt", _meadow(), timeout=600)
        faces = {"the bot": _in_chat(slack), "the web": _on_page(slack, environment)}
        waits: dict[str, list[tuple[float, float]]] = {name: [] for name in faces}
        with ThreadPoolExecutor() as pool:
            for number in range(FILES):
                text = f"The password of gate {number} is quokka{number}."
                _shared(slack, f"gate {number}.txt", text.encode())
                shown = time.monotonic()
                asked = {
                    name: pool.submit(_until_answered, ask, number, shown)
                    for name, ask in faces.items()
                }
                for name, one in asked.items():
                    waits[name].append(one.result())
    for name, found in waits.items():
        whole = max(answered for _, answered in found)
        yield Row(
            f"s from a card until questions are answered from it, {name}",
            max(begun for begun, _ in found),
            at_most=1,
            detail=f"at most of {FILES} files; the answer was there after {whole:.2f} s",
        )


@contextmanager
def _askwell(slack: SlackSimulator) -> Iterator[dict[str, str]]:
    """Web, worker and bot over a store of their own; their environment."""
    with tempfile.TemporaryDirectory() as store, ExitStack() as running, socket.socket() as free:
        (Path(store) / "minilm-int8").symlink_to(settings.LOCAL_MODEL_DIR)
        free.bind(("127.0.0.1", 0))
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "DATA_DIR": store,
            "EMBEDDINGS": "local",
            "CHUNK_SIZE": str(CHARACTERS),
            "CHUNK_OVERLAP": "0",
            "PORT": str(free.getsockname()[1]),
            **slack_settings(slack),
        }
        free.close()
        _manage(environment, "migrate", "-v0")
        python = [sys.executable]
        web = ["-m", "uvicorn", "backend.asgi:application", "--port", environment["PORT"]]
        for command in (web, ["manage.py", "run_worker"], ["manage.py", "run_bot"]):
            running.enter_context(process(python + command, environment))
        yield environment


def _manage(environment: dict[str, str], *command: str) -> str:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _meadow() -> bytes:
    lines = (f"Flower {n} of the meadow. " + f"It has {n} petals. " * 9 for n in range(PASSAGES))
    return "\n\n".join(line[: CHARACTERS - 2] for line in lines).encode()


def _shared(slack: SlackSimulator, name: str, data: bytes, timeout: float = 60) -> None:
    """ana shares it with the bot alone; waits until the card says that it can be searched."""
    said = slack.upload("ana", slack.dm_of("ana"), name, data)
    slack.wait(lambda: any("searchable by" in text for text in _answers(slack, said)), timeout)


def _answers(slack: SlackSimulator, said: Message) -> list[str]:
    return [json.dumps(message.blocks) + message.text for message in slack.answers(said)]


def _in_chat(slack: SlackSimulator) -> Ask:
    def ask(number: int) -> bool:
        said = slack.dm("ana", f"What is the password of gate {number}?")
        slack.wait(lambda: any("actions" in text for text in _answers(slack, said)), timeout=60)
        return any(f"quokka{number}." in text for text in _answers(slack, said))

    return ask


def _on_page(slack: SlackSimulator, environment: dict[str, str]) -> Ask:
    """ana, signed in."""
    link = _manage(
        environment, "shell", "-v0", "-c", LINK.format(id=slack.core.world.user("ana").id)
    ).strip()
    client = httpx2.Client(timeout=60, follow_redirects=True)
    client.get(link).raise_for_status()

    def ask(number: int) -> bool:
        answer = client.post(
            link.partition("/sign-in/")[0] + "/ask/",
            json={"question": f"What is the password of gate {number}?"},
            headers={"X-CSRFToken": client.cookies["csrftoken"]},
        )
        answer.raise_for_status()
        return f"quokka{number}." in answer.text

    return ask


def _until_answered(ask: Ask, number: int, shown: float) -> tuple[float, float]:
    """Seconds from when the card was shown to the question that was answered from the file, and
    to that answer."""
    while True:
        begun = time.monotonic()
        if ask(number):
            return begun - shown, time.monotonic() - shown
        assert begun - shown < 60, "It is not found at all."
