"""Configurations as values, read from their rows."""

from cubes.rules.slices import ColumnRef, Condition, Operator
from exports.models import Export
from exports.rules.configuration import Configuration, LineDetail, Source


def configuration_of(export: Export) -> Configuration:
    """The configuration that `export` holds."""
    return Configuration(
        name=export.name,
        legal_entity=export.legal_entity,
        budget_model=export.budget_model,
        budget_code=export.budget_code,
        line_detail=LineDetail(export.line_detail),
        mapping={row.target: Source(row.column, row.constant) for row in export.mappings.all()},
        conditions=tuple(
            Condition(
                ColumnRef.parse(row.column),
                Operator(row.operator),
                tuple(value.value for value in row.values.all()),
            )
            for row in export.filters.prefetch_related("values")
        ),
    )
