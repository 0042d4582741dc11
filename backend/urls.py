"""Every address of the web process."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/", include("backend.api.urls")),
    path("admin/", admin.site.urls),
    path("", include("backend.console.urls")),
    *(path("", include(module)) for module in settings.PLATFORM_URLS),
]
