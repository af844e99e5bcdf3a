"""Legal entities, ledgers, accounts, dimensions, calendars, currencies, users (contract 2.9)."""

from sandbox.entities import EntitySet

_STRUCTURES = " ".join(f"AccountStructureName{n}" for n in range(1, 21))
_SEGMENTS = " ".join(f"SegmentName{n:02}" for n in range(1, 12))
_CRITERIA = " ".join(f"SegmentCriteria{n:02}" for n in range(1, 12))
_GAINS = " ".join(
    f"MainAccountId{kind}{way}" for kind in ("Realized", "Unrealized", "Financial") for way in ("Gain", "Loss")
)
_OVERRIDE = (
    "FinancialDimension* DimensionValue* LegalEntityId* IsSuspended:NoYes ActiveFrom:DateTimeOffset "
    "ActiveTo:DateTimeOffset Owner"
)

LEDGER_SETS = (
    EntitySet("LegalEntities", "OMLegalEntity", "Legal entities", "LegalEntityId* Name"),
    EntitySet(
        "Companies",
        "CompanyInfoEntity",
        "Companies",
        "DataArea* Name KnownAs LanguageId PartyNumber",
        view="SELECT lower(LegalEntityId) AS DataArea, Name, Name AS KnownAs, 'en-us' AS LanguageId, "
        "'' AS PartyNumber FROM LegalEntities",
    ),
    EntitySet(
        "Ledgers",
        "LedgerEntity",
        "Ledger",
        "LegalEntityId* Name Description AccountingCurrency ReportingCurrency ExchangeRateType BudgetExchangeRateType "
        "ReportingCurrencyExchangeRateType FiscalCalendar ChartOfAccounts ChartOfAccountsRecId:Int64 LedgerRecId:Int64 "
        f"IsBudgetControlEnabled:NoYes BalancingFinancialDimension {_STRUCTURES} {_GAINS}",
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
        "FinancialDimensionValueLegalEntityOverrides",
        "DimAttributeValueLegalEntityOverrideEntity",
        "Financial dimension value legal entity overrides",
        _OVERRIDE,
        navigation="FinancialDimensionValueLegalEntityOverrideEntityRelatedRoleFinancialDimension>DimensionAttributes"
        "(FinancialDimension=DimensionName)",
    ),
    EntitySet(
        "FinancialDimensionValueLegalEntityOverridesV2",
        "DimAttributeValueLegalEntityOverrideV2Entity",
        "Financial dimension value legal entity overrides V2",
        _OVERRIDE,
        view="SELECT FinancialDimension, DimensionValue, LegalEntityId, IsSuspended, ActiveFrom, ActiveTo, Owner "
        "FROM FinancialDimensionValueLegalEntityOverrides",
    ),
    EntitySet(
        "AccountStructures",
        "AccountStructureEntity",
        "Account structures",
        f"AccountStructureName* Status*:DimensionHierarchyConstraintStatus {_SEGMENTS}",
    ),
    EntitySet(
        "AccountStructureConstraints",
        "AccountStructureConstraintEntity",
        "Account structure allowed values",
        "AccountStructure* Status*:DimensionHierarchyConstraintStatus Position*:Int32 ActiveFrom:DateTimeOffset "
        f"ActiveTo:DateTimeOffset {_CRITERIA}",
    ),
    EntitySet(
        "DimensionCombinations",
        "DimensionCombinationEntity",
        "Financial dimension combinations",
        "RecordId*:Int64 AccountValue AccountStructure DisplayValue MainAccount",
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
        "LedgerFinancialReasons",
        "ReasonEntity",
        "Financial reasons",
        "dataAreaId* ReasonCode* DefaultComment ForLedgerTransactionType:NoYes ForRCashTransactionType:NoYes "
        "ForCustomerTransactionType:NoYes ForBankTransactionType:NoYes ForAssetTransactionType:NoYes "
        "CancellationReason:NoYes ForRAssetTransactionType:NoYes ForVendorTransactionType:NoYes PurposeCode:NoYes",
        navigation="BudgetCode>BudgetCodes*(dataAreaId,ReasonCode)",
    ),
    EntitySet(
        "SystemUsers", "SystemUserEntity", "System users", "UserID* UserName Alias Email Enabled:Boolean Company"
    ),
    EntitySet(
        "SecurityUserRoles",
        "SecurityUserRoleEntity",
        "User role associations",
        "UserId* SecurityRoleIdentifier* SecurityRoleName AssignmentStatus:RoleAssignmentStatus "
        "AssignmentMode:RoleAssignmentMode",
    ),
    EntitySet(
        "SecurityRoleDuties",
        "SecurityRoleDutyEntity",
        "Security role duties",
        "SecurityRoleIdentifier* SecurityDutyIdentifier* SecurityRoleName SecurityDutyName",
    ),
)
