"""The command line: prints what to set for the app, then takes what people say."""

import argparse
import sys
import threading

from tests.simulators.slack.simulator import SlackSimulator
from tests.simulators.slack.terminal import Terminal


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated Slack workspace to chat in.")
    parser.add_argument("--port", type=int, default=9010, help="0 takes a free one")
    parser.add_argument("--request-url", help="deliver over signed HTTP to this address")
    parser.add_argument("--rate-limits", action="store_true", help="enforce Slack's rate limits")
    parser.add_argument("--serve", action="store_true", help="go on when the input ends")
    arguments = parser.parse_args()
    slack = SlackSimulator(arguments.port)
    slack.http.url = arguments.request_url or ""
    slack.rates.on = arguments.rate_limits
    with slack:
        sys.stdout.write(f"SLACK_API_URL={slack.url}\nSLACK_BOT_TOKEN={slack.app.bot_token}\n")
        if slack.http.url:
            sys.stdout.write(f"SLACK_SIGNING_SECRET={slack.app.signing_secret}\n\n")
        else:
            sys.stdout.write(f"SLACK_APP_TOKEN={slack.app.app_token}\n\n")
        try:
            Terminal(slack).run()
            if arguments.serve:
                threading.Event().wait()
        except KeyboardInterrupt:
            return


main()
