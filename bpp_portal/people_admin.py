"""Users, roles and the worker's rows in the administration, behind the portal's rights."""

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django_q.models import Failure, OrmQ, Schedule, Success

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right


class PeopleAdmin(RightsAdmin, UserAdmin):
    """People and their portal roles. Django's own permissions are not used, so they are not shown."""

    view_right = Right.MANAGE_USERS
    change_right = Right.MANAGE_USERS
    list_display = ("username", "email", "first_name", "last_name", "is_active", "roles")
    list_filter = ("is_active", "groups")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Rights", {"fields": ("is_active", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

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
    for model in (User, Group, Success, Failure, OrmQ, Schedule, EmailAddress, Authenticator):
        if site.is_registered(model):
            site.unregister(model)
    site.register(User, PeopleAdmin)
    site.register(Group, RolesAdmin)
    site.register((Success, Failure), TaskAdmin)
    site.register(OrmQ, WaitingTaskAdmin)
