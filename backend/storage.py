"""Where originals are kept: in the data folder, in an S3 bucket, or at Cloudinary."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage

from backend import wording
from knowledge.faults import faults

# Said with their types, since settings, from which mypy derives those of models, need them.
FILE: str = "file"
S3: str = "s3"
CLOUDINARY: str = "cloudinary"
KINDS: list[str] = [FILE, S3, CLOUDINARY]


def originals_storage(kind: str, **options: str) -> dict[str, Any]:
    """The entry of Django's STORAGES for originals, with the options of its kind."""
    if kind == S3:
        return _s3(**options)
    if kind == CLOUDINARY:
        return _cloudinary(**options)
    return {"BACKEND": "django.core.files.storage.FileSystemStorage"}


def _s3(**s3: str) -> dict[str, Any]:
    """Options of django-storages, of which the empty ones are left to boto3's own rules."""
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


def _cloudinary(**cloud: str) -> dict[str, Any]:
    if not (cloud["cloud_name"] and cloud["api_key"] and cloud["api_secret"]):
        raise ImproperlyConfigured(wording.CLOUDINARY_NEEDS)
    if find_spec("cloudinary") is None:
        raise ImproperlyConfigured(wording.CLOUDINARY_PACKAGE)
    return {"BACKEND": "backend.cloudinary_storage.CloudinaryStorage", "OPTIONS": cloud}


def place() -> str:
    """What the place of originals is called, where it is no folder."""
    if settings.ORIGINALS_STORAGE == S3:
        return wording.BUCKET.format(name=settings.S3_BUCKET)
    return wording.CLOUD.format(name=settings.CLOUDINARY_CLOUD_NAME)


def trouble() -> str | None:
    """Why originals can't be reached where they are kept; None where they can."""
    if settings.ORIGINALS_STORAGE == FILE:
        return None
    try:
        default_storage.exists("doctor")
    except faults() as error:
        return str(error)
    return None


def left_on_disk() -> bool:
    """Whether originals still lie in their folder, though they are kept elsewhere now."""
    folder = Path(settings.MEDIA_ROOT)
    return settings.ORIGINALS_STORAGE != FILE and any(one.is_file() for one in folder.rglob("*"))
