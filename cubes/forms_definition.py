"""Forms that define cubes: names, drivers, dimensions."""

from typing import Any

from django import forms

from .models import Dimension
from .rules.definition import DEFAULT_DECIMALS, LONGEST_FORMULA, MOST_DECIMALS

NAME: dict[str, Any] = {"max_length": 200, "error_messages": {"required": "Enter a name."}}
DECIMALS: dict[str, Any] = {
    "min_value": 0,
    "max_value": MOST_DECIMALS,
    "initial": DEFAULT_DECIMALS,
    "error_messages": {
        "required": f"Enter a whole number from 0 to {MOST_DECIMALS}.",
        "invalid": f"Enter a whole number from 0 to {MOST_DECIMALS}.",
    },
}


class ReviewForm(forms.Form):
    """The one thing that a review can change."""

    name = forms.CharField(label="Cube name", help_text="A published cube cannot be renamed.", **NAME)


class DriverForm(forms.Form):
    """A further driver of a cube; with a formula it is calculated, without one it is loaded."""

    name = forms.CharField(label="Name", **NAME)
    precision = forms.IntegerField(label="Decimals", **DECIMALS)
    source_column = forms.CharField(
        label="Header in the fact file", required=False, max_length=200, help_text="Empty: found by the driver's name."
    )
    formula = forms.CharField(
        label="Formula",
        required=False,
        max_length=LONGEST_FORMULA,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=(
            "Makes it a calculated driver, computed for every record and rounded once, half away from zero. Drivers, "
            "numbers, + - *, parentheses, comparisons, AND, OR, NOT, CASE, IF, ROUND, ABS, COALESCE. "
            "A name with blanks stands in double quotes: Quantity * &quot;Unit price&quot;."
        ),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("formula") and cleaned.get("source_column"):
            self.add_error("source_column", "A calculated driver is not loaded. Leave the header or the formula empty.")
        return cleaned


class NewCubeForm(forms.Form):
    """A cube of dimensions that exist already."""

    name = forms.CharField(label="Cube name", **NAME)
    dimensions = forms.ModelMultipleChoiceField(
        queryset=Dimension.objects.all(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one dimension."},
    )
    drivers = forms.CharField(
        label="Drivers",
        initial="Amount",
        max_length=1_000,
        help_text="One or several, with a comma between them.",
        error_messages={"required": "Enter at least one driver, such as Amount."},
    )
    precision = forms.IntegerField(label="Decimals of the drivers", **DECIMALS)

    def clean_drivers(self) -> list[str]:
        names = [name.strip() for name in self.cleaned_data["drivers"].split(",")]
        names = [name for name in names if name]
        if not names:
            raise forms.ValidationError("Enter at least one driver, such as Amount.")
        return names
