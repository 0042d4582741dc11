"""The web process: static files, then Django."""

import os
import threading
from pathlib import Path

from django.core.asgi import get_asgi_application
from servestatic import ServeStaticASGI

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
_django = get_asgi_application()

from django.conf import settings  # noqa: E402
from django.contrib import admin  # noqa: E402

from backend.limits import LimitedBodies  # noqa: E402
from knowledge.extraction import MAX_BYTES  # noqa: E402
from knowledge.warming import warm_up  # noqa: E402

# Loading SDKs and models takes seconds, which the first question must not wait for.
threading.Thread(target=warm_up, name="warm-up", daemon=True).start()

# A file of 25 MB and what surrounds it in a form.
MOST_BYTES = MAX_BYTES + 1024 * 1024

application = ServeStaticASGI(
    LimitedBodies(_django, MOST_BYTES),
    root=settings.BASE_DIR / "backend" / "console" / "static",
    prefix=settings.STATIC_URL,
    autorefresh=settings.DEBUG,
)
application.add_files(Path(admin.__file__).parent / "static", prefix=settings.STATIC_URL)
