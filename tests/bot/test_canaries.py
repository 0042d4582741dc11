"""Promise 4 in the chats: people ask in rooms and directly while others come, leave and become
guests. Every document holds a canary word; none may show where its space can't be read."""

import asyncio
import random
import string
from collections import Counter
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from backend.accounts.claiming import claim
from backend.accounts.models import Channel, ChannelMember, Identity, Standing
from backend.accounts.people import NEVER
from backend.accounts.spaces import channel_key, home, personal_key, space_for, team_key
from bot.models import ReplyPart
from knowledge.models import Space
from tests.backend.canaries import TOPICS
from tests.bot.chat import Chat, Told
from tests.conftest import AddText

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("closing_clients"),
]

PEOPLE, ROOMS = ("pam", "quin", "ray", "sol", "tess"), ("red", "green", "blue")
ASKED, LISTED = 16, 4  # at once


class World:
    """Who is where, and an account of its own of who may read what."""

    def __init__(self, chat: Chat[Any], add_text: AddText, seed: int) -> None:
        self.chat, self.add_text, self.random = chat, add_text, random.Random(seed)
        self.people = {name: chat.add_person(name) for name in PEOPLE}
        self.rooms = {name: chat.add_room(name) for name in ROOMS}
        self.inside: dict[str, set[str]] = {name: set() for name in ROOMS}
        self.guests: set[str] = set()
        self.words: dict[str, str] = {}  # each canary with whose it is
        self.threads: dict[str, list[Any]] = {name: [] for name in ROOMS}
        self.counts = Counter[str]()

    def readable(self, who: str, room: str | None) -> set[str]:
        """The table of DESIGN.md, section 3."""
        if room is not None:
            return {room} if self.inside[room] & self.guests else {room, "team"}
        joined = {name for name, inside in self.inside.items() if who in inside}
        return {who} | joined | (set() if who in self.guests else {"team"})

    def fill(self) -> None:
        """A document in every space."""
        at = self.chat.community
        spaces = {"team": space_for(team_key(home()))}
        for name, number in self.rooms.items():
            spaces[name] = space_for(channel_key(self.chat.name, at, number))
        for name, number in self.people.items():
            user = Identity.objects.select_related("user").get(external_id=number).user
            spaces[name] = space_for(personal_key(home(), user))
        for name, space in spaces.items():
            self.add(name, space)

    def add(self, name: str, space: Space) -> None:
        word = "".join(self.random.choices(string.ascii_lowercase, k=12))
        lines = [topic.format(n=self.random.randint(2, 99), word=word) for topic in TOPICS.values()]
        self.add_text("\n\n".join(lines), f"{word}.txt", space)
        self.words[word] = name

    def gather(self) -> None:
        """A guest among people who are nearly everywhere."""
        self._turn_guest(PEOPLE[0])
        for room in ROOMS:
            for who in self.random.sample(PEOPLE, 4):
                self._come_or_go(who, room)

    def change(self) -> None:
        who = self.random.choice(PEOPLE)
        if self.random.random() < 0.3:
            self._turn_guest(who)
        else:
            self._come_or_go(who, self.random.choice(ROOMS))

    def _turn_guest(self, who: str) -> None:
        """Or back into one of the team."""
        self.guests ^= {who}
        self.chat.set_guest(who, who in self.guests)

    def _come_or_go(self, who: str, room: str) -> None:
        if who in self.inside[room]:
            self.inside[room].discard(who)
            self.chat.put_out(who, room)
        else:
            self.inside[room].add(who)
            self.chat.let_in(who, room)

    async def until_known(self) -> None:
        """What changed counts: at once where the platform told of it, elsewhere after minutes."""
        async with asyncio.timeout(30):
            while await sync_to_async(self._is_unheard)():
                await self.chat.a_moment()

    def _is_unheard(self) -> bool:
        if not self.chat.tells_of_people:
            Identity.objects.update(read_at=NEVER)
            ChannelMember.objects.update(read_at=NEVER)
            return False
        ids = {self.people[name]: name for name in PEOPLE}
        at = {number: name for name, number in self.rooms.items()}
        for who in Identity.objects.filter(external_id__in=ids):
            if (who.standing == Standing.GUEST) != (ids[who.external_id] in self.guests):
                return True
        joined = ChannelMember.objects.select_related("channel", "identity")
        for row in joined.filter(channel__external_id__in=at):
            if ids[row.identity.external_id] not in self.inside[at[row.channel.external_id]]:
                return True
        safe = Channel.objects.filter(external_id__in=at, has_outsiders=False)
        return any(self.inside[at[room.external_id]] & self.guests for room in safe)

    # Asking

    async def ask(self) -> None:
        """Many at once; what each shows is looked at afterwards."""
        asked = [self._question() for _ in range(ASKED)]
        listed = [
            (who, self.chat.command(who, "knowledge list"))
            for who in self.random.choices(PEOPLE, k=LISTED)
        ]
        for who, room, question, head in asked:
            await self.chat.answered(question)
            parts = ReplyPart.objects.filter(item__message=self.chat.id_of(question))
            shown = "\n".join([self.chat.ever_shown(part) async for part in parts])
            self.check(who, room, shown)
            if room is not None:
                self.threads[room] = [*self.threads[room][-2:], head]
        for who, told in listed:
            await self._until_told(told)
            self.check(who, None, str(told))

    def _question(self) -> tuple[str, str | None, Any, Any]:
        """Who asks, in which room if any, the question, and the one that heads its thread."""
        text, who = self.random.choice(list(TOPICS)), self.random.choice(PEOPLE)
        rooms = [name for name in ROOMS if who in self.inside[name]]
        if not rooms or self.random.random() < 0.4:
            direct = self.chat.say_directly(text, who)
            return who, None, direct, direct
        room = self.random.choice(rooms)
        goes_on = self.random.random() < 0.6 and self.threads[room]
        head = self.random.choice(self.threads[room]) if goes_on else None
        said = self.chat.say(text, head, who, room)
        return who, room, said, head or said

    async def _until_told(self, told: Told) -> None:
        async with asyncio.timeout(60):
            while not str(told):
                await self.chat.a_moment()

    def check(self, who: str, room: str | None, shown: str) -> None:
        may = self.readable(who, room)
        forbidden = {word: whose for word, whose in self.words.items() if whose not in may}
        leaked = [(word, whose) for word, whose in forbidden.items() if word in shown]
        assert shown and not leaked, (who, room, self.inside, self.guests, leaked, shown)
        self.counts["asked in a room" if room else "asked alone"] += 1
        self.counts["canaries shown"] += any(word in shown for word in self.words)


