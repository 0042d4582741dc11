"""Chatting with the app from a terminal."""

import re
import shlex
import sys
from mimetypes import guess_type
from pathlib import Path
from typing import Any

from tests.simulators.slack.core import Status
from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.state import Channel, Message, View
from tests.simulators.slack.transcript import line, view_text

HELP = """\
  #general> @askwell how …       say it in a channel        dm> how …        to the app
  #general 12> and …             reply in the thread of message 12 (dm 12> … likewise)
  #general> /ask how …           a slash command            dm> /ask help
  click 12 ACTION [VALUE]        a button                   good 12, bad 12  its feedback
  submit VIEW BLOCK ACTION text  a modal                    ask 12 CALLBACK  its shortcut
  edit 12 text, delete 12        own message                stop 12          stop its stream
  #general> /file PATH [words]   share a file               dm> /file PATH [words]
  unshare 12                     delete its files           open             open the DM
  guest NAME, user NAME, join NAME #general, leave NAME #general, as NAME   (you are ana)
  calls, show #general, sockets, disconnect, help, quit"""
SAID = re.compile(r"^(#[\w-]+|dm)(?:\s+(\d+))?>\s*(.*)$", re.DOTALL)


class Terminal:
    """Numbers the messages, so that a line can refer to one."""

    def __init__(self, slack: SlackSimulator) -> None:
        self.slack = slack
        self.me = "ana"
        self.numbered: list[Message] = []
        slack.world.watchers.append(self.told)

    def number(self, message: Message) -> int:
        for index, known in enumerate(self.numbered):
            if known is message:
                return index + 1
        self.numbered.append(message)
        return len(self.numbered)

    def told(self, what: str, about: Any) -> None:
        """Prints what happens, whoever did it."""
        if isinstance(about, Message):
            where = self.slack.world.channels[about.channel].label
            number = self.number(about)
            arrow = "↳ " if about.is_reply else ""
            state = "deleted " if what == "deleted" else "~ " if what == "changed" else ""
            self.print(f"[{number}] {where} {state}{arrow}{line(self.slack.core, about)}")
        elif isinstance(about, Status):
            self.print(f"    {self.slack.app.name} {about.text or '(no status)'}")
        elif isinstance(about, View):
            self.print(f"{view_text(about)}\n    (view {about.id})")
        elif what == "prompts":
            titles = [prompt["title"] for prompt in about[1]]
            self.print(f"    {about[0].label} suggests: {' | '.join(titles)}")
        else:
            self.print(f"    {what}: {about}")

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
        said = SAID.match(typed)
        if said:
            return self._say(said[1], said[2], said[3])
        if not typed:
            return None
        name, *rest = shlex.split(typed)
        command = getattr(self, f"do_{name}", None)
        if command is None:
            raise ValueError(f"unknown: {name} (try help)")
        command(*rest)
        return None

    def message(self, number: str) -> Message:
        return self.numbered[int(number) - 1]

    def _say(self, where: str, thread: str | None, text: str) -> None:
        slack = self.slack
        channel = slack.dm_of(self.me) if where == "dm" else slack.world.channel(where)
        parent = self.message(thread) if thread else None
        if text.startswith("/file "):
            _, path, *words = shlex.split(text)
            self._share(channel, Path(path), " ".join(words), parent)
        elif text.startswith("/"):
            name, _, rest = text.partition(" ")
            slack.command(self.me, channel, name, rest)
        else:
            slack.say(self.me, channel, text, parent)

    def _share(self, channel: Channel, path: Path, text: str, parent: Message | None) -> None:
        kind = guess_type(path.name)[0] or "application/octet-stream"
        data = path.expanduser().read_bytes()
        self.slack.upload(self.me, channel, path.name, data, text, kind, parent)

    def do_help(self) -> None:
        self.print(HELP)

    def do_as(self, name: str) -> None:
        self.me = self.slack.world.user(name).name

    def do_click(self, number: str, action: str, value: str | None = None) -> None:
        self.slack.click(self.me, self.message(number), action, value)

    def do_good(self, number: str) -> None:
        self.slack.feedback(self.me, self.message(number))

    def do_bad(self, number: str) -> None:
        self.slack.feedback(self.me, self.message(number), good=False)

    def do_submit(self, view: str, block: str, action: str, *text: str) -> None:
        value = {"type": "plain_text_input", "value": " ".join(text)}
        self.slack.submit(self.me, self.slack.world.views[view], {block: {action: value}})

    def do_ask(self, number: str, callback_id: str) -> None:
        self.slack.shortcut(self.me, callback_id, self.message(number))

    def do_edit(self, number: str, *text: str) -> None:
        self.slack.edit(self.message(number), " ".join(text))

    def do_delete(self, number: str) -> None:
        self.slack.delete(self.message(number))

    def do_stop(self, number: str) -> None:
        self.slack.stop_stream(self.message(number))

    def do_unshare(self, number: str) -> None:
        for file in self.message(number).files:
            self.slack.delete_file(file)

    def do_open(self) -> None:
        self.slack.open_app(self.me)

    def do_user(self, name: str) -> None:
        self.slack.add_user(name)

    def do_guest(self, name: str) -> None:
        self.slack.add_user(name, is_restricted=True)

    def do_join(self, name: str, where: str) -> None:
        self.slack.join(name, where)

    def do_leave(self, name: str, where: str) -> None:
        self.slack.leave(name, where)

    def do_show(self, where: str) -> None:
        channel = self.slack.dm_of(self.me) if where == "dm" else self.slack.world.channel(where)
        self.print(self.slack.transcript(channel, self.me))

    def do_calls(self) -> None:
        for call in self.slack.calls[-20:]:
            self.print(f"    {call.method} {call.error or 'ok'} {str(call.args)[:100]}")

    def do_sockets(self) -> None:
        self.print(f"    {len(self.slack.sockets.live())} connected")

    def do_disconnect(self, reason: str = "refresh_requested") -> None:
        self.slack.disconnect(reason)
