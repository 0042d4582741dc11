"""What servers are called where people tell them apart. Pure."""

from collections import defaultdict
from collections.abc import Iterable

import discord


def names_of(servers: Iterable[discord.Guild]) -> dict[int, str]:
    """The servers' names by their ids; those that share one are numbered, the oldest first."""
    alike = defaultdict(list)
    for server in sorted(servers, key=lambda server: server.id):
        alike[server.name.casefold()].append(server)
    return {
        server.id: f"{server.name} {number}" if len(same) > 1 else server.name
        for same in alike.values()
        for number, server in enumerate(same, start=1)
    }
