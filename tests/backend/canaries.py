"""A world with a canary word in every document, and an independent account of who may read it."""

import random
import string
from dataclasses import dataclass, field

from django.utils import timezone

from backend.accounts.audience import Place
from backend.accounts.models import (
    Channel,
    ChannelMember,
    Identity,
    Membership,
    Standing,
    User,
    Workspace,
)
from backend.accounts.spaces import home
from backend.chat.removal import remove
from backend.ingesting import finish
from knowledge.ingestion import add_document
from knowledge.models import Document, Space
from tests.backend.people import ago, channel, installed, join, known, organisation, space_of

TOPICS = {
    "How long is parental leave?": "Parental leave is {n} weeks long, says {word}.",
    "What does the harbour crane cost?": "The harbour crane costs {n} euros, says {word}.",
    "When does the cafeteria open?": "The cafeteria opens {n} minutes past six, says {word}.",
    "Who repairs the green bicycle?": "Team {n} repairs the green bicycle, says {word}.",
}


@dataclass
class Person:
    workspace: Workspace
    identity: Identity
    own: Space
    standing: str
    member: bool
    active: bool = True
    joined: set[int] = field(default_factory=set)


@dataclass
class Room:
    workspace: Workspace
    channel: Channel
    space: Space
    outsiders: bool | None = False
    fresh: bool = True
    lifted: bool = False


@dataclass(frozen=True)
class Asked:
    """Who asks where: on the page (identity unknown), in a direct message, in a room."""

    person: Person
    room: Room | None
    on_the_page: bool

    @property
    def place(self) -> Place:
        who, room = self.person, self.room
        if self.on_the_page:
            return Place(who.workspace, user=who.identity.user)
        return Place(who.workspace, identity=who.identity, channel=room.channel if room else None)

    @property
    def key(self) -> tuple[int, int, bool]:
        """What has a conversation of its own."""
        return (0 if self.room else id(self.person), id(self.room), False)


class World:
    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.canaries: dict[str, tuple[str, int]] = {}  # word: (document, space), kept ones
        self.teams: dict[int, Space] = {}
        self.people: list[Person] = []
        self.rooms: list[Room] = []
        for workspace in (home(), organisation("elsewhere")):
            self.teams[workspace.pk] = space_of(workspace)
            at = installed(workspace)
            for _ in range(3):
                made = channel(at)
                self.rooms.append(Room(workspace, made, space_of(made)))
            for standing in ("team", "team", "guest", "external"):
                who = known(at, standing)
                own = space_of(who.user, workspace)
                self.people.append(Person(workspace, who, own, standing, standing == "team"))
        # One person belongs to both organisations.
        both, there = self.people[0], self.people[4]
        old, there.identity.user = there.identity.user, both.identity.user
        there.identity.save()
        old.delete()
        Membership.objects.create(user=both.identity.user, workspace=there.workspace)
        there.own = space_of(both.identity.user, there.workspace)
        for space in self.spaces:
            self.add(space)
        for person in self.people:
            self.join_or_leave(person)

    @property
    def spaces(self) -> list[Space]:
        rooms, people = [r.space for r in self.rooms], [p.own for p in self.people]
        return [*self.teams.values(), *rooms, *people]

    def asked(self, *, on_the_page: bool | None = None) -> Asked:
        person = self.random.choice(self.people)
        rooms = [room for room in self.rooms if room.workspace == person.workspace]
        kind = self.random.choice(("page", "direct", "room")) if on_the_page is None else "page"
        room = self.random.choice(rooms) if kind == "room" else None
        return Asked(person, room, kind == "page")

    def readable(self, asked: Asked) -> set[int]:
        """The table, once more and in other words."""
        who, room = asked.person, asked.room
        of_the_team = who.standing == "team"
        if not who.active or (who.standing == "removed" and not asked.on_the_page):
            return set()
        team = self.teams[who.workspace.pk].pk
        if room is not None:
            quiet = room.fresh and room.outsiders is False and of_the_team
            return {room.space.pk, team} if quiet or room.lifted else {room.space.pk}
        joined = set() if who.standing == "removed" else who.joined
        whole = who.member if asked.on_the_page else of_the_team
        return {who.own.pk} | joined | ({team} if whole else set())

    def forbidden(self, asked: Asked) -> set[str]:
        """The canaries that must not show, those of removed documents included."""
        may = self.readable(asked)
        known = {word for word, (_, space) in self.canaries.items() if space in may}
        return self.every - known

    every: set[str] = set()

    def add(self, space: Space) -> None:
        word = "".join(self.random.choices(string.ascii_lowercase, k=12))
        self.every = self.every | {word}
        lines = [topic.format(n=self.random.randint(2, 99), word=word) for topic in TOPICS.values()]
        self.random.shuffle(lines)
        version = finish(add_document(space, f"{word}.txt", "\n\n".join(lines).encode()).version)
        assert version.state == "ready"
        self.canaries[word] = (str(version.document_id), space.pk)

    def take_away(self, word: str) -> None:
        document, _ = self.canaries.pop(word)
        remove(Document.objects.get(pk=document))

    def question(self, *, with_canary: bool = False) -> str:
        topic = self.random.choice(list(TOPICS))
        return f"{topic} {self.random.choice(sorted(self.every))}" if with_canary else topic

    def change(self) -> None:
        """Something happens: people come and go, rooms are read or not, documents change."""
        person, room = self.random.choice(self.people), self.random.choice(self.rooms)
        match self.random.randrange(12):
            case 0:
                person.standing = self.random.choice(Standing.values)
                Identity.objects.filter(pk=person.identity.pk).update(standing=person.standing)
            case 1:
                person.member = not person.member
                row = {"user": person.identity.user, "workspace": person.workspace}
                if person.member:
                    Membership.objects.create(**row)
                else:
                    Membership.objects.filter(**row).delete()
            case 2 | 9 | 10 | 11:
                self.join_or_leave(person)
            case 3:
                person.active = not person.active
                twins = [p for p in self.people if p.identity.user == person.identity.user]
                for twin in twins:
                    twin.active = person.active
                User.objects.filter(pk=person.identity.user.pk).update(is_active=person.active)
            case 4 | 5 | 6 | 7:
                room.outsiders = self.random.choice((True, False, False, None))
                room.fresh, room.lifted = self.random.random() < 0.8, self.random.random() < 0.2
                self.save(room)
            case 8:
                self.replace_one(self.random.choice(self.spaces))

    def join_or_leave(self, person: Person) -> None:
        room = self.random.choice([r for r in self.rooms if r.workspace == person.workspace])
        if room.space.pk in person.joined:
            person.joined.discard(room.space.pk)
            ChannelMember.objects.filter(channel=room.channel, identity=person.identity).delete()
        else:
            person.joined.add(room.space.pk)
            join(room.channel, person.identity)

    def replace_one(self, space: Space) -> None:
        """Add a document to the space, and remove one where there are several."""
        self.add(space)
        words = [word for word, (_, where) in self.canaries.items() if where == space.pk]
        if len(words) > 1:
            self.take_away(self.random.choice(words))

    def save(self, room: Room) -> None:
        Channel.objects.filter(pk=room.channel.pk).update(
            has_outsiders=room.outsiders,
            outsiders_read_at=timezone.now() if room.fresh else ago(minutes=5, seconds=1),
            outsiders_allowed=room.lifted,
        )

    def keep_fresh(self) -> None:
        """What counts as read a moment ago stays so, however long the campaign takes."""
        ChannelMember.objects.update(read_at=timezone.now())
        for room in self.rooms:
            self.save(room)
