"""Where originals are kept: in the data folder, or in an S3 bucket."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage

from knowledge.faults import faults

FILE, S3 = "file", "s3"


def originals_storage(kind: str, **s3: str) -> dict[str, Any]:
    """The entry of Django's STORAGES for originals; `s3` are options of django-storages, of which
    the empty ones are left to boto3's own rules."""
    if kind == FILE:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    if not s3["bucket_name"]:
        raise ImproperlyConfigured("ORIGINALS_STORAGE=s3 needs a bucket: set S3_BUCKET.")
    if find_spec("storages") is None or find_spec("boto3") is None:
        raise ImproperlyConfigured(
            "ORIGINALS_STORAGE=s3 needs two more packages. Run: "
            ".venv/bin/pip install -c constraints.txt -r requirements-s3.txt"
        )
    chosen: dict[str, Any] = {name: value for name, value in s3.items() if value}
    if s3["endpoint_url"]:  # a server of one's own has no host name for each bucket
        chosen["addressing_style"] = "path"
    # Names are random, so there is nothing to look up before a file is written.
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": chosen | {"signature_version": "s3v4", "file_overwrite": True},
    }


def trouble() -> str | None:
    """Why originals can't be reached where they are kept; None where they can."""
    if settings.ORIGINALS_STORAGE == FILE:
        return None
    try:
        default_storage.exists("doctor")
    except faults() as error:
        return str(error)
    return None
