from django.apps import AppConfig
from django.core import checks


class VerificationsConfig(AppConfig):
    name = "verifications"

    def ready(self) -> None:
        # Here, and nowhere else, imports wait: models do not exist before.
        from verifications import checks as ours

        checks.register(ours.every_endpoint_is_https, "boot", deploy=True)
        checks.register(ours.every_key_has_its_master, "boot", deploy=True)
