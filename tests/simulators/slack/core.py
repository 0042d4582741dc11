"""What every part of the simulator shares: the workspace, the settings, the records."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.simulators.slack.exposure import Ping, pinged
from tests.simulators.slack.faults import Faults
from tests.simulators.slack.rates import Call, Rates
from tests.simulators.slack.state import JSON, File, Message, World

DeliveryKind = Literal["events_api", "slash_commands", "interactive"]


@dataclass
class Settings:
    """Times are in seconds; Slack's own are the defaults, and tests shorten them."""

    ack_timeout: float = 3.0
    # After an unacknowledged delivery: at once, a minute later, five minutes later.
    retry_delays: tuple[float, ...] = (0.0, 60.0, 300.0)
    stream_life: float = 300.0
    stream_bytes: int = 10_600  # of a whole streamed message
    status_life: float = 120.0
    trigger_life: float = 3.0
    ping_interval: float = 20.0
    # Between a disconnect frame and the end of the connection.
    disconnect_grace: float = 10.0
    # The app's own messages come back as events, as they do at Slack.
    echo: bool = True
    # An app_mention may come without the files that its message has.
    mention_files: bool = False
    # New apps are agents (agent_view in the manifest), not assistants.
    agent_view: bool = True


@dataclass
class Attempt:
    """One try at delivering. Over HTTP, `headers` and `body` are what was sent."""

    via: str  # a connection's id, "http", or "none" where no socket was connected
    retry: int
    reason: str | None = None
    at: float = field(default_factory=time.monotonic)
    acked: float | None = None  # also when the acknowledgement came too late
    status: int | None = None
    envelope_id: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Delivery:
    """An event, a command or a click on its way to the app."""

    kind: DeliveryKind
    payload: JSON
    attempts: list[Attempt] = field(default_factory=list)
    outcome: Literal["pending", "acked", "lost", "given_up"] = "pending"
    response: Any = None  # what came with the acknowledgement
    created: float = field(default_factory=time.monotonic)

    @property
    def event(self) -> JSON:
        found: JSON = self.payload.get("event") or self.payload
        return found

    @property
    def type(self) -> str:
        """The event's type, or slash_commands, block_actions, view_submission, …"""
        return str(self.event.get("type", self.kind))

    @property
    def acked_after(self) -> float | None:
        """Seconds from the first attempt to the acknowledgement."""
        times = [a.acked for a in self.attempts if a.acked is not None]
        return min(times) - self.attempts[0].at if times else None


@dataclass
class ResponseUrl:
    channel: str
    user: str
    made: float
    uses: int = 0
    message: str | None = None  # ts of what replace_original and delete_original are about


@dataclass
class Status:
    """A status line ("is thinking…") that somebody could see; `text` "" takes it away."""

    channel: str
    thread_ts: str
    text: str
    loading_messages: list[str]
    at: float = field(default_factory=time.monotonic)


class Core:
    def __init__(self) -> None:
        self.world = World()
        self.settings = Settings()
        self.faults = Faults()
        self.rates = Rates()
        self.origin = ""
        self.calls: list[Call] = []
        self.deliveries: list[Delivery] = []
        self.pings: list[Ping] = []
        self.statuses: list[Status] = []
        self.prompts: dict[str, JSON] = {}  # channel -> what setSuggestedPrompts said
        self.home_tabs: dict[str, JSON] = {}
        self.uploads: dict[str, tuple[File, int]] = {}  # announced, with their length
        self.response_urls: dict[str, ResponseUrl] = {}
        self.triggers: dict[str, float | None] = {}  # id -> made at; None: used
        # What Slack itself tells a person: (user, text), such as operation_timeout.
        self.notices: list[tuple[str, str]] = []
        self.send: Callable[[Delivery], None] = self.deliveries.append

    def shown(self, what: str, message: Message) -> None:
        """Something was posted or changed: remembers what could be read, and who was pinged."""
        message.seen.append((time.monotonic(), message.text))
        by_app = message.by_app == self.world.app.app_id
        for who in pinged(message):
            if not any(p.ts == message.ts and p.who == who for p in self.pings):
                self.pings.append(Ping(message.channel, message.ts, who, by_app))
        self.world.tell(what, message)

    def new_trigger(self) -> str:
        trigger = f"{self.world.new_ts()}.{self.world.new_id('')}"
        self.triggers[trigger] = time.monotonic()
        return trigger

    def new_response_url(self, channel: str, user: str, message: str | None = None) -> str:
        secret = self.world.new_id("R")
        made = ResponseUrl(channel, user, time.monotonic(), message=message)
        self.response_urls[secret] = made
        return f"{self.origin}/response/{self.world.team_id}/{secret}"

    def status_of(self, channel: str, thread_ts: str) -> str:
        """The status line that is shown in the thread now."""
        fitting = [s for s in self.statuses if (s.channel, s.thread_ts) == (channel, thread_ts)]
        if not fitting or time.monotonic() > fitting[-1].at + self.settings.status_life:
            return ""
        return fitting[-1].text

    def expire_stream(self, message: Message) -> None:
        """A stream whose time is over shows an error to whoever looks, and takes no more."""
        stream = message.stream
        if stream is None or stream.state != "in_progress":
            return
        if time.monotonic() > stream.started + self.settings.stream_life:
            stream.state = "expired"
