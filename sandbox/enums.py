"""Enumerations of Finance: member names as JSON carries them, and the integers behind them.

Written as in a programming language: a member is one above the one before it unless `=n` says otherwise.
Members that no public source gives are left out rather than guessed.
"""

NAMESPACE = "Microsoft.Dynamics.DataEntities"

_DECLARED = {
    "NoYes": "No Yes",
    "NoYesError": "No Yes Error",
    "BudgetTransactionType": "Blank OriginalBudget Transfer Amendment Encumbrance PreEncumbrance CarryForwardBudget "
    "Project FixedAsset SalesForecast PurchForecast Apportionment=12 PreliminaryBudget FixedAsset_RU=100",
    "BudgetTransactionStatus": "Draft Completed",
    "BudgetTransactionWorkflowStatus": "None NotSubmitted Submitted Approved Rejected",
    "BudgetType": "Expense Revenue",
    "BudgetCheckResult": "NoCheck=1 Passed PassedWithWarnings Failed",
    "BudgetControlConfigurationStatus": "Draft Active",
    "BudgetCheckOverbudgetOption": "PreventProcessing AllowProcessing PreventProcessingAtThreshold",
    "BudgetCheckRevenueBalanceOption": "None Warn PreventUpdate",
    "FiscalPeriodStatus": "OnHold Open Closed",
    "FiscalPeriodType": "Opening Operating Closing",
    "DimensionHierarchyConstraintStatus": "Draft=1 Active Activating",
    "DimensionLedgerAccountType": "ProfitAndLoss Revenue Expense BalanceSheet Asset Liability Equity Total=8 Reporting "
    "Blank Common_CN=100",
    "DimensionHierarchyType": "DataEntityDefaultDimensionFormat=17 DataEntityLedgerDimensionFormat "
    "DataEntityBudgetDimensionFormat DataEntityBudgetPlanningDimensionFormat",
    "DimensionSegmentDelimiter": "Hyphen Period Underscore Bar DoubleHyphen DoublePeriod DoubleUnderscore DoubleBar "
    "Tilde DoubleTilde",
    "DMFOperationType": "Import Export All Company",
    "DMFProjectCategory": "Project Configuration Integration Other CDS",
    "DMFModule": "Budgeting=5",
    "DMFRefreshType": "IncrementalPush FullPush",
    "EntityCategory": "Master Configuration Transaction Reference Document Parameters",
    "DmfBatchJobStatus": "NotStarted Waiting Executing Error Finished Ready NotRun Cancelling Canceled Hold",
    "DmfExecutionSummaryStatus": "Unknown NotRun Executing Succeeded PartiallySucceeded Failed Canceled",
    "ConversionFactor": "One Ten Hundred Thousand TenThousand",
    "RoleAssignmentMode": "None Manual Automatic",
    "RoleAssignmentStatus": "None Enabled Disabled",
}


def _members(text: str) -> dict[str, int]:
    members: dict[str, int] = {}
    following = 0
    for part in text.split():
        name, _, number = part.partition("=")
        members[name] = int(number) if number else following
        following = members[name] + 1
    return members


ENUM_MEMBERS: dict[str, dict[str, int]] = {name: _members(text) for name, text in _DECLARED.items()}
ENUMS: dict[str, tuple[str, ...]] = {name: tuple(members) for name, members in ENUM_MEMBERS.items()}
