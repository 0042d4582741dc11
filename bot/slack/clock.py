"""Slack's times. Our clock may be ahead of Slack's, or behind it."""

# Seconds by which they may differ.
DIFFER = 60.0


def stamp(seconds: float) -> str:
    """A time as Slack writes it; as text it sorts by time."""
    return f"{seconds:.6f}"
