"""A simulated Slack workspace: see `simulator.SlackSimulator`."""
