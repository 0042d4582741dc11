"""A simulated Discord: see `simulator.DiscordSimulator`."""
