"""discord.py, whose import of audioop warns from Python 3.11 to 3.12."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    from discord import app_commands

__all__ = ["app_commands", "discord"]
