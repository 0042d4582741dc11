"""Confine this process and become another program:
`python -m knowledge.extraction.confined_program PARENT MB PROGRAM ARGUMENT…`."""

import os
import sys

from knowledge.extraction.confinement import confine

if __name__ == "__main__":
    parent, megabytes, *command = sys.argv[1:]
    confine(int(parent), int(megabytes), programs=True)
    os.execvp(command[0], command)  # noqa: S606  # no shell is wanted
