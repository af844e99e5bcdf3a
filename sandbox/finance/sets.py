"""The entity sets of Finance's OData service, by name."""

from sandbox.entities import EntitySet
from sandbox.finance.budget_sets import BUDGET_SETS
from sandbox.finance.ledger_sets import LEDGER_SETS
from sandbox.finance.project_sets import PROJECT_SETS

FINANCE_SETS: dict[str, EntitySet] = {
    entity_set.name: entity_set for entity_set in (*LEDGER_SETS, *BUDGET_SETS, *PROJECT_SETS)
}
