"""In place of Django's, on record: whoever has the server may become anybody, but not unseen."""

import getpass
from typing import Any

from django.contrib.auth.forms import SetPasswordForm
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts import own_access
from accounts.models import User


class Command(BaseCommand):
    help = "Gives a user another password; the audit log and an e-mail to the user say so."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> str:
        """Nothing is locked while somebody types."""
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"Nobody signs in as {email}.")
        asked = {"new_password1": "New password: ", "new_password2": "Once more: "}
        form = SetPasswordForm(user, {name: getpass.getpass(ask) for name, ask in asked.items()})
        if not form.is_valid():
            wrong = [str(each) for errors in form.errors.values() for each in errors]
            raise CommandError(" ".join(wrong))
        user = form.save(commit=False)
        with transaction.atomic():
            user.save(update_fields=["password"])
            own_access.password_set_by_command(user)
        return f"{user.email} has another password, and is signed out everywhere."
