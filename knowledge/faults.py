"""What is raised where originals can't be reached, and what is told of a fault."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.module_loading import import_string

from knowledge import wording
from knowledge.errors import StorageFault

_S3 = (
    "botocore.exceptions.BotoCoreError",
    "botocore.exceptions.ClientError",
    "boto3.exceptions.Boto3Error",
)


def faults() -> tuple[type[Exception], ...]:
    """What is raised where originals can't be reached."""
    return (OSError, *map(import_string, _S3 if settings.ORIGINALS_STORAGE == "s3" else ()))


@contextmanager
def storing() -> Iterator[None]:
    """Raises StorageFault for any of these, with the storage's own words."""
    try:
        yield
    except faults() as error:
        words = getattr(error, "strerror", None) or str(error)
        raise StorageFault(words or reason_of(error)) from error


def reason_of(error: Exception) -> str:
    """The system's or the storage's own words; of others only the kind of error, for nobody has
    looked at what they may say of documents and keys."""
    unexpected = wording.UNEXPECTED.format(error=type(error).__name__)
    if isinstance(error, OSError):
        return error.strerror or unexpected
    return str(error) if isinstance(error, faults()) else unexpected
