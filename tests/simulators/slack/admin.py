"""Who and what there is in the workspace: people, channels, the app's installation."""

from typing import Any

from tests.simulators.slack import events
from tests.simulators.slack.core import Core
from tests.simulators.slack.state import Channel, Kind, User


class Admin:
    core: Core

    def add_user(self, name: str, **flags: Any) -> User:
        """`flags` are the fields of User; once the server runs, a team_join follows."""
        with self.core.world.lock:
            user = User(self.core.world.new_id("U"), name, **flags)
            self.core.world.users[user.id] = user
            if self.core.origin and user.team_id == self.core.world.team_id:
                events.user_event(self.core, "team_join", user)
            return user

    def change_user(self, who: User | str, **flags: Any) -> None:
        """Sets fields of User; a user_change follows."""
        with self.core.world.lock:
            user = self.core.world.user(who)
            for name, value in flags.items():
                setattr(user, name, value)
            events.user_event(self.core, "user_change", user)

    def add_channel(
        self, name: str, *members: User | str, kind: Kind = "public_channel", **flags: Any
    ) -> Channel:
        with self.core.world.lock:
            channel = Channel(self.core.world.new_id("C"), name, kind, **flags)
            channel.members = [self.core.world.user(member).id for member in members]
            self.core.world.channels[channel.id] = channel
            return channel

    def archive(self, where: Channel | str) -> None:
        with self.core.world.lock:
            channel = self.core.world.channel(where)
            channel.is_archived = True
            events.emit(self.core, {"type": "channel_archive", "channel": channel.id})

    def uninstall(self) -> None:
        """Somebody takes the app out of the workspace; its bot token is dead at once."""
        with self.core.world.lock:
            tokens = {"bot": [self.core.world.app.user_id], "oauth": []}
            events.emit(self.core, {"type": "tokens_revoked", "tokens": tokens})
            events.emit(self.core, {"type": "app_uninstalled"})
            self.core.world.app.refused = "account_inactive"
