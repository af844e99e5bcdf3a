"""What a sign-in with Entra ID writes: the account at the first time, its roles at every time, the trail."""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from bpp_portal.audit.operations import record

from .provider import ID
from .rules import Person, Refusal, refusal_of

REASON = "from the app roles in Entra ID"


class SignInRefused(Exception):
    """The person may not come in; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.title)


def admit(*, person: Person) -> SocialAccount:
    """Let `person` in: their account is made at the first time, and their roles are replaced by those in Entra ID.

    Returns the link to the account. Raises SignInRefused; roles that were taken away there are gone here all the same.
    """
    try:
        return _admit(person)
    except IntegrityError:  # the same person's first sign-in, twice at once
        raise SignInRefused(Refusal.STALE) from None


def _admit(person: Person) -> SocialAccount:
    with transaction.atomic():
        link = SocialAccount.objects.select_related("user").filter(provider=ID, uid=person.uid).first()
        user = link.user if link else None
        refusal = refusal_of(
            person,
            active=user.is_active if user else None,
            name_is_taken=User.objects.filter(username__iexact=person.name).exists(),
        )
        if user and user.is_active:
            _replace_roles(user, person)
        if refusal:
            refuse(refusal, f"user {user}" if user else f"Entra account {person.name}")
        elif link is None:
            link = _add(person)
    if refusal or link is None:
        raise SignInRefused(refusal or Refusal.STALE)
    return link


def refuse(refusal: Refusal, subject: str) -> None:
    """The trail's entry of a sign-in that Entra ID answered and the portal refused."""
    record(actor=None, verb="sign-in refused", subject=subject, detail=f"With Entra ID: {refusal.title}.")


def unlink(*, actor: Any) -> None:
    """Take the link away from `actor`'s own account, which keeps its roles as they are."""
    with transaction.atomic():
        gone, _ = SocialAccount.objects.filter(provider=ID, user=actor).delete()
        if gone:
            record(actor=actor, verb="unlink Entra account", subject=f"user {actor}")


def _add(person: Person) -> SocialAccount:
    user = User(username=person.name, email=_email(person), first_name=person.first_name, last_name=person.last_name)
    user.set_unusable_password()
    user.save()
    _replace_roles(user, person)
    return SocialAccount.objects.create(provider=ID, uid=person.uid, user=user, extra_data={"name": person.name})


def _replace_roles(user: User, person: Person) -> None:
    user._roles_reason = REASON  # type: ignore[attr-defined]  # for the trail, which hears of it by a signal
    user.groups.set(Group.objects.filter(name__in=[role.value for role in person.roles]))


def _email(person: Person) -> str:
    try:
        validate_email(person.email)
    except ValidationError:
        return ""
    return person.email
