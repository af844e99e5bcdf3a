"""Forms for definitions and data of cubes."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat

from .models import LoadTable
from .operations import Notations
from .rules.loading import MODE_WORDS, Mode
from .rules.notation import DateNotation, NumberNotation

DATA_FILES = ".csv,.xlsx,.parquet"


class DefinitionForm(forms.Form):
    definition = forms.FileField(
        label="Definition (JSON)",
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
        error_messages={"required": "Choose a JSON file.", "empty": "The file is empty. Choose another one."},
    )


class DataFileField(forms.FileField):
    """A file of facts or members, of a size that a page takes."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.FileInput(attrs={"accept": DATA_FILES}))
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        if file and file.size > settings.LOAD_MAX_BYTES:
            raise forms.ValidationError(
                f"{file.name} has {filesizeformat(file.size)}; a page takes {filesizeformat(settings.LOAD_MAX_BYTES)}. "
                "Load it with the command load_cube, or in parts with Append."
            )
        return file


class DataForm(forms.Form):
    """One file of facts, and for each dimension a file of its members if they change."""

    facts = DataFileField(
        label="Facts",
        help_text="CSV, XLSX or Parquet; one record for each fact, the first line names the columns.",
        error_messages={"required": "Choose a file with facts.", "empty": "The file is empty. Choose another one."},
    )

    def __init__(self, *args: Any, dimensions: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.members = {f"members-{number}": name for number, name in enumerate(dimensions)}
        for field, name in self.members.items():
            self.fields[field] = DataFileField(label=f"Members of {name}", required=False)
        self.fields["mode"] = forms.ChoiceField(
            label="What happens to the data that stand",
            required=False,
            choices=list(MODE_WORDS.items()),
            initial=Mode.REPLACE,
        )
        self.fields["numbers"] = _notation_field("Numbers", NumberNotation)
        self.fields["dates"] = _notation_field("Dates", DateNotation)
        self.fields["partial"] = forms.BooleanField(
            label="Allow a partial load",
            required=False,
            help_text="Changes data that stand even when more than one record in ten is refused.",
        )

    @property
    def notations(self) -> Notations:
        """How numbers and dates of the files are written."""
        numbers, dates = self.cleaned_data["numbers"], self.cleaned_data["dates"]
        return Notations(NumberNotation(numbers) if numbers else None, DateNotation(dates) if dates else None)


def _notation_field(label: str, notations: type[NumberNotation] | type[DateNotation]) -> forms.ChoiceField:
    choices = [("", "As the file shows"), *((str(item), str(item)) for item in notations)]
    return forms.ChoiceField(label=label, required=False, choices=choices)


class CorrectionForm(forms.Form):
    """A corrected file for each table of a load that has refused records."""

    def __init__(self, *args: Any, tables: Sequence[LoadTable], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.keys = {f"corrected-{number}": table.key for number, table in enumerate(tables)}
        for field, table in zip(self.keys, tables, strict=True):
            self.fields[field] = DataFileField(
                label=f"Corrected records of {table.name}", required=len(tables) == 1, help_text=""
            )
