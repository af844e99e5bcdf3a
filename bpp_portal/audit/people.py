"""Sign-ins, second factors, roles and accounts in the trail, whatever page, command or library changes them."""

from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as mfa
from allauth.socialaccount.signals import social_account_added
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from .operations import record
from .origin import Origin, of, present

METHODS = {"password": "a password", "socialaccount": "Entra ID", "mfa": "a second factor"}
WATCHED = ("username", "first_name", "last_name", "email", "is_active", "is_staff", "is_superuser")


def changes(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, str]:
    """What differs, as the two texts of an entry: `name: value`, one a line."""
    names = [name for name in after if before.get(name) != after[name]]
    return tuple("\n".join(f"{name}: {side.get(name, '')}" for name in names) for side in (before, after))  # type: ignore[return-value]


def _where(request: HttpRequest | None) -> Origin:
    return of(request) if request is not None else present()


@receiver(user_logged_in)
def signed_in(sender: Any, request: HttpRequest | None, user: User, **_: Any) -> None:
    record(actor=user, verb="sign in", subject=f"user {user}", detail=_how(request, user), origin=_where(request))


def _how(request: HttpRequest | None, user: User) -> str:
    """What the person proved to be themselves with, as far as allauth saw it."""
    steps = get_authentication_records(request, user) if request is not None and hasattr(request, "session") else []
    words = dict.fromkeys(METHODS.get(step["method"], step["method"]) for step in steps)
    return f"With {' and '.join(words)}." if words else ""


@receiver(social_account_added)
def linked(sender: Any, request: HttpRequest, sociallogin: Any, **_: Any) -> None:
    user, name = sociallogin.user, sociallogin.account.extra_data.get("name", "")
    record(actor=user, verb="link Entra account", subject=f"user {user}", after=name, origin=_where(request))


@receiver(user_logged_out)
def signed_out(sender: Any, request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None and user.is_authenticated:
        record(actor=user, verb="sign out", subject=f"user {user}", origin=_where(request))


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    record(actor=None, verb="sign-in refused", subject=named(credentials), origin=_where(request))


def named(credentials: dict[str, Any]) -> str:
    """Who tried, if there is such a person: some type their password into the name's field, so others stay unnamed."""
    name = str(credentials.get("username") or "").replace("\0", "")
    known = get_user_model().objects.filter(username__iexact=name).first() if name else None
    return f"user {known}" if known else "an unknown name"


@receiver(mfa.authentication_failed)
def second_factor_refused(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    record(actor=None, verb="second factor refused", subject=f"user {user}", origin=_where(request))


@receiver(mfa.authenticator_added)
def second_factor_added(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    record(actor=user, verb="add second factor", subject=f"user {user}", origin=_where(request))


@receiver(mfa.authenticator_removed)
def second_factor_removed(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    record(actor=user, verb="remove second factor", subject=f"user {user}", origin=_where(request))


@receiver(m2m_changed, sender=User.groups.through)
def roles_change(sender: Any, instance: Any, action: str, reverse: bool, pk_set: set[int] | None, **_: Any) -> None:
    """One entry for each person whose roles differ afterwards; from either side of the relation."""
    if action.startswith("pre_"):
        instance._roles_before = {user: _roles(user) for user in _touched(instance, reverse, pk_set)}
        return
    for user, before in instance.__dict__.pop("_roles_before", {}).items():
        after = _roles(user)
        if after != before:
            origin = present()
            why = instance.__dict__.get("_roles_reason", "")
            record(
                actor=origin.person, verb="set roles", subject=f"user {user}", detail=why, before=before, after=after
            )


def _touched(instance: User | Group, reverse: bool, pk_set: set[int] | None) -> list[User]:
    if not reverse:
        return [instance]  # type: ignore[list-item]
    everybody = get_user_model().objects
    return list(everybody.filter(groups=instance) if pk_set is None else everybody.filter(pk__in=pk_set))  # type: ignore[misc]


def _roles(user: User) -> str:
    return ", ".join(user.groups.order_by("name").values_list("name", flat=True)) or "no role"


@receiver(pre_save, sender=User)
def account_before(sender: Any, instance: User, update_fields: Any = None, **_: Any) -> None:
    if update_fields is not None and set(update_fields) == {"last_login"}:
        return  # every sign-in, which has an entry of its own
    instance._account_before = _account(instance.pk) if instance.pk else None  # type: ignore[attr-defined]


@receiver(post_save, sender=User)
def account_changes(sender: Any, instance: User, created: bool, raw: bool = False, **_: Any) -> None:
    before = instance.__dict__.pop("_account_before", None)
    if created:
        record(actor=present().person, verb="add user", subject=f"user {instance}")
        return
    if before is None:
        return
    old, new = changes(before, _account(instance.pk) or {})
    if new:
        # The hash of a password differs with every change; it is nobody's business.
        old, new = (_without_password(text) for text in (old, new))
        record(actor=present().person, verb="change user", subject=f"user {instance}", before=old, after=new)


def _account(pk: int) -> dict[str, Any] | None:
    found: dict[str, Any] | None = User.objects.filter(pk=pk).values(*WATCHED, "password").first()
    return found


def _without_password(text: str) -> str:
    lines = ["password: (not kept)" if line.startswith("password: ") else line for line in text.split("\n")]
    return "\n".join(lines)
