"""How far each channel was read back. Only a completed reading moves a mark."""

from bot.models import ReadMark


def mark_of(platform: str, installation: str, channel: str = "") -> str:
    """Empty where it was never read; without a channel, the installation's own mark."""
    mark = ReadMark.objects.filter(
        platform=platform, installation=installation, channel=channel
    ).first()
    return mark.read_until if mark else ""


def begin(platform: str, installation: str, now: str) -> None:
    """The first time that we listen: from here on nothing said is missed, however soon we die."""
    ReadMark.objects.get_or_create(
        platform=platform, installation=installation, channel="", defaults={"read_until": now}
    )


def move(platform: str, installation: str, channel: str, read_until: str) -> None:
    ReadMark.objects.update_or_create(
        platform=platform,
        installation=installation,
        channel=channel,
        defaults={"read_until": read_until},
    )
