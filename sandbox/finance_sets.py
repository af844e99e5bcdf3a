"""Declarations of the Finance OData sets (contract 2.3–2.5, 2.9, 3.1, 4.3)."""

from sandbox.entities import EntitySet

_STRUCTURES = " ".join(f"AccountStructureName{n}" for n in range(1, 21))
_SEGMENTS = " ".join(f"SegmentName{n:02}" for n in range(1, 12))
_NOW = "(julianday('now') - 2440587.5) * 86400.0"

_FINANCE = (
    EntitySet("LegalEntities", "OMLegalEntity", "Legal entities", "LegalEntityId* Name"),
    EntitySet(
        "Ledgers",
        "LedgerEntity",
        "Ledger",
        "LegalEntityId* Name Description AccountingCurrency ReportingCurrency ExchangeRateType BudgetExchangeRateType "
        "ReportingCurrencyExchangeRateType FiscalCalendar ChartOfAccounts ChartOfAccountsRecId:Int64 LedgerRecId:Int64 "
        f"IsBudgetControlEnabled:NoYes BalancingFinancialDimension {_STRUCTURES}",
    ),
    EntitySet(
        "BudgetModels",
        "BudgetModelEntity",
        "Budget models",
        "dataAreaId* BudgetModel* Name Stopped:NoYes CashFlowForecasts:NoYes",
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
        "DimensionIntegrationFormats",
        "DimensionIntegrationFormatEntity",
        "Financial dimension format",
        "DimensionFormatName* DimensionFormatType*:DimensionHierarchyType FinancialDimensionFormat IsActive:NoYes",
    ),
    EntitySet(
        "DimensionParameters",
        "DimensionParametersEntity",
        "Dimension parameters",
        "Key*:Int32 DimensionSegmentDelimiter:DimensionSegmentDelimiter",
    ),
    EntitySet(
        "DataManagementDefinitionGroups",
        "DataManagementDefinitionGroupEntity",
        "Definition Groups",
        "Name* Description OperationType:DMFOperationType ProjectCategory:DMFProjectCategory "
        "GenerateDataPackage:NoYes TruncateEntityData:NoYes",
    ),
    EntitySet(
        "DataManagementDefinitionGroupDetails",
        "DataManagementDefinitionGroupDetailEntity",
        "Entities for a processing group",
        "DefinitionGroupId* EntityName* RunValidateField:NoYes RunBusinessValidation:NoYes RunBusinessLogic:NoYes "
        "AutoGenerateMapping:NoYes IsTransformed:NoYes Disable:NoYes SkipStaging:NoYes FailLevelOnError:NoYes "
        "FailExecutionUnitOnError:NoYes ExecutionUnit:Int32 LevelInExecutionUnit:Int32 SequenceInLevel:Int32 "
        "SourceFormat InputFilePath SampleFilePath ExcelSheetName EntityXMLName ParentEntityName Tags "
        "EntityCategory:DMFEntityCategory DefaultRefreshType:DMFRefreshType ValidationStatus",
    ),
    EntitySet(
        "MainAccounts",
        "MainAccountEntity",
        "Main account",
        "ChartOfAccounts* MainAccountId* Name MainAccountType:DimensionLedgerAccountType IsSuspended:NoYes "
        "ActiveFrom:DateTimeOffset ActiveTo:DateTimeOffset DoNotAllowManualEntry:NoYes",
    ),
    EntitySet(
        "DimensionAttributes",
        "DimensionAttributeEntity",
        "Financial dimensions",
        "DimensionName* UseValuesFrom DimensionValueMask ReportColumnName",
    ),
    EntitySet(
        "FinancialDimensionValues",
        "DimensionAttributeValueEntity",
        "Financial dimension values",
        "FinancialDimension* LegalEntityId* DimensionValue* Description IsSuspended:NoYes "
        "IsBlockedForManualEntry:NoYes IsTotal:NoYes ActiveFrom:DateTimeOffset ActiveTo:DateTimeOffset Owner "
        "GroupDimension",
    ),
    EntitySet(
        "AccountStructures",
        "AccountStructureEntity",
        "Account structures",
        f"AccountStructureName* Status*:DimensionHierarchyConstraintStatus {_SEGMENTS}",
    ),
    EntitySet(
        "FiscalPeriods",
        "FiscalCalendarPeriodEntity",
        "Fiscal calendar periods",
        "Calendar* FiscalYear* StartDate*:DateTimeOffset EndDate*:DateTimeOffset PeriodName* Type:FiscalPeriodType "
        "Month:Int32 Quarter:Int32",
    ),
    EntitySet(
        "LedgerFiscalPeriods",
        "LedgerFiscalCalendarPeriodEntity",
        "Ledger fiscal calendar periods",
        "LedgerName* Calendar* YearName* PeriodName* PeriodStatus:FiscalPeriodStatus LedgerAccessLevel",
    ),
    EntitySet("Currencies", "CurrencyEntity", "Currencies", "CurrencyCode* Name Symbol"),
    EntitySet(
        "ExchangeRates",
        "ExchangeRateEntity",
        "Exchange rates",
        "RateTypeName* FromCurrency* ToCurrency* StartDate*:DateTimeOffset EndDate:DateTimeOffset Rate:Decimal "
        "ConversionFactor:ConversionFactor",
    ),
    EntitySet(
        "SystemUsers", "SystemUserEntity", "System users", "UserID* UserName Alias Email Enabled:Boolean Company"
    ),
    EntitySet(
        "SecurityUserRoles",
        "SecurityUserRoleEntity",
        "User role associations",
        "UserId* SecurityRoleIdentifier* SecurityRoleName AssignmentStatus AssignmentMode",
    ),
    EntitySet(
        "SecurityRoleDuties",
        "SecurityRoleDutyEntity",
        "Security role duties",
        "SecurityRoleIdentifier* SecurityDutyIdentifier* SecurityRoleName SecurityDutyName",
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
        view="SELECT h.dataAreaId, h.EntryNumber, h.LegalEntityId, l.LineNumber, h.BudgetModelId, h.BudgetCode, "
        "h.BudgetType, h.Status, h.OneTimeRevision, h.ReasonCode, h.ReasonComment, "
        "h.WorkflowStatus AS DocumentWorkflowStatus, l.WorkflowStatus AS LineWorkflowStatus, "
        "l.EntryDate AS Date, l.DimensionDisplayValue, l.DimensionAccountStructure, l.AmountType, "
        "l.CurrencyCode, l.TransactionCurrencyAmount, l.AccountingCurrencyAmount, l.Quantity, l.Price, "
        "l.IncludeInCashFlowForecast, l.Comment FROM BudgetRegisterEntryLines l "
        "JOIN BudgetRegisterEntryHeaders h USING (dataAreaId, LegalEntityId, EntryNumber)",
    ),
    EntitySet(
        "DataManagementExecutionJobDetails",
        "DataManagementExecutionJobDetailEntity",
        "Execution job details",
        "DefinitionGroupId* JobId* EntityName* StagingStatus:DmfBatchJobStatus TargetStatus:DmfBatchJobStatus "
        "StagingRecordsToBeProcessedCount:Int32 StagingRecordsCreatedCount:Int32 TargetRecordsCreatedCount:Int32 "
        "TargetRecordsUpdatedCount:Int32 StagingStartDateTime:DateTimeOffset StagingEndDateTime:DateTimeOffset "
        "TargetStartDateTime:DateTimeOffset TargetEndDateTime:DateTimeOffset",
        view="SELECT e.project AS DefinitionGroupId, e.execution_id AS JobId, n.entity AS EntityName, "
        "n.staging AS StagingStatus, n.target AS TargetStatus, n.total AS StagingRecordsToBeProcessedCount, "
        "n.staged AS StagingRecordsCreatedCount, n.created AS TargetRecordsCreatedCount, "
        "n.updated AS TargetRecordsUpdatedCount, "
        + ", ".join(
            f"strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(n.{column}, -2208988800), 'unixepoch') AS {name}"
            for column, name in (
                ("staging_started", "StagingStartDateTime"),
                ("staging_ended", "StagingEndDateTime"),
                ("target_started", "TargetStartDateTime"),
                ("target_ended", "TargetEndDateTime"),
            )
        )
        + f" FROM execution_entities n JOIN executions e ON e.id = n.execution WHERE e.visible <= {_NOW} AND e.id = "
        "(SELECT max(id) FROM executions x WHERE x.execution_id = e.execution_id)",
    ),
)
FINANCE_SETS: dict[str, EntitySet] = {entity_set.name: entity_set for entity_set in _FINANCE}
