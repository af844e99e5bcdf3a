"""Forms for definitions and data of cubes."""

from collections.abc import Sequence
from typing import Any

from django import forms

DATA_FILES = ".csv,.xlsx,.parquet"


class DefinitionForm(forms.Form):
    definition = forms.FileField(
        label="Definition (JSON)",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        error_messages={"required": "Choose a JSON file.", "empty": "The file is empty. Choose another one."},
    )


class DataForm(forms.Form):
    """One file of facts, and for each dimension a file of its members if they change."""

    facts = forms.FileField(
        label="Facts",
        help_text="CSV, XLSX or Parquet; one record for each fact, the first line names the columns.",
        widget=forms.FileInput(attrs={"accept": DATA_FILES}),
        error_messages={"required": "Choose a file with facts.", "empty": "The file is empty. Choose another one."},
    )

    def __init__(self, *args: Any, dimensions: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = {f"members-{number}": name for number, name in enumerate(dimensions)}
        for field, name in self.members.items():
            self.fields[field] = forms.FileField(
                label=f"Members of {name}", required=False, widget=forms.FileInput(attrs={"accept": DATA_FILES})
            )
        self.fields["partial"] = forms.BooleanField(
            label="Allow a partial load",
            required=False,
            help_text="Replaces data that stand even when more than one record in ten is refused.",
        )
