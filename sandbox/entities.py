"""The entity sets that the sandbox serves: names, keys, types and enums as the wire contract gives them.

A set is declared as one line of text: `*` marks a key, `:Type` a type other than String.
Each set is one table (or view) whose columns carry the OData names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

ENUMS: dict[str, tuple[str, ...]] = {
    "NoYes": ("No", "Yes"),
    "BudgetTransactionType": (
        "Blank",
        "OriginalBudget",
        "Transfer",
        "Amendment",
        "Encumbrance",
        "PreEncumbrance",
        "CarryForwardBudget",
        "Project",
        "FixedAsset",
        "SalesForecast",
        "PurchForecast",
        "Apportionment",
        "PreliminaryBudget",
        "FixedAsset_RU",
    ),
    "BudgetTransactionStatus": ("Draft", "Completed"),
    "BudgetTransactionWorkflowStatus": ("None", "NotSubmitted", "Submitted", "Approved", "Rejected"),
    "BudgetType": ("Expense", "Revenue"),
    "BudgetCheckResult": ("NoCheck", "Passed", "PassedWithWarnings", "Failed"),
    "FiscalPeriodStatus": ("OnHold", "Open", "Closed"),
    "FiscalPeriodType": ("Opening", "Operating", "Closing"),
    "DimensionHierarchyConstraintStatus": ("Draft", "Active", "Activating"),
    "DimensionLedgerAccountType": (
        "ProfitAndLoss",
        "Revenue",
        "Expense",
        "BalanceSheet",
        "Asset",
        "Liability",
        "Equity",
        "Total",
        "Reporting",
        "Blank",
        "Common_CN",
    ),
    "DimensionHierarchyType": (
        "DataEntityDefaultDimensionFormat",
        "DataEntityLedgerDimensionFormat",
        "DataEntityBudgetDimensionFormat",
        "DataEntityBudgetPlanningDimensionFormat",
    ),
    "DimensionSegmentDelimiter": (
        "Hyphen",
        "Period",
        "Underscore",
        "Bar",
        "DoubleHyphen",
        "DoublePeriod",
        "DoubleUnderscore",
        "DoubleBar",
        "Tilde",
        "DoubleTilde",
    ),
    "DMFOperationType": ("Import", "Export", "All", "Company"),
    "DMFProjectCategory": ("Project", "Configuration", "Integration", "Other", "CDS"),
    "DMFEntityCategory": ("Master", "Configuration", "Transaction", "Reference", "Document", "Parameters"),
    "DMFRefreshType": ("IncrementalPush", "FullPush"),
    "DmfBatchJobStatus": (
        "NotStarted",
        "Waiting",
        "Executing",
        "Error",
        "Finished",
        "Ready",
        "NotRun",
        "Cancelling",
        "Canceled",
        "Hold",
    ),
    "ConversionFactor": ("One", "Ten", "Hundred", "Thousand", "TenThousand"),
}
LABELS = {
    "Amendment": "Revision",
    "SalesForecast": "Demand forecast",
    "PurchForecast": "Supply forecast",
    "OriginalBudget": "Original budget",
    "CarryForwardBudget": "Carry-forward budget",
    "FixedAsset": "Fixed asset",
}
DELIMITERS = {
    "Hyphen": "-",
    "Period": ".",
    "Underscore": "_",
    "Bar": "|",
    "DoubleHyphen": "--",
    "DoublePeriod": "..",
    "DoubleUnderscore": "__",
    "DoubleBar": "||",
    "Tilde": "~",
    "DoubleTilde": "~~",
}
NO_DATE = "1900-01-01T00:00:00Z"
DEFAULTS: dict[str, str | int] = {
    "String": "",
    "Decimal": "0",
    "Line": 0,
    "DateTimeOffset": NO_DATE,
    "Int32": 0,
    "Int64": 0,
    "Boolean": 0,
}
COLUMN_TYPES = {
    "Decimal": "TEXT COLLATE DECIMAL",
    "Line": "INTEGER",
    "DateTimeOffset": "TEXT",
    "Int32": "INTEGER",
    "Int64": "INTEGER",
    "Boolean": "INTEGER",
}


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    is_key: bool

    @property
    def is_enum(self) -> bool:
        return self.type in ENUMS

    @property
    def column(self) -> str:
        return f'"{self.name}" {COLUMN_TYPES.get(self.type, "TEXT COLLATE NOCASE")}'


@dataclass(frozen=True)
class EntitySet:
    name: str
    entity: str
    label: str
    declaration: str
    hidden: str = ""  # columns that are stored and never shown over OData
    view: str = ""  # the SELECT of a set that is not a table of its own

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return {field.name: field for field in map(_field, self.declaration.split())}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields.values() if field.is_key)

    @property
    def is_company_scoped(self) -> bool:
        return "dataAreaId" in self.fields

    @property
    def columns(self) -> tuple[Field, ...]:
        return (*self.fields.values(), *map(_field, self.hidden.split()))

    def ddl(self) -> str:
        if self.view:
            return f'DROP VIEW IF EXISTS "{self.name}"; CREATE VIEW "{self.name}" AS {self.view};'
        columns = ", ".join(field.column for field in self.columns)
        keys = ", ".join(f'"{key}"' for key in self.keys)
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({columns}, PRIMARY KEY ({keys}));'


def _field(text: str) -> Field:
    name, _, type_name = text.partition(":")
    return Field(name.rstrip("*"), type_name or "String", name.endswith("*"))


def default_of(field: Field) -> str | int:
    return ENUMS[field.type][0] if field.is_enum else DEFAULTS.get(field.type, "")
