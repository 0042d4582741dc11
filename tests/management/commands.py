"""Running commands as a person at the terminal does."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

HR = "Employees get sixteen weeks of parental leave. It is paid in full."
IT = "Laptops are replaced every four years by the service desk."


def run(*arguments: str) -> str:
    """What the command writes to standard output."""
    out = io.StringIO()
    call_command(*arguments, stdout=out, no_color=True)
    return out.getvalue()


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def failure(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)
