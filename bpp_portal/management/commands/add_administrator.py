"""The first person of an empty portal. Everybody after that is added in the administration."""

import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from bpp_portal.kernel.roles import Role

PASSWORD = "PORTAL_ADMINISTRATOR_PASSWORD"  # noqa: S105 - the name of a variable


class Command(BaseCommand):
    help = (
        "Adds a person with the role IT administrator, or gives the role to one who exists. The password is asked "
        f"for, or taken from {PASSWORD}."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="", help="the address of the person's account in Entra ID")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        user = get_user_model().objects.filter(username=name).first()
        new = user is None
        if user is None:
            user = get_user_model()(username=name, email=options["email"])
            password = _password()
            try:
                user.full_clean(exclude=["password"])
                validate_password(password, user)
            except ValidationError as error:
                raise CommandError(" ".join(error.messages)) from None
            user.set_password(password)
        with transaction.atomic():
            user.save()
            user.groups.add(Group.objects.get(name=Role.IT_ADMINISTRATOR.value))
        self.stdout.write(f"{name} {'is added as' if new else 'has the role'} {Role.IT_ADMINISTRATOR.value}.")


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    first = getpass("Password: ")
    if getpass("Password again: ") != first:
        raise CommandError("The two passwords differ.")
    return first
