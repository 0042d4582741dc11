"""The process that reads one file: `python -m knowledge.extraction.child READER SIZE PARENT MB`.

The file comes on standard input, what is read goes to standard output; see protocol.py. Text in
pictures is read by a program that this process may not start: it asks its parent.
"""

import base64
import sys

from django.utils.module_loading import import_string

from knowledge.errors import FileRefused, TooMuchMemory
from knowledge.extraction import ocr, protocol
from knowledge.extraction.confinement import confine


def main(reader: str, size: int, parent: int, megabytes: int) -> None:
    """Read a file of so many bytes, confined."""
    read = import_string(reader)  # its libraries are ours, the file is not
    data = sys.stdin.buffer.read(size)
    confine(parent, megabytes)
    ocr.read_table = _ask_parent
    try:
        for piece in read(data):
            _say(protocol.of_piece(piece))
    except FileRefused as error:
        _say(protocol.of_refusal(error))
    except MemoryError:
        _say(protocol.of_refusal(TooMuchMemory()))
    else:
        _say({"done": True})


def _ask_parent(png: bytes) -> str:
    _say({"recognise": base64.b64encode(png).decode()})
    answer = protocol.decoded(sys.stdin.buffer.readline())
    if "table" not in answer:
        raise ocr.OcrFailed()
    return str(answer["table"])


def _say(message: protocol.Message) -> None:
    sys.stdout.buffer.write(protocol.encoded(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
