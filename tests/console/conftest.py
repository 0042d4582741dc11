"""A running Askwell with the sample documents, and a browser that is signed in to it.

Playwright keeps an event loop running, in which no asynchronous test can run: so all of this
ends with the module.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def askwell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The processes of `make run` over a store of their own; the address and the link in."""
    folder = tmp_path_factory.mktemp("askwell")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shutil.copytree(settings.LOCAL_MODEL_DIR, folder / "minilm-int8")
    environment = {
        **os.environ,
        "DATA_DIR": str(folder),
        "PORT": port,
        "DJANGO_SETTINGS_MODULE": "backend.settings",
    }
    options: dict[str, Any] = {"cwd": settings.BASE_DIR, "env": environment}
    prepared = subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        capture_output=True,
        text=True,
        check=True,
        **options,
    )
    link = re.search(r"http://\S+/sign-in/\S+", prepared.stdout)
    assert link is not None
    with (folder / "log").open("w") as log:
        processes = [
            subprocess.Popen([sys.executable, *command], stderr=log, stdout=log, **options)
            for command in (
                ["-m", "uvicorn", "backend.asgi:application", "--port", port, "--no-access-log"],
                ["manage.py", "run_worker"],
            )
        ]
        address = f"http://127.0.0.1:{port}"
        _wait_for(f"{address}/api/health/")
        yield {"address": address, "link": link[0], "log": str(folder / "log"), "data": str(folder)}
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(
    askwell: dict[str, str], browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The browser state of someone who opened the printed link."""
    state = tmp_path_factory.mktemp("state") / "state.json"
    page = browser.new_page()
    page.goto(askwell["link"])
    page.wait_for_selector("#question")
    page.context.storage_state(path=state)
    page.context.close()
    return state


@pytest.fixture
def member_link(askwell: dict[str, str]) -> str:
    """The link in for a member of the team, who may not change the team's documents."""
    printed = ""
    for command in (["sign_in_link", "mia@example.org"], ["role", "mia@example.org", "member"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            capture_output=True,
            text=True,
            check=True,
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DATA_DIR": askwell["data"],
                "PORT": askwell["address"].rpartition(":")[2],
                "DJANGO_SETTINGS_MODULE": "backend.settings",
            },
        )
        printed += done.stdout
    link = re.search(r"http://\S+/sign-in/\S+", printed)
    assert link is not None, printed
    return link[0]


@pytest.fixture
def page(askwell: dict[str, str], browser: Browser, signed_in: Path) -> Iterator[Page]:
    """The page, signed in. A script error or a broken content policy fails the test."""
    context = browser.new_context(
        storage_state=signed_in,
        viewport={"width": 1280, "height": 800},
        base_url=askwell["address"],
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    page.goto("/")
    page.wait_for_selector("#documents .document")
    yield page
    context.close()
    assert faults == []


def _wait_for(address: str) -> None:
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            if httpx2.get(address).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"{address} did not answer within 30 s")
