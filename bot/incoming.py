"""What a platform tells the bot, in the platforms' common words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# The installation of what is said to the bot alone, where the platform names none.
DIRECT = "@me"


@dataclass(frozen=True)
class Key:
    """Which message of which conversation; for commands and clicks, the interaction's id."""

    platform: str
    installation: str
    channel: str
    message: str


@dataclass(frozen=True)
class SharedFile:
    """A file that somebody shared. Before it was looked up, all but its id may be unknown."""

    id: str
    name: str = ""
    size: int = 0
    mime: str = ""
    url: str = ""


@dataclass(frozen=True)
class Said:
    """Something was said that may be meant for the bot.

    `addressed` is known from the message itself: a mention, a direct message, a command. What is
    not addressed counts only as a follow-up, in a thread where its sender asked before; its files
    count also where the channel collects them. `home` is the channel whose documents count there,
    where it is another than the key's. Files of an `incomplete` message come with another event.
    """

    key: Key
    sender: str
    text: str
    thread: str = ""
    sender_team: str = ""
    addressed: bool = True
    direct: bool = False
    private: bool = False
    files: Sequence[SharedFile] = ()
    home: str = ""
    incomplete: bool = False
    route: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edited:
    """A message has new words. `now` is the message as it would be heard now; it is heard anew
    where it was not meant for the bot before (`newly_addressed`). Of a message that is addressed
    all files are known, and of another where the platform shows them (`files_shown`)."""

    now: Said
    newly_addressed: bool = False
    files_shown: bool = False


@dataclass(frozen=True)
class Deleted:
    """A message is gone; `before` is what it said."""

    before: Said


@dataclass(frozen=True)
class FileDeleted:
    """A file is gone from the platform, wherever it was shared. The key's message is its id."""

    file: Key


Heard = Said | Edited | Deleted | FileDeleted
