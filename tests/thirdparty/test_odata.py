"""Clients and checkers of OData that others wrote, against the sandbox's Finance."""

import json
import subprocess
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import requests
from odata import ODataService
from odata.exceptions import ODataError
from odata.flags import ODataServerFlags

from tests.sandbox.conftest import Wire

BIN = Path(__file__).parent / "node_modules" / ".bin"
ENTRY = {"dataAreaId": "usmf", "LegalEntityId": "USMF", "EntryNumber": "C-1"}
DAY = datetime(2021, 8, 1, 12, tzinfo=UTC)


@pytest.fixture
def wire(sandbox, tmp_path):
    made = Wire(sandbox, tmp_path)
    yield made
    made.http.close()


@pytest.fixture
def service(wire):
    """python-odata over a session of requests that believes the sandbox's CA."""
    with requests.Session() as session:
        session.verify = str(wire.control.ca_file)
        session.headers.update(wire.bearer(wire.facts["finance_url"]))
        flags = ODataServerFlags(skip_null_properties=True, provide_odata_type_annotation=True)
        url = f"{wire.facts['finance_url']}/data/"
        yield ODataService(url, reflect_entities=True, session=session, quiet_progress=True, server_flags=flags)


def new(service, entity_set, **values):
    """An entity of the client with its values; those of enumerations by member name."""
    entity = service.entities[entity_set]()
    for name, value in values.items():
        kind = getattr(getattr(type(entity), name), "enum_class", None)
        setattr(entity, name, kind[value] if kind else value)
    return entity


def entry(service):
    """A header with one line, saved by the client."""
    header = new(
        service, "BudgetRegisterEntryHeaders", **ENTRY, BudgetModelId="FY22-OPS", BudgetCode="ORIG", DefaultDate=DAY
    )
    service.save(header)
    line = new(
        service,
        "BudgetRegisterEntryLines",
        **ENTRY,
        LineNumber=Decimal(1),
        EntryDate=DAY,
        DimensionDisplayValue="Civilian Salaries|Fire|1010",
        CurrencyCode="USD",
        TransactionCurrencyAmount=Decimal("12.5"),
        AmountType="Expense",
    )
    service.save(line)
    return header, line


class TestPythonOData:
    def test_it_reads_the_metadata(self, service):
        assert "BudgetRegisterEntries" in service.entities
        kinds = service.types["Microsoft.Dynamics.DataEntities.BudgetTransactionType"]
        assert kinds["FixedAsset_RU"].value == 100

    def test_it_filters_orders_and_limits(self, service):
        models = service.entities["BudgetModels"]
        query = service.query(models).filter(models.BudgetModel != "FY22-OPS").order_by(models.BudgetModel.desc())
        assert [one.BudgetModel for one in query.limit(2)] == ["FY22-FCST", "FY22-CIP"]
        yes = models.Stopped.enum_class["Yes"]
        assert [one.BudgetModel for one in service.query(models).filter(models.Stopped == yes)] == ["FY21-OLD"]
        values = service.entities["FinancialDimensionValues"]
        found = service.query(values).filter(values.DimensionValue.startswith("10")).select(values.DimensionValue)
        assert all(row["DimensionValue"].startswith("10") for row in found)

    def test_it_follows_the_pages(self, service, wire):
        wire.control.put("faults", {"page_size": 50})
        values = service.entities["FinancialDimensionValues"]
        assert len(service.query(values).all()) == 189
        assert len(wire.control.requests("FinancialDimensionValues")) == 4

    def test_it_reads_by_key(self, service):
        codes = service.entities["BudgetCodes"]
        code = service.query(codes).get(dataAreaId="usmf", BudgetCode="AMEND")
        assert code.BudgetType.name == "Amendment"
        fresh = service.default_context.connection.execute_get(code.__odata__.instance_url)
        assert fresh["Description"] == "Revision"

    def test_it_calls_an_action(self, service):
        groups = service.entities["DataManagementDefinitionGroups"]
        answer = json.loads(groups.GetAzureWriteUrl(uniqueFileName="client.zip"))
        assert answer["BlobUrl"].startswith("https://")

    def test_it_writes_changes_and_deletes_a_project(self, service):
        project = new(service, "DataManagementDefinitionGroups", Name="C-1", Description="d", OperationType="Import")
        service.save(project)
        project.Description = "changed"
        service.save(project)
        groups = service.entities["DataManagementDefinitionGroups"]
        assert service.query(groups).get("C-1").Description == "changed"
        service.delete(project)
        assert service.query(groups).filter(groups.Name == "C-1").all() == []

    def test_it_writes_changes_and_deletes_an_entry(self, service, wire):
        header, line = entry(service)
        assert (header.Status.name, line.AccountingCurrencyAmount) == ("Draft", Decimal("12.5"))
        line.TransactionCurrencyAmount = Decimal("7.25")
        service.save(line)
        [kept] = wire.control.get("register-entries", legalEntity="USMF")["entries"]
        assert (kept["ExpenseBudgetTotal"], kept["CreatedBy"]) == ("7.25", "owner")
        service.delete(line)
        service.delete(header)
        assert wire.control.get("register-entries", legalEntity="USMF")["entries"] == []

    def test_it_expands_a_line_to_its_header(self, service):
        entry(service)
        lines = service.entities["BudgetRegisterEntryLines"]
        [line] = service.query(lines).expand(lines.BudgetRegisterEntryHeader)
        assert line.BudgetRegisterEntryHeader.BudgetModelId == "FY22-OPS"

    def test_it_understands_a_refusal(self, service):
        row = new(service, "BudgetRegisterEntryHeaders", **ENTRY, BudgetModelId="FY21-OLD", BudgetCode="ORIG")
        with pytest.raises(ODataError) as caught:
            service.save(row)
        assert caught.value.status_code == "HTTP 400"
        assert "Budget model FY21-OLD is stopped" in caught.value.detailed_message


@pytest.fixture
def document(wire, tmp_path):
    path = tmp_path / "metadata.xml"
    path.write_bytes(wire.finance("$metadata").content)
    return path


class TestCheckers:
    def test_odata_csdl_accepts_the_metadata(self, node, document):
        target = document.with_suffix(".json")
        done = subprocess.run(
            [node, BIN / "odata-csdl-xml2json", "-t", target, document], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        schema = json.loads(target.read_text())["Microsoft.Dynamics.DataEntities"]
        assert schema["BudgetRegisterEntry"]["$Key"] == ["dataAreaId", "EntryNumber", "LegalEntityId", "LineNumber"]
        assert schema["BudgetTransactionType"]["Apportionment"] == 12
        assert schema["Resources"]["BudgetModels"]["$Type"] == "Microsoft.Dynamics.DataEntities.BudgetModel"

    def test_odata_openapi_makes_an_openapi_of_it(self, node, document):
        target = document.with_suffix(".openapi.json")
        done = subprocess.run(
            [node, BIN / "odata-openapi3", "-t", target, document], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        made = json.loads(target.read_text())
        paths = made["paths"]
        action = "/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.ImportFromPackage"
        assert {"/BudgetRegisterEntries", "/DataManagementDefinitionGroups('{Name}')", action} <= set(paths)
        create = made["components"]["schemas"]["Microsoft.Dynamics.DataEntities.BudgetRegisterEntryHeader-create"]
        assert "ExpenseBudgetTotal" not in create["properties"]
