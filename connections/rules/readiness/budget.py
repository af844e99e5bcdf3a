"""Preconditions about the budget set-up in Finance, most of them of one legal entity."""

from connections.errors import VIRTUAL_ENTITIES_DENIED, FormatMissing

from .names import PARAMETERS_ENTITY, SECURITY, entity_key
from .words import Fix, Group, Precondition

BUDGETING = "A budget manager or an accounting manager in Finance."
_LEDGER, _MODELS, _CODES = map(entity_key, ("LedgerEntity", "BudgetModelEntity", "BudgetCodeEntity"))
_FORMATS, _PARAMETERS = entity_key("DimensionIntegrationFormatEntity"), entity_key(PARAMETERS_ENTITY)

BUDGET = (
    Precondition(
        "dimension-format",
        Group.BUDGET,
        "Active budget register dimension format",
        FormatMissing.headline,
        "Without it Finance can't read the accounts of any line.",
        "In Finance, open Financial dimension configuration for integrating applications and activate a format of type "
        "Budget register dimension format.",
        BUDGETING,
        Fix.REQUEST,
        (_FORMATS, "delimiter"),
    ),
    Precondition(
        "delimiter",
        Group.BUDGET,
        "Delimiter of dimension values",
        "The delimiter of dimension values is not set in Finance",
        "A line joins its dimension values with the delimiter.",
        "In Finance, set it in General ledger parameters, Chart of accounts and dimensions.",
        BUDGETING,
        Fix.REQUEST,
        (_PARAMETERS,),
    ),
    Precondition(
        "delimiter-values",
        Group.BUDGET,
        "Delimiter not inside any value",
        "",
        "Finance has no escaping: a line with such a value would be read as other segments, so it is refused.",
        "In Finance, change the delimiter (General ledger parameters) or the values, or filter these rows out.",
        BUDGETING,
        Fix.REQUEST,
        ("delimiter", "dimension-format", _LEDGER, "owner-user", "finance"),
    ),
    Precondition(
        "account-structure",
        Group.BUDGET,
        "Default account structure",
        "The ledger has no account structure",
        "Finance creates no budget register entry in a legal entity without one.",
        "In Finance, open Ledger of the legal entity and add an account structure.",
        BUDGETING,
        Fix.REQUEST,
        (_LEDGER,),
    ),
    Precondition(
        "budget-models",
        Group.BUDGET,
        "Budget models",
        "… has no active budget model",
        "An export goes to a budget model that is not stopped, so none can be chosen.",
        "In Finance, create a budget model under Budgeting, or take the stop away from one.",
        BUDGETING,
        Fix.REQUEST,
        (_MODELS, _LEDGER),
    ),
    Precondition(
        "budget-code",
        Group.BUDGET,
        "Default budget code",
        "",
        "The pane preselects the default code of type Original budget.",
        "In Finance, mark a budget code of type Original budget as default, or choose a code in the export pane.",
        BUDGETING,
        Fix.REQUEST,
        (_CODES, _LEDGER),
    ),
    Precondition(
        "entry-numbers",
        Group.BUDGET,
        "Number sequence",
        "",
        "With the portal's own numbers a repeat updates and never doubles. With Finance's numbers the portal compares "
        "before it sends anything again.",
        "Nothing is needed. To keep the portal's numbers, allow manual numbers in the number sequence of entries.",
        BUDGETING,
        Fix.NONE,
        ("owner-user", "finance"),
    ),
    Precondition(
        "data-project",
        Group.BUDGET,
        "Data project",
        VIRTUAL_ENTITIES_DENIED,
        "Lines are imported through a data project of data management.",
        "In Finance, let the flow owner read and create data projects (workspace Data management).",
        SECURITY,
        Fix.REQUEST,
        ("owner-user", "owner-role", "finance"),
    ),
    Precondition(
        "fiscal-calendar",
        Group.BUDGET,
        "Fiscal calendar",
        "",
        "The date of a line must lie in an open period of the ledger's fiscal calendar.",
        "In Finance, create the fiscal year in Fiscal calendars, or open its periods in Ledger calendars.",
        BUDGETING,
        Fix.REQUEST,
        (_LEDGER, "owner-user", "finance"),
    ),
)
