from django.contrib.admin.apps import AdminConfig


class OurAdminConfig(AdminConfig):
    default_site = "backend.console.admin_site.Site"
