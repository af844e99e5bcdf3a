"""The first person of an empty portal. Everybody after that is added in the administration."""

import os
import sys
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
            _give_password(user)
        elif options["email"] and options["email"].lower() != user.email.lower():
            raise CommandError(f"{name} exists with another address. Change it in the administration, under Users.")
        with transaction.atomic():
            user.save()
            user.groups.add(Group.objects.get(name=Role.IT_ADMINISTRATOR.value))
        self.stdout.write(f"{name} {'is added as' if new else 'has the role'} {Role.IT_ADMINISTRATOR.value}.")


def _give_password(user: Any) -> None:
    """What else is wrong with the person is said before the password is asked."""
    try:
        user.full_clean(exclude=["password"])
        password = _password()
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    user.set_password(password)


def _password() -> str:
    given = os.environ.get(PASSWORD)
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise CommandError(f"There is no terminal to ask for the password on. Set it in {PASSWORD}.")
    first = getpass("Password: ")
    if getpass("Password again: ") != first:
        raise CommandError("The two passwords differ.")
    return first
