"""Environments, connections and flows in the administration. Token caches are never shown."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right, has_right

from . import operations
from .forms import EnvironmentForm
from .models import Connection, ConnectionReference, Environment, Flow
from .rules.flows import ConnectionKind, reference_problems
from .views.page import refusals_told, warned


@admin.register(Environment)
class EnvironmentAdmin(RightsAdmin):
    """The form and the operation of the portal's own page: allowed hosts only, and the name stays. None is deleted."""

    view_right, change_right = Right.MANAGE_CONNECTIONS, Right.MANAGE_ENVIRONMENTS
    list_display = ["name", "kind", "dataverse_url", "linked_through"]
    form = EnvironmentForm
    actions = ["install_flows"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Environment, form: Any, change: bool) -> None:
        obj.pk = operations.save_environment(actor=request.user, **form.values()).pk

    @admin.action(description="Install the flows (you become their owner)", permissions=["change"])
    def install_flows(self, request: HttpRequest, queryset: QuerySet[Environment]) -> None:
        for environment in queryset:
            with refusals_told(request):
                added = operations.install(actor=request.user, environment=environment)
                names = ", ".join(flow.name for flow in added) or "all flows were there"
                messages.success(request, f"{environment}: {names}.")


@admin.register(Connection)
class ConnectionAdmin(RightsAdmin):
    """Read-only: a connection is made by signing in. It may be deleted, which empties the slots that point at it."""

    view_right, change_right = Right.MANAGE_CONNECTIONS, Right.MANAGE_CONNECTIONS
    list_display = ["__str__", "environment", "account", "status", "connected_at", "reason"]
    list_filter = ["environment", "kind", "status"]
    fields = ("environment", "owner", "kind", "account", "status", "reason", "connected_at")
    readonly_fields = ("environment", "owner", "kind", "account", "status", "reason", "connected_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Others' connections are removed by who manages users, as on the Connections page."""
        others = obj is not None and obj.owner_id != request.user.pk
        return self._may_change(request) and (not others or has_right(request.user, Right.MANAGE_USERS))

    def delete_model(self, request: HttpRequest, obj: Connection) -> None:
        warned(request, operations.disconnect(actor=request.user, connection=obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        for connection in queryset:
            warned(request, operations.disconnect(actor=request.user, connection=connection))


class ReferenceInline(admin.TabularInline):
    model = ConnectionReference
    fields = ("kind", "connection")
    readonly_fields = ("kind", "connection")
    can_delete = False
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Flow)
class FlowAdmin(RightsAdmin):
    """Owner and state change through the actions, which keep the rules and the trail."""

    view_right, change_right = Right.MANAGE_CONNECTIONS, Right.MANAGE_CONNECTIONS
    list_display = ["name", "environment", "owner", "is_on"]
    list_filter = ["environment"]
    fields = ("environment", "name", "owner", "is_on")
    readonly_fields = ("environment", "name", "owner", "is_on")
    inlines = [ReferenceInline]
    actions = ["take_ownership", "turn_on", "turn_off"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(
        description="Take ownership of all flows of the environment (unsets their connections)",
        permissions=["change"],
    )
    def take_ownership(self, request: HttpRequest, queryset: QuerySet[Flow]) -> None:
        for environment in Environment.objects.filter(flows__in=queryset).distinct():
            with refusals_told(request):
                left = operations.take_ownership(actor=request.user, environment=environment)
                text = f"You own the flows of {environment}. Connect Dataverse and Finance, then turn them on."
                messages.success(request, text)
                warned(request, left)

    @admin.action(description="Turn on", permissions=["change"])
    def turn_on(self, request: HttpRequest, queryset: QuerySet[Flow]) -> None:
        for flow in queryset:
            with refusals_told(request):
                operations.turn_on(actor=request.user, environment=flow.environment, name=flow.name)
                messages.success(request, f"{flow.name} is on.")

    @admin.action(description="Turn off", permissions=["change"])
    def turn_off(self, request: HttpRequest, queryset: QuerySet[Flow]) -> None:
        for flow in queryset:
            with refusals_told(request):
                left = operations.turn_off(actor=request.user, environment=flow.environment, name=flow.name)
                messages.success(request, f"{flow.name} is off.")
                warned(request, left)


class ReferenceForm(forms.ModelForm):
    """Only the flow owner's own connections of the slot's kind fit."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields.get("connection")
        if isinstance(field, forms.ModelChoiceField):
            flow = self.instance.flow
            field.queryset = Connection.objects.filter(
                environment=flow.environment, owner=flow.owner, kind=self.instance.kind
            )

    def clean_connection(self) -> Connection | None:
        chosen: Connection | None = self.cleaned_data["connection"]
        if chosen is not None:
            flow = self.instance.flow
            kind = ConnectionKind(self.instance.kind)
            problems = reference_problems(flow.name, kind, str(flow.owner or ""), str(chosen.owner))
            if problems:
                raise forms.ValidationError([problem.message for problem in problems])
        return chosen


@admin.register(ConnectionReference)
class ReferenceAdmin(RightsAdmin):
    view_right, change_right = Right.MANAGE_CONNECTIONS, Right.MANAGE_CONNECTIONS
    form = ReferenceForm
    list_display = ["__str__", "connection"]
    fields = ["flow", "kind", "connection"]
    readonly_fields = ["flow", "kind"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: ConnectionReference, form: Any, change: bool) -> None:
        with refusals_told(request):
            operations.set_reference(
                actor=request.user,
                environment=obj.flow.environment,
                name=obj.flow.name,
                kind=ConnectionKind(obj.kind),
                connection=obj.connection,
            )
            left = operations.follow(actor=request.user, environment=obj.flow.environment, names=[obj.flow.name])
            warned(request, left)
