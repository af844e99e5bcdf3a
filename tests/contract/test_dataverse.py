"""What the wire contract says of Dataverse, read from whatever stands there."""

import re

import pytest

from connections import batch, dataverse_setup
from connections.dataverse import FINANCE_URI, set_name
from connections.errors import EntityHidden
from connections.rules.addresses import host_and_port, root_of
from connections.rules.wire import DELIMITERS, ENUMS

pytestmark = pytest.mark.django_db
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ENTITIES = {
    "LedgerEntity": ("LegalEntityId", "Name", "AccountingCurrency", "FiscalCalendar", "ChartOfAccounts"),
    "BudgetModelEntity": ("dataAreaId", "BudgetModel", "Name", "Stopped"),
    "BudgetDimensionEntity": ("LegalEntityId", "DimensionAttributeId"),
    "DimensionIntegrationFormatEntity": (
        *("DimensionFormatName", "DimensionFormatType", "FinancialDimensionFormat", "IsActive"),
    ),
    "BudgetCodeEntity": ("dataAreaId", "BudgetCode", "BudgetType", "IsDefaultCode"),
    "DataManagementDefinitionGroupEntity": ("Name", "Description"),
    "DataManagementDefinitionGroupDetailEntity": ("DefinitionGroupId", "EntityName"),
    "DimensionParametersEntity": ("DimensionSegmentDelimiter",),
}
CATALOG = "mserp_financeandoperationsentities"


def envelope(answer):
    """The error of a refusal; Dataverse gives it a code in hexadecimal and a message."""
    error = answer.json()["error"]
    assert re.fullmatch(r"0x[0-9a-fA-F]{8}", error["code"])
    assert error["message"]
    return error


def test_who_am_i_names_user_organization_and_business_unit(tenant):
    me = tenant.dataverse.who_am_i()
    assert all(GUID.fullmatch(one) for one in (me.user_id, me.organization_id, me.business_unit_id))


def test_the_environment_variable_names_the_root_of_finance(tenant):
    variable = tenant.dataverse.variable(FINANCE_URI)
    assert host_and_port(root_of(variable.value)) == host_and_port(tenant.finance_url)
    assert tenant.dataverse.variable("bpp_no_such_variable") is None


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_catalog_lists_the_entity_and_it_is_visible(tenant, entity):
    found = dataverse_setup.catalog_entity(tenant.dataverse, entity)
    assert found is not None
    assert found.physical_name == entity
    assert found.visible


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_virtual_entity_has_the_fields_and_its_enums_are_members(tenant, entity):
    fields = ENTITIES[entity]
    rows = tenant.dataverse.virtual_rows(entity, fields)
    for row in rows:
        for field in set(fields) & set(ENUMS):
            assert row[field] in ENUMS[field].values()
    if not entity.startswith("DataManagement"):
        assert rows


def test_one_active_format_of_budget_dimensions_and_a_delimiter_that_occurs_in_it(tenant):
    [parameters] = tenant.dataverse.virtual_rows("DimensionParametersEntity", ("DimensionSegmentDelimiter",))
    fields = ENTITIES["DimensionIntegrationFormatEntity"]
    formats = tenant.dataverse.virtual_rows("DimensionIntegrationFormatEntity", fields)
    [active] = [
        row["FinancialDimensionFormat"]
        for row in formats
        if row["DimensionFormatType"] == "DataEntityBudgetDimensionFormat" and row["IsActive"] == "Yes"
    ]
    segments = active.split(DELIMITERS[parameters["DimensionSegmentDelimiter"]])
    assert all(segments)
    assert len(set(segments)) == len(segments)


def test_a_virtual_table_shows_the_same_rows_as_finance(tenant):
    there = {row["LegalEntityId"] for row in tenant.dataverse.virtual_rows("LedgerEntity", ("LegalEntityId",))}
    assert there == {row["LegalEntityId"] for row in tenant.finance.rows("Ledgers", ("LegalEntityId",))}
    assert tenant.legal_entity in there


def test_pages_follow_each_other_without_loss_and_stay_on_the_host(tenant):
    fields = ("mserp_physicalname",)

    def names(pages):
        return [row["mserp_physicalname"] for page in pages for row in page.rows]

    order = "mserp_physicalname"
    whole = names(tenant.dataverse.pages(CATALOG, fields, order=order))
    size = max(len(whole) // 3, 1)
    small = list(tenant.dataverse.pages(CATALOG, fields, order=order, page_size=size))
    assert names(small) == whole
    assert max(len(page.rows) for page in small) == size
    assert "$skiptoken=" in small[0].next_url
    assert all(tenant.dataverse.service.is_ours(page.next_url) for page in small if page.next_url)
    rest = tenant.dataverse.pages(CATALOG, fields, order=order, page_size=size, start=small[0].next_url)
    assert names(rest) == whole[size:]


def test_a_set_that_is_not_there_is_404_in_the_envelope(tenant):
    refused = tenant.refused(tenant.dataverse, set_name("NoSuchBudgetEntity"))
    assert refused.status == 404
    envelope(refused)
    with pytest.raises(EntityHidden):
        tenant.dataverse.virtual_rows("NoSuchBudgetEntity", ("Name",))


def test_an_unknown_column_is_400_in_the_envelope(tenant):
    refused = tenant.refused(tenant.dataverse, "systemusers", {"$select": "nosuchcolumn"})
    assert refused.status == 400
    assert "nosuchcolumn" in envelope(refused)["message"]


def test_startswith_over_definitions_is_not_implemented(tenant):
    """501, which the border takes for a server that can't answer now: so it is never asked."""
    url = tenant.dataverse.service.address("EntityDefinitions", {"$filter": "startswith(LogicalName,'mserp_')"})
    with pytest.raises(Exception, match="501"):
        tenant.dataverse.get(url.removeprefix(f"{tenant.dataverse.service.root}/"))


def test_a_table_is_described_by_its_definition(tenant):
    table = tenant.dataverse.table("systemuser")
    assert (table.set_name, table.id_column) == ("systemusers", "systemuserid")
    assert tenant.dataverse.table("bpp_no_such_table") is None


def test_the_roles_of_a_user_are_listed(tenant):
    assert all(dataverse_setup.roles_of(tenant.dataverse, tenant.dataverse.who_am_i().user_id))


def test_flows_and_connection_references_are_listed(tenant):
    for flow in dataverse_setup.cloud_flows(tenant.dataverse):
        assert flow.state in (0, 1, 2)
        assert GUID.fullmatch(flow.owner_id)
    for slot in dataverse_setup.connection_slots(tenant.dataverse):
        assert slot.logical_name


def test_a_batch_answers_each_read_by_itself(tenant):
    dataverse = tenant.dataverse
    urls = [dataverse.service.address(path) for path in ("WhoAmI", "nosuchsets", "WhoAmI")]
    first, second, third = batch.read(dataverse.service, urls, refuse=dataverse.refuse)
    assert first.json()["UserId"] == third.json()["UserId"]
    assert second.status == 404
    envelope(second)
