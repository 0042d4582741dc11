"""Django's storage on Cloudinary: raw files that nobody gets without a signature of ours.

They are fetched from Cloudinary's API, never through its network of caches, where a copy would
outlive the file.
"""

import errno
import logging
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Any

import certifi
import cloudinary
import cloudinary.api
import cloudinary.exceptions as refusals
import cloudinary.uploader
import cloudinary.utils
import urllib3
from django.core.files.base import File
from django.core.files.storage import Storage

from backend import wording
from knowledge.errors import TooLarge

# The SDK prints what it logs by a handler of its own.
logging.getLogger("Cloudinary").handlers.clear()

KIND: dict[str, Any] = {"resource_type": "raw", "type": "authenticated"}
# Before every name, for a cloud may hold other things too.
FOLDER = "askwell"
# Seconds: for one answer, and for how long a signed address may be used.
TIMEOUT, LIFETIME = 60, 60
# Names that one answer lists, and for how many seconds what was listed counts: lists are counted
# by the hour.
PAGE, LISTED_FOR = 500, 300
# Bytes of a file that are held in memory; what is beyond lies in a temporary file.
IN_MEMORY, PIECE = 1024**2, 64 * 1024
# What it says of a file that is larger than the plan allows, with the limit in bytes.
_TOO_LARGE = re.compile(r"File size too large.*Maximum is (\d+)", re.DOTALL)


class CloudinaryFault(OSError):
    """Originals can't be reached at Cloudinary; `why` says it to people."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.EIO, why)

    def __str__(self) -> str:
        return str(self.strerror)


@dataclass(frozen=True)
class _Listing:
    """When each file was stored, by its name, as Cloudinary said at a time (monotonic)."""

    at: float
    stored: dict[str, datetime]


class CloudinaryStorage(Storage):
    """`api_url` is another server with Cloudinary's API; empty for Cloudinary's own."""

    def __init__(self, cloud_name: str, api_key: str, api_secret: str, api_url: str = "") -> None:
        self._cloud: dict[str, Any] = {
            "cloud_name": cloud_name,
            "api_key": api_key,
            "api_secret": api_secret,
            "upload_prefix": api_url.rstrip("/") or None,
            "timeout": TIMEOUT,
        }
        self._http = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=certifi.where())
        self._listing: _Listing | None = None

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Names are random, so there is nothing to look up before a file is written."""
        return name

    def _save(self, name: str, content: File) -> str:
        content.seek(0)
        with _telling():
            cloudinary.uploader.upload(
                content.read(),
                public_id=_id(name),
                filename="original",
                backup=False,
                **KIND,
                **self._cloud,
            )
        return name

    def _open(self, name: str, mode: str = "rb") -> File:
        with ExitStack() as undo:
            body = undo.enter_context(SpooledTemporaryFile(IN_MEMORY))
            with _telling():
                self._fetch(name, body)
            undo.pop_all()  # closed by whoever opens the file
        body.seek(0)
        return File(body, name)

    def _fetch(self, name: str, into: SpooledTemporaryFile[bytes]) -> None:
        url = cloudinary.utils.private_download_url(
            _id(name), "", expires_at=int(time.time()) + LIFETIME, **KIND, **self._cloud
        )
        answer = self._http.request("GET", url, preload_content=False, timeout=TIMEOUT)
        try:
            if answer.status != 200:
                raise _REFUSED.get(answer.status, refusals.Error)()
            for piece in answer.stream(PIECE):
                into.write(piece)
        finally:
            answer.release_conn()

    def delete(self, name: str) -> None:
        with _telling():
            done = cloudinary.uploader.destroy(_id(name), invalidate=True, **KIND, **self._cloud)
        if done.get("result") not in ("ok", "not found"):
            raise CloudinaryFault(wording.CLOUDINARY_KEEPS.format(result=done.get("result")))

    def exists(self, name: str) -> bool:
        try:
            self._details(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        return int(self._details(name)["bytes"])

    def get_modified_time(self, name: str) -> datetime:
        listed = self._listed().get(name)
        return listed or datetime.fromisoformat(self._details(name)["created_at"])

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        if not path:  # somebody begins to look through all
            self._listing = None
        below = f"{path}/" if path else ""
        names = [n.removeprefix(below) for n in self._listed() if n.startswith(below)]
        folders = {name.partition("/")[0] for name in names if "/" in name}
        return sorted(folders), sorted(name for name in names if "/" not in name)

    def _details(self, name: str) -> dict[str, Any]:
        with _telling():
            return dict(cloudinary.api.resource(_id(name), **KIND, **self._cloud))

    def _listed(self) -> dict[str, datetime]:
        """When each file was stored, by its name; as it was a little while ago."""
        if self._listing is None or time.monotonic() - self._listing.at > LISTED_FOR:
            self._listing = _Listing(time.monotonic(), dict(self._list()))
        return self._listing.stored

    def _list(self) -> Iterator[tuple[str, datetime]]:
        cursor: dict[str, str] = {}
        while True:
            with _telling():
                answer = cloudinary.api.resources(
                    prefix=f"{FOLDER}/", max_results=PAGE, **cursor, **KIND, **self._cloud
                )
            for one in answer["resources"]:
                name = one["public_id"].removeprefix(f"{FOLDER}/")
                yield name, datetime.fromisoformat(one["created_at"])
            if not (following := answer.get("next_cursor")):
                return
            cursor = {"next_cursor": following}


def _id(name: str) -> str:
    return f"{FOLDER}/{name}"


# What the API refuses by a status alone.
_REFUSED = {
    401: refusals.AuthorizationRequired,
    403: refusals.NotAllowed,
    404: refusals.NotFound,
    420: refusals.RateLimited,
    429: refusals.RateLimited,
}


@contextmanager
def _telling() -> Iterator[None]:
    """What Cloudinary refuses as a sentence of ours: its own may hold signed addresses."""
    try:
        yield
    except refusals.NotFound:
        raise FileNotFoundError(wording.NOT_AT_CLOUDINARY) from None
    except (refusals.AuthorizationRequired, refusals.NotAllowed):
        raise CloudinaryFault(wording.CLOUDINARY_REFUSES) from None
    except refusals.RateLimited:
        raise CloudinaryFault(wording.CLOUDINARY_RATE) from None
    except refusals.BadRequest as error:
        if found := _TOO_LARGE.search(str(error)):
            limit = int(found[1]) // 1024**2
            raise TooLarge(wording.CLOUDINARY_TOO_LARGE.format(limit=limit)) from None
        raise CloudinaryFault(wording.CLOUDINARY_REFUSES_THIS) from None
    except (refusals.Error, urllib3.exceptions.HTTPError, OSError):
        raise CloudinaryFault(wording.CLOUDINARY_AWAY) from None
