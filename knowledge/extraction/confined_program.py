"""Confine this process and become another program:
`python -m knowledge.extraction.confined_program PARENT MB FOLDER PROGRAM ARGUMENT…`,
which may read what lies in this folder, if it is named."""

import os
import sys

from knowledge.extraction.confinement import confine

if __name__ == "__main__":
    parent, megabytes, folder, *command = sys.argv[1:]
    confine(int(parent), int(megabytes), programs=True, folder=folder)
    os.execvp(command[0], command)  # noqa: S606  # no shell is wanted
