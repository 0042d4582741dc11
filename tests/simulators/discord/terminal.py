"""Chatting with the bot from a terminal."""

import mimetypes
import re
import shlex
import sys
from pathlib import Path
from typing import Any

from tests.simulators.discord.core import Interaction, Typing
from tests.simulators.discord.people import File
from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.state import Channel, Message
from tests.simulators.discord.transcript import line, modal_text

HELP = """\
  #general> @askwell how …       say it in a channel        dm> how …        to the bot
  12> and …                      reply to message 12        thread 12> …     say it in its thread
  /ask question="how …" private=true [#general]             a slash command (in the DM without #)
  menu 12 "Ask about this"       a command of its menu      click 12 ID      a button
  submit FIELD="text" …          the modal that came last
  #general> /file PATH [words]   share a file (dm>, 12>, thread 12> too; /ask file=PATH)
  edit 12 text, delete 12        own message                unshare 12         take its files away
  user NAME, join NAME, install NAME, as NAME               (you are ana)
  calls, show #general, sockets, reconnect, cut, help, quit"""
SAID = re.compile(r"^(#[\w-]+|dm|\d+|thread \d+)>\s*(.*)$", re.DOTALL)
VALUES: dict[str, Any] = {"true": True, "false": False}


class Terminal:
    """Numbers the messages, so that a line can refer to one."""

    def __init__(self, discord: DiscordSimulator) -> None:
        self.discord = discord
        self.me = "ana"
        self.numbered: list[Message] = []
        self.modal: Interaction | None = None
        discord.world.watchers.append(self.told)

    def number(self, message: Message) -> int:
        for index, known in enumerate(self.numbered):
            if known is message:
                return index + 1
        self.numbered.append(message)
        return len(self.numbered)

    def told(self, what: str, about: Any) -> None:
        """Prints what happens, whoever did it."""
        world = self.discord.world
        if isinstance(about, Message):
            channel = world.channels.get(about.channel)
            if channel is None:
                return
            state = {"deleted": "deleted ", "changed": "~ "}.get(what, "")
            number, text = self.number(about), line(self.discord.core, about)
            self.print(f"[{number}] {channel.label} {state}{text}")
        elif isinstance(about, Typing):
            self.print(f"    {world.channels[about.channel].label}: {world.bot.name} is typing…")
        elif what == "modal":
            self.modal = about
            self.print(modal_text(about.modal))

    def print(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def run(self) -> None:
        """Reads lines until `quit` or the end of the input; a mistake is told, not fatal."""
        self.print(HELP)
        for typed in sys.stdin:
            if typed.strip() in ("quit", "exit"):
                return
            try:
                self.obey(typed.strip())
            except Exception as error:
                self.print(f"    ? {type(error).__name__}: {error}")

    def obey(self, typed: str) -> None:
        if not typed:
            return
        said = SAID.match(typed)
        if said:
            self._say(said[1], said[2])
            return
        name, *rest = shlex.split(typed)
        if name.startswith("/"):
            self._command(name[1:], rest)
            return
        command = getattr(self, f"do_{name}", None)
        if command is None:
            raise ValueError(f"unknown: {name} (try help)")
        command(*rest)

    def message(self, number: str) -> Message:
        return self.numbered[int(number) - 1]

    def place(self, where: str) -> Channel:
        if where == "dm":
            return self.discord.dm_of(self.me)
        return self.discord.world.channel(where)

    def _say(self, where: str, text: str) -> None:
        shared = []
        if text.startswith("/file "):
            _, path, *words = shlex.split(text)
            text, shared = " ".join(words), [_read(path)]
        parent = self.message(where) if where.isdecimal() else None
        place = self.discord.world.channel(parent.channel) if parent else self._where(where)
        self.discord.say(self.me, place, text, reply_to=parent, attachments=shared)

    def _where(self, where: str) -> Channel:
        if not where.startswith("thread "):
            return self.place(where)
        thread = self.discord.thread(self.message(where.split()[1]))
        assert thread is not None, "it has no thread"
        return thread

    def _command(self, name: str, words: list[str]) -> None:
        where, given, path = None, {}, [name]
        for word in words:
            if word.startswith("#"):
                where = word
            elif "=" in word:
                option, _, value = word.partition("=")
                given[option] = _read(value) if option == "file" else VALUES.get(value, value)
            else:
                path.append(word)
        self.discord.command(self.me, where, " ".join(path), **given)

    def do_help(self) -> None:
        self.print(HELP)

    def do_as(self, name: str) -> None:
        self.me = self.discord.world.user(name).name

    def do_menu(self, number: str, name: str) -> None:
        self.discord.context_menu(self.me, self.message(number), name)

    def do_click(self, number: str, custom_id: str, *values: str) -> None:
        self.discord.click(self.me, self.message(number), custom_id, list(values) or None)

    def do_submit(self, *fields: str) -> None:
        assert self.modal is not None, "no modal is open"
        values = dict(field.split("=", 1) for field in fields)
        self.discord.submit_modal(self.me, self.modal, values)

    def do_edit(self, number: str, *text: str) -> None:
        self.discord.edit(self.message(number), " ".join(text))

    def do_delete(self, number: str) -> None:
        self.discord.delete(self.message(number))

    def do_unshare(self, number: str) -> None:
        self.discord.remove_attachments(self.message(number))

    def do_user(self, name: str) -> None:
        self.discord.add_user(name)

    def do_install(self, name: str) -> None:
        self.discord.world.user(name).installed = True

    def do_join(self, name: str) -> None:
        self.discord.add_member("home", name)

    def do_show(self, where: str) -> None:
        self.print(self.discord.transcript(self.place(where), self.me))

    def do_calls(self) -> None:
        for call in self.discord.calls[-20:]:
            self.print(f"    {call.route} {call.status} {call.code or ''} {str(call.body)[:100]}")

    def do_sockets(self) -> None:
        self.print(f"    {len(self.discord.gateway.live())} connected")

    def do_reconnect(self) -> None:
        self.discord.reconnect()

    def do_cut(self) -> None:
        self.discord.cut_sockets()


def _read(path: str) -> File:
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Path(path).name, Path(path).expanduser().read_bytes(), kind
