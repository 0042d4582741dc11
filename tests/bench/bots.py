"""The bot as a process of its own, over a store with one document."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.slack.simulator import SlackSimulator


def slack_settings(slack: SlackSimulator) -> dict[str, str]:
    return {
        "SLACK_API_URL": slack.url,
        "SLACK_BOT_TOKEN": slack.app.bot_token,
        "SLACK_APP_TOKEN": slack.app.app_token,
    }


def discord_settings(discord: DiscordSimulator) -> dict[str, str]:
    return {
        "DISCORD_API_URL": discord.api_url,
        "DISCORD_GATEWAY_URL": discord.gateway_url,
        "DISCORD_TOKEN": discord.token,
    }


@contextmanager
def running(
    gemini: GeminiSimulator, platforms: dict[str, str], *commands: list[str]
) -> Iterator[int]:
    """The process id of `run_bot` with these settings, after these commands of manage.py."""
    with tempfile.TemporaryDirectory() as store:
        (Path(store) / "minilm-int8").symlink_to(settings.LOCAL_MODEL_DIR)
        document = Path(store) / "offices.txt"
        document.write_text("The office in Lisbon opens at nine o'clock.")
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "backend.settings",
            "DATA_DIR": store,
            "EMBEDDINGS": "local",
            "GOOGLE_API_KEY": gemini.key or "",
            "GEMINI_BASE_URL": gemini.url,
            **platforms,
        }
        manage = [sys.executable, "manage.py"]
        where: dict[str, Any] = {"cwd": settings.BASE_DIR, "env": environment}
        for command in (["ingest", str(document)], *commands):
            subprocess.run([*manage, *command], check=True, stdout=subprocess.DEVNULL, **where)
        with process([*manage, "run_bot"], environment) as pid:
            yield pid


@contextmanager
def bare_sdks(gemini: GeminiSimulator, slack: SlackSimulator) -> Iterator[int]:
    """The process id of the same SDKs without us."""
    model = {"GOOGLE_API_KEY": gemini.key or "", "GEMINI_BASE_URL": gemini.url}
    environment = os.environ | model | slack_settings(slack)
    with process([sys.executable, "-m", "tests.bench.bare"], environment) as pid:
        yield pid


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    started = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        yield started.pid
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(30)


def processor_time(pid: int) -> float:
    """Seconds that the process has run on a processor, all of its threads together."""
    times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid: int) -> float:
    """The most memory that the process had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if "VmHWM" in line).split()[1]) / 1024
