"""What a confined reader and its parent say to each other: one JSON object a line.

The parent believes nothing of it: whatever a line holds becomes plain text and numbers, or raises
ReaderBroke.
"""

import base64
import json
from typing import Any

from knowledge import errors
from knowledge.extraction import Notice, Part, Picture, Piece, Progress

# What people are told of a file that was refused.
DETAIL = 500

Message = dict[str, Any]


def encoded(message: Message) -> bytes:
    # Lone surrogates pass; the parent takes them out of all text.
    text = json.dumps(message, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def decoded(line: bytes) -> Message:
    try:
        message = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise errors.ReaderBroke() from error
    if not isinstance(message, dict):
        raise errors.ReaderBroke()
    return message


def of_piece(piece: Piece) -> Message:
    match piece:
        case Part():
            return {"part": [piece.page, piece.heading, piece.text]}
        case Progress():
            return {"progress": [piece.done, piece.total, piece.scanned]}
        case Notice():
            return {"notice": piece.sentence}
        case Picture():
            return {
                "picture": [
                    piece.page,
                    base64.b64encode(piece.jpeg).decode(),
                    piece.text,
                    piece.coverage,
                    piece.density,
                    piece.confidence,
                    piece.heading,
                    piece.recognised,
                ]
            }


def piece_of(message: Message) -> Piece:
    """The piece that a message tells of."""
    try:
        match message:
            case {"part": [page, heading, text]}:
                return Part(_page(page), str(heading), str(text))
            case {"progress": [done, total, scanned]}:
                return Progress(_count(done), _count(total), _count(scanned))
            case {"notice": sentence}:
                return Notice(str(sentence)[:DETAIL])
            case {"picture": [page, jpeg, text, *measures, heading, recognised]}:
                coverage, density, confidence = map(float, measures)
                return Picture(
                    _page(page),
                    base64.b64decode(jpeg, validate=True),
                    str(text),
                    coverage,
                    density,
                    confidence,
                    str(heading),
                    bool(recognised),
                )
    except (ValueError, TypeError, OverflowError) as error:
        raise errors.ReaderBroke() from error
    raise errors.ReaderBroke()


def _page(page: object) -> int | None:
    if page is None or (isinstance(page, int) and 0 < page < 1_000_000):
        return page
    raise ValueError(page)


def _count(number: object) -> int:
    if isinstance(number, int) and 0 <= number < 1_000_000:
        return int(number)
    raise ValueError(number)


def of_refusal(error: errors.FileRefused) -> Message:
    return {"refused": type(error).__name__, "detail": error.detail}


def refusal_of(message: Message) -> errors.FileRefused | None:
    """The refusal that a message tells of; None where it tells of something else."""
    if "refused" not in message:
        return None
    kind = getattr(errors, str(message["refused"]), None)
    if not (isinstance(kind, type) and issubclass(kind, errors.FileRefused)):
        raise errors.ReaderBroke()
    return kind(str(message.get("detail", ""))[:DETAIL])
