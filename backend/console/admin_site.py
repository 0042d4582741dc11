"""The Django admin, for the admins of home, who sign in as they do for the page."""

from django.conf import settings
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect

ADMINS_ONLY = "Only an admin may see this."


class Site(AdminSite):
    site_header = site_title = "Askwell"
    site_url = "/"

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """There are no passwords to ask for."""
        if request.user.is_authenticated:
            return HttpResponseForbidden(ADMINS_ONLY)
        return HttpResponseRedirect(settings.LOGIN_URL)
