"""What the API's answers about exports hold, for its description."""

from typing import Any

from rest_framework import serializers


class TotalSerializer(serializers.Serializer[Any]):
    amount_type = serializers.CharField()
    currency = serializers.CharField()
    lines = serializers.IntegerField()
    amount = serializers.CharField(help_text="exact decimal as text")


class SummarySerializer(serializers.Serializer[Any]):
    """A run. Readers of states alone get no rows, lines, totals, and no texts that name data."""

    run_id = serializers.UUIDField()
    entry_number = serializers.CharField()
    name = serializers.CharField()
    cube = serializers.SlugField()
    legal_entity = serializers.CharField()
    budget_model = serializers.CharField()
    budget_code = serializers.CharField()
    status = serializers.CharField(help_text="the word that people see")
    state = serializers.CharField(help_text="the state of the run")
    requested_by = serializers.CharField()
    runs_as = serializers.CharField(help_text="owner of the flow, whose connection is used")
    created_at = serializers.DateTimeField()
    cube_rows = serializers.IntegerField(allow_null=True, required=False)
    lines = serializers.IntegerField(allow_null=True, required=False)
    totals = TotalSerializer(many=True, required=False)
    retries_used = serializers.IntegerField()
    execution_id = serializers.CharField()
    headline = serializers.CharField(required=False)
    cause = serializers.CharField(required=False)
    hint = serializers.CharField(required=False)


class RunStatusSerializer(serializers.Serializer[Any]):
    run_id = serializers.UUIDField()
    status = serializers.CharField()
    state = serializers.CharField()
    ended = serializers.BooleanField()
    headline = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    field = serializers.CharField()
    message = serializers.CharField()
    hint = serializers.CharField()
    examples = serializers.ListField(child=serializers.CharField())


class RefusalSerializer(serializers.Serializer[Any]):
    problems = ProblemSerializer(many=True)


class ReusedSerializer(serializers.Serializer[Any]):
    """The key was used before for something else."""

    detail = serializers.CharField()


_TEXT = {"type": "string"}
_TARGET = {
    "oneOf": [
        {"type": "object", "properties": {"column": _TEXT}, "required": ["column"], "additionalProperties": False},
        {"type": "object", "properties": {"constant": _TEXT}, "required": ["constant"], "additionalProperties": False},
    ]
}
# The same as in the files of `export_budget`. As plain JSON schema: the mapping's keys are Finance's dimensions.
CONFIGURATION: dict[str, Any] = {
    "application/json": {
        "type": "object",
        "properties": {
            "name": _TEXT,
            "environment": _TEXT,
            "cube": _TEXT,
            "legal_entity": _TEXT,
            "budget_model": _TEXT,
            "budget_code": _TEXT,
            "line_detail": {"type": "string", "enum": ["aggregate", "record"]},
            "mapping": {"type": "object", "additionalProperties": _TARGET},
            "filters": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"column": _TEXT, "operator": _TEXT, "values": {"type": "array", "items": _TEXT}},
                    "required": ["column", "operator"],
                    "additionalProperties": False,
                },
            },
        },
        "required": ["name", "cube", "legal_entity", "budget_model", "mapping"],
        "additionalProperties": False,
    }
}
