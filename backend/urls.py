"""Every address of the web process."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("backend.api.urls")),
    path("", include("backend.console.urls")),
]
