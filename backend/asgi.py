"""The web process: static files, then Django."""

import os

from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402

application = ServeStaticASGI(
    _django,
    root=settings.BASE_DIR / "backend" / "console" / "static",
    prefix=settings.STATIC_URL,
    autorefresh=settings.DEBUG,
)
