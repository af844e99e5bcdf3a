"""Forms of the set-up."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from bpp_portal.kernel.roles import Right, has_right
from connections.errors import FinanceNotConfigured
from connections.http import check_address
from connections.models import KINDS, Connection, Environment
from connections.rules.addresses import root_of
from connections.rules.identifiers import is_guid, is_tenant


class ConnectForm(forms.Form):
    """What to connect to, and as whom."""

    environment = forms.ModelChoiceField(Environment.objects.all(), empty_label=None)
    kind = forms.ChoiceField(choices=KINDS)
    auth = forms.ChoiceField(
        label="Authentication type",
        choices=[
            (Connection.Auth.PERSON, "OAuth, your own account"),
            (Connection.Auth.APPLICATION, "Application (service principal)"),
        ],
        required=False,
    )
    back = forms.ChoiceField(
        choices=[(word, word) for word in ("connections", "flows", "environment")],
        required=False,
        widget=forms.HiddenInput,
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_right(user, Right.MANAGE_CONNECTIONS):
            # who only loads data reads Dataverse, and as oneself
            self.fields["kind"].choices = KINDS[:1]  # type: ignore[attr-defined]
            del self.fields["auth"]


class EnvironmentForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no subscript here at run time
    """An environment; its name stays once it is set up, since the trail and the secrets of the deployment use it."""

    class Meta:
        model = Environment
        fields = (
            "name",
            "kind",
            "linked_through",
            "dataverse_url",
            "authority",
            "tenant_id",
            "client_id",
            "secret_expires_on",
        )
        help_texts = {
            "dataverse_url": "The root address, like https://contoso.crm.dynamics.com",
            "tenant_id": "Directory (tenant) id, as Entra shows it.",
            "client_id": "Of the portal's application registered in Entra.",
        }
        widgets = {"secret_expires_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "name" in self.fields:
            self.fields["name"].disabled = True

    def clean_dataverse_url(self) -> str:
        root = self._allowed("dataverse_url")
        others = Environment.objects.exclude(pk=self.instance.pk)
        if same := next((one for one in others if root_of(one.dataverse_url) == root), None):
            raise ValidationError(f"This is the Dataverse address of {same.name} already. Change {same.name} instead.")
        return root

    def clean_tenant_id(self) -> str:
        tenant: str = self.cleaned_data["tenant_id"]
        if not is_tenant(tenant):
            raise ValidationError(
                "Enter the id of one tenant, as Entra shows it, or its domain name, like contoso.onmicrosoft.com."
            )
        return tenant

    def clean_client_id(self) -> str:
        client: str = self.cleaned_data["client_id"]
        if not is_guid(client):
            raise ValidationError(
                "Enter the application (client) id as Entra shows it, like 00001111-aaaa-2222-bbbb-3333cccc4444."
            )
        return client

    def clean_authority(self) -> str:
        return self._allowed("authority")

    def values(self) -> dict[str, Any]:
        """The fields as the operation takes them."""
        return {name: self.cleaned_data[name] for name in self._meta.fields or ()}

    def _allowed(self, name: str) -> str:
        root = root_of(self.cleaned_data[name])
        if not root:
            raise ValidationError("Enter an https address without a path, like https://contoso.crm.dynamics.com.")
        try:
            check_address(root)
        except FinanceNotConfigured as error:
            raise ValidationError(f"{error.cause} {error.hint}") from None
        return root
