"""Budget models, codes, control, and the budget register entries (contract 2.2–2.5, 2.9, 3.1)."""

from sandbox.entities import EntitySet

_HEADER_KEYS = "dataAreaId,LegalEntityId,EntryNumber"
_CONTROL_KEYS = "dataAreaId,LegalEntityId,Status"
_MODEL = "(dataAreaId,BudgetModelId=BudgetModel)"
_CODE = "(dataAreaId,BudgetCode)"
_COMBINATION = "(DimensionDisplayValue=DisplayValue,DimensionAccountStructure=AccountStructure)"

BUDGET_SETS = (
    EntitySet(
        "BudgetModels",
        "BudgetModelEntity",
        "Budget models",
        "dataAreaId* BudgetModel* Name Stopped:NoYes CashFlowForecasts:NoYes",
        navigation="BudgetSubmodelBudgetModel>BudgetSubModels*(dataAreaId,BudgetModel)",
    ),
    EntitySet(
        "BudgetSubModels",
        "BudgetSubModelEntity",
        "Budget submodels",
        "dataAreaId* BudgetModel* Submodel*",
        navigation="BudgetModelSubmodels>BudgetModels(dataAreaId,Submodel=BudgetModel) "
        "BudgetSubmodelBudgetModels>BudgetModels(dataAreaId,BudgetModel)",
    ),
    EntitySet(
        "BudgetCodes",
        "BudgetCodeEntity",
        "Budget codes",
        "dataAreaId* BudgetCode* Description BudgetType:BudgetTransactionType IsDefaultCode:NoYes ReasonCode "
        "WorkflowId",
    ),
    EntitySet(
        "BudgetDimensions",
        "BudgetDimensionEntity",
        "Budget dimensions",
        "dataAreaId* LegalEntityId* DimensionAttributeId*",
    ),
    EntitySet(
        "BudgetControlConfigurations",
        "BudgetControlConfigurationEntity",
        "Budget control configurations",
        "dataAreaId* LegalEntityId* Status*:BudgetControlConfigurationStatus InUseSinceDateTime:DateTimeOffset "
        "AccountStructure DefaultBudgetManager InUseBy DefaultBudgetThresholdPercent:Decimal "
        "DisplayAMessageWhenExceedingBudgetThreshold:NoYes DefaultBudgetCycleTimeSpanName "
        "DefaultBudgetCycleTimeSpanFiscalCalendarId",
        navigation=f"BudgetControlCycleModelConfiguration>BudgetControlCycleModels*({_CONTROL_KEYS})",
    ),
    EntitySet(
        "BudgetControlCycleModels",
        "BudgetControlCycleModelEntity",
        "Budget control cycle models",
        "dataAreaId* LegalEntityId* Status*:BudgetControlConfigurationStatus BudgetCycleName* "
        "BudgetCycleTimeSpanName* BudgetCycleTimeSpanFiscalCalendarId* StartDate:DateTimeOffset "
        "EndDate:DateTimeOffset BudgetModelId InUseBy",
        navigation=f"BudgetControlConfigurations>BudgetControlConfigurations({_CONTROL_KEYS})",
    ),
    EntitySet(
        "BudgetRegisterEntryHeaders",
        "BudgetRegisterEntryHeaderEntity",
        "Budget register entry headers",
        "dataAreaId* LegalEntityId* EntryNumber* DefaultDate:DateTimeOffset BudgetModelId BudgetCode "
        "BudgetType:BudgetTransactionType Status:BudgetTransactionStatus OneTimeRevision:NoYes ReasonCode "
        "ReasonComment SourceDocument WorkflowStatus:BudgetTransactionWorkflowStatus ExpenseBudgetTotal:Decimal "
        "RevenueBudgetTotal:Decimal",
        hidden="CreatedBy CreatedDateTime",
        computed="BudgetType Status WorkflowStatus ExpenseBudgetTotal RevenueBudgetTotal",
        # One line and not many: that is how a real environment declares it.
        navigation=f"BudgetRegisterEntryLineEntryHeader>BudgetRegisterEntryLines({_HEADER_KEYS}) "
        f"BudgetRegisterEntryBudgetRegisterEntryHeader>BudgetRegisterEntries({_HEADER_KEYS}) "
        f"BudgetModels>BudgetModels{_MODEL} PrimaryLedger>Ledgers(LegalEntityId) BudgetCodes>BudgetCodes{_CODE}",
    ),
    EntitySet(
        "BudgetRegisterEntryLines",
        "BudgetRegisterEntryLineEntity",
        "Budget register entry lines",
        "dataAreaId* LegalEntityId* EntryNumber* LineNumber*:Line EntryDate:DateTimeOffset DimensionDisplayValue "
        "DimensionAccountStructure CurrencyCode Comment TransactionCurrencyAmount:Decimal "
        "AccountingCurrencyAmount:Decimal Price:Decimal Quantity:Decimal AmountType:BudgetType "
        "IncludeInCashFlowForecast:NoYes WorkflowStatus:BudgetTransactionWorkflowStatus "
        "BudgetCheckResult:BudgetCheckResult",
        computed="AccountingCurrencyAmount WorkflowStatus BudgetCheckResult",
        navigation=f"BudgetRegisterEntryHeader>BudgetRegisterEntryHeaders({_HEADER_KEYS}) "
        f"CurrencyCodes>Currencies(CurrencyCode) DimensionCombination>DimensionCombinations{_COMBINATION} "
        "PrimaryLedger>Ledgers(LegalEntityId)",
    ),
    EntitySet(
        "BudgetRegisterEntries",
        "BudgetRegisterEntryEntity",
        "Budget account entries",
        "dataAreaId* EntryNumber* LegalEntityId* LineNumber*:Line BudgetModelId BudgetCode "
        "BudgetType:BudgetTransactionType Status:BudgetTransactionStatus OneTimeRevision:NoYes ReasonCode "
        "ReasonComment DocumentWorkflowStatus:BudgetTransactionWorkflowStatus "
        "LineWorkflowStatus:BudgetTransactionWorkflowStatus Date:DateTimeOffset DimensionDisplayValue "
        "DimensionAccountStructure AmountType:BudgetType CurrencyCode TransactionCurrencyAmount:Decimal "
        "AccountingCurrencyAmount:Decimal Quantity:Decimal Price:Decimal IncludeInCashFlowForecast:NoYes Comment",
        computed="BudgetType Status DocumentWorkflowStatus LineWorkflowStatus AccountingCurrencyAmount",
        navigation=f"BudgetRegisterEntryHeaders>BudgetRegisterEntryHeaders({_HEADER_KEYS}) "
        f"DimensionCombination>DimensionCombinations{_COMBINATION} Currency>Currencies(CurrencyCode) "
        f"BudgetModels>BudgetModels{_MODEL} Ledger>Ledgers(LegalEntityId) BudgetCodes>BudgetCodes{_CODE}",
        view="SELECT h.dataAreaId, h.EntryNumber, h.LegalEntityId, l.LineNumber, h.BudgetModelId, h.BudgetCode, "
        "h.BudgetType, h.Status, h.OneTimeRevision, h.ReasonCode, h.ReasonComment, "
        "h.WorkflowStatus AS DocumentWorkflowStatus, l.WorkflowStatus AS LineWorkflowStatus, "
        "l.EntryDate AS Date, l.DimensionDisplayValue, l.DimensionAccountStructure, l.AmountType, "
        "l.CurrencyCode, l.TransactionCurrencyAmount, l.AccountingCurrencyAmount, l.Quantity, l.Price, "
        "l.IncludeInCashFlowForecast, l.Comment FROM BudgetRegisterEntryLines l "
        "JOIN BudgetRegisterEntryHeaders h USING (dataAreaId, LegalEntityId, EntryNumber)",
    ),
)
