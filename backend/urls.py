"""Every address of the web process."""

from django.conf import settings
from django.urls import include, path

urlpatterns = [
    path("api/", include("backend.api.urls")),
    path("", include("backend.console.urls")),
    *(path("", include(module)) for module in settings.PLATFORM_URLS),
]
