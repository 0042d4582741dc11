"""Promises 4 and 5: random people ask in random places while everything changes around them.

Every document holds a canary word of its own; none may show where its space can't be read.
"""

from collections import Counter
from contextlib import aclosing
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.test import Client

from backend.accounts.audience import readable_spaces
from backend.chat.asking import Answered, Begun, Question, ask
from backend.chat.models import Conversation
from knowledge.catalogue import catalogue
from knowledge.models import Section
from knowledge.providers import aclose_chat_models
from knowledge.retrieval import search
from tests.backend.canaries import Asked, World
from tests.simulators.openai import OpenAISimulator

pytestmark = pytest.mark.django_db(transaction=True)

PERSONAL = "personal:"


class Campaign:
    """Runs cases and counts them; a leak fails at once, with what leaked to whom."""

    def __init__(self, world: World, talking: OpenAISimulator) -> None:
        self.world, self.talking = world, talking
        self.random = world.random
        self.talks: dict[Any, str] = {}
        self.counts: Counter[str] = Counter()

    async def run(self, cases: int) -> None:
        kinds = (*[self.search] * 7, self.scores, self.page)
        try:
            for number in range(cases):
                if number % 50 == 0:
                    await sync_to_async(self.world.keep_fresh)()
                if self.random.random() < 0.3:
                    await sync_to_async(self.world.change)()
                if self.random.random() < 0.2:
                    await self.ask()
                else:
                    await sync_to_async(self.random.choice(kinds))()
        finally:
            await aclose_chat_models()

    def check(self, kind: str, asked: Asked, shown: str) -> None:
        self.counts[kind] += 1
        leaked = [word for word in self.world.forbidden(asked) if word in shown]
        assert not leaked, (kind, asked, leaked, shown)
        self.counts["canaries shown"] += any(word in shown for word in self.world.canaries)

    def search(self) -> None:
        asked = self.world.asked()
        spaces = readable_spaces(asked.place)
        if asked.room is not None:
            assert not any(space.key.startswith(PERSONAL) for space in spaces)
        question = self.world.question(with_canary=self.random.random() < 0.5)
        found = search(question, spaces, self.random.choice((1, 3, 8, 50)))
        assert {passage.space_id for passage in found} <= self.world.readable(asked)
        self.check("search", asked, repr(found))
        self.check("catalogue", asked, repr(catalogue(spaces)))

    def scores(self) -> None:
        """What happens in spaces that can't be seen changes no score in the last bit."""
        asked = self.world.asked()
        question = self.world.question(with_canary=self.random.random() < 0.5)
        before = search(question, readable_spaces(asked.place), 50)
        unseen = [s for s in self.world.spaces if s.pk not in self.world.readable(asked)]
        space = self.random.choice(unseen)
        self.world.replace_one(space)
        search(question, [space], 5)
        assert search(question, readable_spaces(asked.place), 50) == before
        self.counts["scores"] += bool(before)

    async def ask(self) -> None:
        """A model that repeats all it is told shows what it was told."""
        asked = self.world.asked()
        talk = self.talks.get(asked.key) if self.random.random() < 0.8 else None
        self.talking.requests.clear()
        shown: list[str] = []
        async with aclosing(ask(Question(self.world.question(), asked.place, talk))) as events:
            async for event in events:
                shown.append(repr(event))
                if isinstance(event, Begun):
                    self.talks[asked.key] = event.conversation
                if isinstance(event, Answered):
                    self.counts["follow-ups"] += talk is not None
        told = [request.raw.decode() for request in self.talking.requests]
        self.check("ask", asked, "".join(shown))
        self.check("prompt", asked, "".join(told))

    def page(self) -> None:
        asked = self.world.asked(on_the_page=True)
        if asked.person.workspace.slug != "home":
            return
        client = Client()
        client.force_login(asked.person.identity.user)
        pks = list(Conversation.objects.values_list("pk", flat=True))
        sections = list(Section.objects.values_list("version", "pk"))
        paths = ["/", "/documents/", "/conversations/"]
        paths += [f"/conversations/{pk}/" for pk in self.random.sample(pks, min(3, len(pks)))]
        paths += [f"/conversations/{self.talks[asked.key]}/"] if asked.key in self.talks else []
        for version, section in self.random.sample(sections, 3):
            paths.append(f"/passages/{version}/{section}/?start=0&end=20")
        for path in paths:
            self.check("page", asked, client.get(path).content.decode())


def campaign(cases: int, seed: int, talking: OpenAISimulator) -> Counter[str]:
    running = Campaign(World(seed), talking)
    async_to_sync(running.run)(cases)
    for kind in ("search", "catalogue", "scores", "ask", "prompt", "page", "follow-ups"):
        assert running.counts[kind], f"{kind} was never tried"
    assert running.counts["canaries shown"] > cases / 10, "the canaries hardly ever show at all"
    return running.counts


def test_nothing_leaks_between_spaces(talking: OpenAISimulator) -> None:
    campaign(200, seed=1, talking=talking)


@pytest.mark.soak
def test_nothing_leaks_between_spaces_in_ten_thousand_cases(
    talking: OpenAISimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    total: Counter[str] = Counter()
    total += campaign(10_000, seed=2, talking=talking)
    with capsys.disabled():
        print(f"\n0 leaks in {dict(total)}")
