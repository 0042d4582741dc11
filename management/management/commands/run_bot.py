"""The bot: connects the chat platforms and answers there."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from bot.platforms import SERVICES
from bot.running import run


class Command(BaseCommand):
    help = "Connect the chat platforms whose tokens are set, and answer until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--platform", choices=sorted(SERVICES), help="only this one")

    def handle(self, *, platform: str | None, **options: Any) -> None:
        asyncio.run(run([platform] if platform else list(SERVICES)))
