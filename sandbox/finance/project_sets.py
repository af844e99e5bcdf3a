"""Data management: projects, their entities, executions, columns of staging tables (contract 3.1, 3.4, 4.3)."""

from sandbox.entities import EntitySet

_NOW = "(julianday('now') - 2440587.5) * 86400.0"
_VISIBLE = f"e.visible <= {_NOW} AND e.id = (SELECT max(id) FROM executions x WHERE x.execution_id = e.execution_id)"
_MOMENTS = ", ".join(
    f"strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(n.{column}, -2208988800), 'unixepoch') AS {name}"
    for column, name in (
        ("staging_started", "StagingStartDateTime"),
        ("staging_ended", "StagingEndDateTime"),
        ("target_started", "TargetStartDateTime"),
        ("target_ended", "TargetEndDateTime"),
    )
)

PROJECT_SETS = (
    EntitySet(
        "DataManagementDefinitionGroups",
        "DataManagementDefinitionGroupEntity",
        "Definition Groups",
        "Name* Description OperationType:DMFOperationType ProjectCategory:DMFProjectCategory "
        "GenerateDataPackage:NoYes TruncateEntityData:NoYes",
        navigation="Details>DataManagementDefinitionGroupDetails*(Name=DefinitionGroupId)",
    ),
    EntitySet(
        "DataManagementDefinitionGroupDetails",
        "DataManagementDefinitionGroupDetailEntity",
        "Entities for a processing group",
        "DefinitionGroupId* EntityName* RunValidateField:NoYes RunBusinessValidation:NoYes RunBusinessLogic:NoYes "
        "AutoGenerateMapping:NoYes IsTransformed:NoYes Disable:NoYes SkipStaging:NoYes FailLevelOnError:NoYes "
        "FailExecutionUnitOnError:NoYes ExecutionUnit:Int32 LevelInExecutionUnit:Int32 SequenceInLevel:Int32 "
        "SourceFormat InputFilePath SampleFilePath SampleFilePathOriginal PackageFilePath ExcelSheetName "
        "EntityXMLName ParentEntityName Tags EntityCategory:EntityCategory SysModule:DMFModule "
        "DefaultRefreshType:DMFRefreshType ValidationStatus:NoYesError QueryData:Binary QueryForODBC",
        navigation="DefinitionGroup>DataManagementDefinitionGroups(DefinitionGroupId=Name)",
    ),
    EntitySet(
        "DataManagementExecutionJobs",
        "DataManagementExecutionJobEntity",
        "Execution jobs",
        "JobId* Description",
        navigation="Details>DataManagementExecutionJobDetails*(JobId)",
        view=f"SELECT execution_id AS JobId, project AS Description FROM executions e WHERE {_VISIBLE}",
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
        f"n.updated AS TargetRecordsUpdatedCount, {_MOMENTS} "
        f"FROM execution_entities n JOIN executions e ON e.id = n.execution WHERE {_VISIBLE}",
    ),
    EntitySet(
        "DataManagementEntities",
        "DMFEntityEntity",
        "Data entities",
        "EntityName* EntityIsEnabled:NoYes TargetName StagingTableName EntityKey Category:EntityCategory Modules "
        "IsShared:NoYes CountryRegionCodes Tags ConfigurationKeyName RecVersionValue:Int32",
    ),
    EntitySet(
        "DataManagementTargetMapEntities",
        "DMFTargetMapEntity",
        "Data entity target mappings",
        "StagingField* Entity* EntityLabel TargetTable TargetField IsRequired:NoYes FieldLength:Int32 "
        "IsFieldEnabled:NoYes IsSystem:NoYes IsAutoManual:NoYes ArrayIndex:Int32 RecVersionValue:Int32",
    ),
)
