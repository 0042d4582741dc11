"""Ask one question."""

import asyncio
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.audience import Place
from backend.chat.asking import Answered, Question, ask
from backend.chat.errors import BadQuestion
from knowledge.answering import Answer, Delta, Restart, Status
from knowledge.errors import KnowledgeError
from knowledge.providers import aclose_chat_models
from management.terminal import place_for, print_json


class Command(BaseCommand):
    help = "Ask a question and print the answer with its sources."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="email", metavar="EMAIL")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, question: str, email: str | None, **options: Any) -> None:
        try:
            answered = asyncio.run(self._ask(question, place_for(email), not options["json"]))
        except (BadQuestion, KnowledgeError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            print_json(self, fields(answered))
        else:
            self._print_sources(answered.answer)

    async def _ask(self, question: str, place: Place, streamed: bool) -> Answered:
        try:
            async for event in ask(Question(question, place)):
                if isinstance(event, Answered):
                    return event
                if isinstance(event, Status) and self.stderr.isatty():
                    self.stderr.write(event.text)
                if streamed and isinstance(event, Delta):
                    self.stdout.write(event.text, ending="")
                    self.stdout.flush()
                elif streamed and isinstance(event, Restart):
                    self.stdout.write(f"\n\n({event.text})\n")
        finally:
            await aclose_chat_models()
        raise AssertionError("an answer's events end with Answered")

    def _print_sources(self, answer: Answer) -> None:
        self.stdout.write("")
        for number, passage in enumerate(answer.sources, start=1):
            page = f", page {passage.page}" if passage.page else ""
            self.stdout.write(f"[{number}] {passage.document}{page}")
        if answer.notice:
            self.stdout.write(f"({answer.notice})")


def fields(answered: Answered) -> dict[str, Any]:
    answer = answered.answer
    return {
        "session_id": answered.conversation,
        "answer": answer.text,
        "used_context": answer.used_context,
        "refused": answer.refused,
        "provider": answer.provider,
        "category": answer.category,
        "notice": answer.notice,
        "sources": [
            {
                "asset_id": passage.document_id,
                "document": passage.document,
                "page": passage.page,
                "excerpt": passage.text,
            }
            for passage in answer.sources
        ],
    }
