"""The command line: prints what to set for the bot, then takes what people do."""

import argparse
import sys
import threading

from tests.simulators.discord.simulator import DiscordSimulator
from tests.simulators.discord.terminal import Terminal


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated Discord to chat in.")
    parser.add_argument("--port", type=int, default=9020, help="0 takes a free one")
    parser.add_argument("--rate-limits", action="store_true", help="enforce Discord's rate limits")
    parser.add_argument("--message-content", action="store_true", help="allow that intent")
    parser.add_argument("--serve", action="store_true", help="go on when the input ends")
    arguments = parser.parse_args()
    discord = DiscordSimulator(arguments.port)
    discord.rates.on = arguments.rate_limits
    discord.message_content_allowed = arguments.message_content
    with discord:
        sys.stdout.write(f"DISCORD_API_URL={discord.api_url}\n")
        sys.stdout.write(f"DISCORD_GATEWAY_URL={discord.gateway_url}\n")
        sys.stdout.write(f"DISCORD_TOKEN={discord.token}\n")
        if arguments.message_content:
            sys.stdout.write("DISCORD_MESSAGE_CONTENT=on\n")
        sys.stdout.write(f"\nTo claim the server: claim discord {discord.home.id}\n\n")
        try:
            Terminal(discord).run()
            if arguments.serve:
                threading.Event().wait()
        except KeyboardInterrupt:
            return


main()
