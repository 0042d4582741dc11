"""Rank passages for a query, or for each query of a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backend.accounts.audience import readable_spaces
from knowledge.errors import KnowledgeError
from knowledge.passages import Passage
from knowledge.retrieval import search
from management.queries import read_queries
from management.terminal import place_for, print_json


class Command(BaseCommand):
    help = "Rank passages. No threshold applies."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("query", nargs="?")
        parser.add_argument("--queries", type=Path, metavar="FILE.jsonl")
        parser.add_argument("-k", type=int, default=8, help="how many passages")
        parser.add_argument("--as", dest="email", metavar="EMAIL")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, query: str | None, k: int, email: str | None, **options: Any) -> None:
        if (query is None) == (options["queries"] is None):
            raise CommandError("Give a query, or a file of them with --queries.")
        if k < 1:
            raise CommandError("-k is at least 1.")
        spaces = readable_spaces(place_for(email))
        try:
            if query is None:
                for row in read_queries(options["queries"]):
                    found = [fields(passage) for passage in search(row["text"], spaces, k)]
                    print_json(self, {"id": row["id"], "results": found})
                return
            passages = search(query, spaces, k)
        except BrokenPipeError:  # not a fault of the file; manage.py knows what to do
            raise
        except (KnowledgeError, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            print_json(self, {"query": query, "results": [fields(p) for p in passages]})
            return
        for passage in passages:
            page = f", page {passage.page}" if passage.page else ""
            text = " ".join(passage.text.split())
            self.stdout.write(f"{passage.score:.3f}  {passage.document}{page}\n       {text}\n")
        if not passages:
            self.stdout.write("Nothing was found.")


def fields(passage: Passage) -> dict[str, Any]:
    return {
        "document": passage.document,
        "page": passage.page,
        "score": round(passage.score, 4),
        "text": passage.text,
    }
