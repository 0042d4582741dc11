from django.apps import AppConfig

from management.occupying import occupy


class ManagementConfig(AppConfig):
    name = "management"

    def ready(self) -> None:
        occupy()
