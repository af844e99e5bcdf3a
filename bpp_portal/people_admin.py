"""Users, roles and the worker's rows in the administration, behind the portal's rights."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_q.models import Failure, OrmQ, Schedule, Success

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right

ROLES_FROM_ENTRA = (
    "Who signs in with Entra ID gets the roles of their app roles there at every such sign-in, in place of these."
)


class PeopleAdmin(RightsAdmin, UserAdmin):
    """People and their portal roles. Django's own permissions are not used, so they are not shown."""

    view_right = Right.MANAGE_USERS
    change_right = Right.MANAGE_USERS
    list_display = ("username", "email", "first_name", "last_name", "is_active", "roles")
    list_filter = ("is_active", "groups")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "groups"), "description": ROLES_FROM_ENTRA}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    # Address and roles at once: without them the person could sign in and find nothing.
    add_fieldsets = (
        (None, {"fields": ("username", "usable_password", "password1", "password2")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("groups",)}),
    )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The few roles as boxes to tick."""
        if db_field.name == "groups":
            kwargs |= {"widget": CheckboxSelectMultiple, "label": "Portal roles", "help_text": ""}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "email":
            kwargs["help_text"] = "The person's account in Entra ID; Finance must know the same account."
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    readonly_fields = ("last_login", "date_joined")

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Nobody gives themselves a role or locks themselves out: a colleague does that."""
        own = ("is_active", "groups") if obj is not None and obj.pk == request.user.pk else ()
        return (*self.readonly_fields, *own)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.pk != request.user.pk)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """One's own password is changed on its page, which asks for the present one."""
        if id == str(request.user.pk):
            return redirect("account_change_password")
        return super().user_change_password(request, id, form_url)

    @admin.display(description="Portal roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())


class RolesAdmin(RightsAdmin, GroupAdmin):
    """The portal's roles are fixed; here one sees them."""

    view_right = Right.MANAGE_USERS
    fields = ("name",)


class TaskAdmin(RightsAdmin):
    """Background tasks as the worker recorded them. Arguments and results stay out of sight: they are pickles."""

    view_right = Right.READ_RUNS
    list_display = ("name", "func", "started", "stopped", "success")
    list_filter = ("func",)
    search_fields = ("name", "func")
    fields = ("name", "func", "started", "stopped", "success")


class WaitingTaskAdmin(RightsAdmin):
    view_right = Right.READ_RUNS
    list_display = ("id", "key", "lock")
    fields = ("key", "lock")


def register(site: admin.AdminSite) -> None:
    """Put these pages in place of those that the libraries registered; second factors' secrets get none."""
    linked = (SocialAccount, SocialApp, SocialToken)
    for model in (User, Group, Success, Failure, OrmQ, Schedule, EmailAddress, Authenticator, *linked):
        if site.is_registered(model):
            site.unregister(model)
    site.register(User, PeopleAdmin)
    site.register(Group, RolesAdmin)
    site.register((Success, Failure), TaskAdmin)
    site.register(OrmQ, WaitingTaskAdmin)
