"""Forms of the set-up."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from connections.errors import FinanceNotConfigured
from connections.http import check_address
from connections.models import KINDS, Connection, Environment
from connections.rules.addresses import root_of


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
        return self._allowed("dataverse_url")

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
