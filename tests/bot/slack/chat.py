"""Slack, for the tests that hold on every platform."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager

from bot.models import ReplyPart
from bot.responder import Responder
from tests.bot.chat import Chat, Told
from tests.bot.slack.running import running
from tests.simulators.slack import events
from tests.simulators.slack.core import Delivery, Settings
from tests.simulators.slack.faults import Drop, Error, Faults, Hang, Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Channel, Message, User
from tests.simulators.slack.transcript import shown_text


class SlackChat(Chat[Message]):
    name = "slack"
    crashing = "tests.bot.slack.crashing"
    tells_of_people = True
    sends = tuple(
        f"chat.{name}"
        for name in ("startStream", "appendStream", "stopStream", "postMessage", "update")
    )
    unclear = (
        Drop(),
        Drop(after=True),
        Status(503),
        Status(503, after=True),
        Hang(),
        Hang(after=True),
        Error("internal_error"),
        Error("internal_error", after=True),
    )

    def __init__(self, slack: SlackSimulator) -> None:
        self.slack = slack
        self._told: dict[str, list[Delivery]] = {}

    @property
    def faults(self) -> Faults:
        return self.slack.faults

    @property
    def community(self) -> str:
        return self.slack.world.team_id

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "SLACK_API_URL": self.slack.url,
            "SLACK_BOT_TOKEN": self.slack.app.bot_token,
            "SLACK_APP_TOKEN": self.slack.app.app_token,
        }

    def running(self) -> AbstractAsyncContextManager[Responder]:
        return running(self.slack)

    def say(
        self, text: str, root: Message | None = None, who: str = "ana", where: str = "general"
    ) -> Message:
        before = len(self.slack.deliveries)
        said = self.slack.say(who, where, f"@askwell {text}", thread=root)
        new = self.slack.deliveries[before:]
        self._told[said.ts] = [d for d in new if d.event.get("ts") == said.ts]
        return said

    def share(self, name: str, data: bytes, text: str = "") -> Message:
        return self.slack.upload("ana", "general", name, data, f"@askwell {text}")

    def mutter(self, text: str) -> None:
        self.slack.say("ben", "general", text)

    def say_directly(self, text: str, who: str = "ana") -> Message:
        return self.slack.dm(who, text)

    def edit(self, message: Message, text: str) -> None:
        self.slack.edit(message, f"@askwell {text}")

    def delete(self, message: Message) -> None:
        self.slack.delete(message)

    def command(self, who: str, name: str, **given: str) -> Told:
        told = SlackTold(self.slack.general, self.slack.world.user(who))
        first, *rest = name.split()
        self.slack.command(who, "general", f"/{first}", " ".join([*rest, *given.values()]))
        return told

    def tell_again(self, message: Message) -> None:
        for delivery in self._told[message.ts]:
            events.dispatch(self.slack.core, delivery.kind, delivery.payload)

    def turn_back(self, seconds: float) -> None:
        self.slack.world.behind = seconds

    def add_person(self, name: str) -> str:
        return self.slack.add_user(name).id

    def set_guest(self, who: str, is_guest: bool) -> None:
        self.slack.change_user(who, is_restricted=is_guest)

    def add_room(self, name: str) -> str:
        return self.slack.add_channel(name, self.slack.app.user_id, kind="private_channel").id

    def let_in(self, who: str, room: str) -> None:
        self.slack.join(who, room)

    def put_out(self, who: str, room: str) -> None:
        self.slack.leave(who, room)

    def ever_shown(self, part: ReplyPart) -> str:
        channel = self.slack.world.channels[part.channel.rpartition("/")[2]]
        message = channel.messages[part.message]
        return "\n".join([shown_text(message), *(text for _, text in message.seen)])

    def id_of(self, message: Message) -> str:
        return message.ts

    def answers(self, message: Message) -> list[str]:
        return [shown_text(answer) for answer in self.slack.answers(message)]

    def replied(self) -> list[str]:
        with self.slack.world.lock:
            app, channels = self.slack.app.app_id, self.slack.world.channels.values()
            own = [m for c in channels for m in c.messages.values() if m.by_app == app]
            return [shown_text(message) for message in own]

    def pinged(self) -> list[str]:
        return [ping.who for ping in self.slack.pings if ping.by_app]

    def linked(self) -> list[str]:
        return [shown_text(message) for message, _ in self.slack.unfurled()]

    @property
    def mentions(self) -> Sequence[str]:
        return [f"<@{self.slack.world.user('ben').id}>", "<!subteam^S0001>"]


class SlackTold(Told):
    def __init__(self, channel: Channel, who: User) -> None:
        self._channel, self._who, self._before = channel, who, len(channel.ephemeral)

    def __str__(self) -> str:
        new = self._channel.ephemeral[self._before :]
        return "\n".join(shown_text(message) for message in new if message.to == self._who.id)


@contextmanager
def slack_chat() -> Iterator[SlackChat]:
    quick = Settings(ack_timeout=3.0, retry_delays=(0.0, 0.2, 0.5), disconnect_grace=0.1)
    with SlackSimulator(settings=quick) as slack:
        yield SlackChat(slack)