async def campaign(chat: Chat[Any], add_text: AddText, cases: int, seed: int) -> Counter[str]:
    world = World(chat, add_text, seed)
    await sync_to_async(claim)(chat.name, chat.community, "" if chat.tells_of_people else "staff")
    async with chat.running():
        for who in PEOPLE:
            await chat.answered(chat.say_directly("Hello", who))
        await sync_to_async(world.fill)()
        world.gather()
        for begun in range(0, cases, ASKED + LISTED):
            await world.until_known()
            await world.ask()
            for _ in range(3):
                world.change()
            if begun % 1_000 < ASKED + LISTED:
                print(f"{begun} asked", flush=True)
    assert world.counts["canaries shown"] > cases / 4, "the canaries hardly ever show at all"
    return world.counts


@pytest.mark.usefixtures("talking")
async def test_nothing_leaks_between_people_and_rooms(served: Chat[Any], add_text: AddText) -> None:
    await campaign(served, add_text, 40, seed=1)


@pytest.mark.soak
@pytest.mark.usefixtures("talking")
async def test_nothing_leaks_in_ten_thousand_questions(
    served: Chat[Any], add_text: AddText
) -> None:
    counts = await campaign(served, add_text, 10_000, seed=2)
    print(f"\n{served.name}: 0 leaks in {dict(counts)}")
