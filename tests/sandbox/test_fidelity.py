"""The fidelity checklist of the wire contract (§8): a test for each row, and each notices a row that is not played."""

import inspect
import io
import json
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from connections.errors import FinanceNotConfigured
from connections.queries import finance_client
from connections.rules.flows import EXPORT_FLOW
from sandbox.control.behaviours import BEHAVIOURS
from tests.sandbox.conftest import LINE
from tests.stack import until

CATALOG = "mserp_financeandoperationsentities"
FACTS = "msdyn_xpnacube_opexplans"
VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"
GOOD = "Civilian Salaries|Fire|1010"
MODEL = {"dataAreaId": "usmf", "BudgetModel": "FY22-OPS"}


def repacked(package: bytes, **changes) -> bytes:
    """The package with members replaced (by a function of their bytes) or left out (None)."""
    wanted = {name.replace("_", "."): change for name, change in changes.items()}
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            change = wanted.get(name if name.endswith(".xml") else "data", lambda data: data)
            if change:
                new.writestr(name, change(old.read(name)))
    return made.getvalue()


def outcome(wire, content: bytes, execution_id: str) -> str:
    """What became of a package: the refusal of the start call, or the final word and the messages."""
    answer = wire.start(content, execution_id)
    if answer.status_code != 200:
        return answer.text
    return f"{wire.ended(execution_id)} {[error['ErrorMessage'] for error in wire.errors(execution_id)]}"


def put(wire, **modes) -> None:
    wire.control.put("faults", modes)


def row_of(number: int) -> str:
    return list(BEHAVIOURS)[number - 1]


def test_row_01_write_url(wire):
    value = wire.act("GetAzureWriteUrl", uniqueFileName="one.zip").json()["value"]
    assert isinstance(value, str)
    inner = json.loads(value)
    assert re.fullmatch(r"\{.+\}", inner["BlobId"])
    put = wire.http.put(inner["BlobUrl"], content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert put.status_code == 201


def test_row_02_blob_refusals(wire):
    url = json.loads(wire.act("GetAzureWriteUrl", uniqueFileName="two.zip").json()["value"])["BlobUrl"]
    assert wire.http.put(url, content=b"x").status_code == 400
    put(wire, write_url_seconds=-10)
    url = json.loads(wire.act("GetAzureWriteUrl", uniqueFileName="two.zip").json()["value"])["BlobUrl"]
    assert wire.http.put(url, content=b"x", headers={"x-ms-blob-type": "BlockBlob"}).status_code == 403


def test_row_03_package_checks(wire):
    good = wire.package(LINE)
    broken = {
        "no manifest": repacked(good, Manifest_xml=None),
        "no header": repacked(good, PackageHeader_xml=None),
        "namespace": repacked(good, Manifest_xml=lambda data: data.replace(b"dynamics/2015/01", b"dynamics/2016/01")),
        "label": repacked(good, Manifest_xml=lambda data: data.replace(b"Budget account entries<", b"Budgets<")),
        "file": repacked(good, data=None),
        "mark": repacked(good, data=lambda data: data[2:]),
        "line ends": repacked(good, data=lambda data: data.decode("utf-16").replace("\r\n", "\n").encode("utf-16")),
    }
    for name, content in broken.items():
        assert not outcome(wire, content, f"e-{name.replace(' ', '-')}").startswith("Succeeded"), name
    assert wire.lines() == []


def test_row_04_no_map_no_rows(wire):
    bare = repacked(
        wire.package(LINE),
        Manifest_xml=lambda data: re.sub(rb"<EntityMapList>.*</EntityMapList>", b"<EntityMapList />", data, flags=re.S),
    )
    assert outcome(wire, bare, "e-4") == "Succeeded []"
    assert wire.lines() == []


def test_row_05_status_cycle(wire):
    put(wire, visibility_lag_seconds=1, queue_seconds=3, import_seconds=3)
    wire.start(wire.package(LINE))
    first = wire.act("GetExecutionSummaryStatus", executionId="e-1")
    assert first.status_code == 400
    assert "were not found" in first.text
    seen: list[str] = []

    def ended() -> bool:
        answer = wire.act("GetExecutionSummaryStatus", executionId="e-1")
        word = answer.json()["value"] if answer.status_code == 200 else "not found"
        if word not in seen:
            seen.append(word)
        return word == "Succeeded"

    until(ended, 30, "the import ends")
    assert [word for word in seen if word != "not found"] == ["NotRun", "Executing", "Succeeded"]


def test_row_06_partial_success(wire):
    bad = LINE | {"LINENUMBER": "2", "DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|0000"}
    assert outcome(wire, wire.package(LINE, bad), "e-6").startswith("PartiallySucceeded")
    assert [line["LineNumber"] for line in wire.lines()] == ["1"]


def test_row_07_malformed_errors(wire):
    put(wire, malformed_errors=True)
    wire.start(wire.package(LINE | {"BUDGETMODELID": "FY21-OLD"}), "e-7")
    wire.ended("e-7")
    value = wire.act("GetExecutionErrors", executionId="e-7").json()["value"]
    assert "FY21-OLD" in value
    with pytest.raises(json.JSONDecodeError):
        _parsed(value)


def _parsed(value: str) -> None:
    json.loads(value)


def test_row_08_one_import_per_project(wire):
    put(wire, import_seconds=3)
    content = wire.package(LINE)
    assert wire.start(content, "e-8a").status_code == 200
    assert wire.start(content, "e-8b").status_code >= 400
    assert wire.ended("e-8a") == "Succeeded"


def test_row_09_slow_unpack(wire):
    put(wire, unpack_seconds=3)
    url = wire.upload(wire.package(LINE))
    wire.http.timeout = httpx.Timeout(30, read=1)
    with pytest.raises(httpx.ReadTimeout):
        wire.act("ImportFromPackage", packageUrl=url, definitionGroupId="Slow", executionId="e-9", execute=True,
                 overwrite=True, legalEntityId="USMF")  # fmt: skip
    wire.http.timeout = httpx.Timeout(30)
    details = wire.finance("DataManagementExecutionJobDetails", **{"$filter": "DefinitionGroupId eq 'Slow'"})
    assert [row["JobId"] for row in details.json()["value"]] == ["e-9"]
    assert wire.ended("e-9") == "Succeeded"


def test_row_10_dimension_format(wire):
    extra = LINE | {"DIMENSIONDISPLAYVALUE": f"{GOOD}|extra"}
    assert outcome(wire, wire.package(extra), "e-10a") == "Succeeded []"
    assert wire.lines()[0]["DimensionDisplayValue"] == GOOD
    active = {"DimensionFormatName": "BudgetRegister", "DimensionFormatType": "DataEntityBudgetDimensionFormat"}
    wire.control.put("rows/DimensionIntegrationFormats", active | {"IsActive": "No"})
    assert outcome(wire, wire.package(LINE | {"LINENUMBER": "2"}), "e-10b").startswith("Failed")
    assert len(wire.lines()) == 1


def test_row_11_upsert_by_key(wire):
    outcome(wire, wire.package(LINE), "e-11a")
    outcome(wire, wire.package(LINE | {"TRANSACTIONCURRENCYAMOUNT": "99.00"}), "e-11b")
    assert [line["TransactionCurrencyAmount"] for line in wire.lines()] == ["99.00"]
    others = [
        LINE | {"ENTRYNUMBER": "T-2"},
        LINE | {"ENTRYNUMBER": "T-3"},
        LINE | {"ENTRYNUMBER": "T-3", "LINENUMBER": "2"},
    ]
    outcome(wire, wire.package(*others), "e-11c")
    assert [len(wire.lines(entry)) for entry in ("T-1", "T-2", "T-3")] == [1, 1, 2]
    twice = wire.package(LINE | {"ENTRYNUMBER": "T-4"}, LINE | {"ENTRYNUMBER": "T-4"})
    assert not outcome(wire, twice, "e-11d").startswith("Succeeded")
    assert len(wire.lines("T-4")) <= 1


def test_row_12_completed_is_closed(wire):
    outcome(wire, wire.package(LINE), "e-12a")
    key = {"dataAreaId": "usmf", "LegalEntityId": "USMF", "EntryNumber": "T-1"}
    wire.control.put("rows/BudgetRegisterEntryHeaders", key | {"Status": "Completed"})
    changed = wire.package(LINE | {"TRANSACTIONCURRENCYAMOUNT": "99.00"})
    assert outcome(wire, changed, "e-12b").startswith("Failed")
    assert [line["TransactionCurrencyAmount"] for line in wire.lines()] == ["12.34"]


def test_row_13_row_rules(wire):
    fund = {"FinancialDimension": "Fund", "LegalEntityId": "USMF"}
    wire.control.put("rows/FinancialDimensionValues", fund | {"DimensionValue": "1020", "IsSuspended": "Yes"})
    late = fund | {"DimensionValue": "1100", "ActiveFrom": "2030-01-01T12:00:00Z"}
    wire.control.put("rows/FinancialDimensionValues", late)
    period = {"LedgerName": "USMF", "Calendar": "Fiscal-Jul", "YearName": "FY2022", "PeriodName": "Aug 2021"}
    wire.control.put("rows/LedgerFiscalPeriods", period | {"PeriodStatus": "Closed"})
    bad = [
        {"BUDGETMODELID": "FY21-OLD"},
        {"DATE": "2021-08-15"},
        {"DATE": "1999-01-01"},
        {"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|0000"},
        {"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1020"},
        {"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1100"},
    ]
    for number, change in enumerate(bad):
        row = LINE | {"ENTRYNUMBER": f"B-{number}"} | change
        assert outcome(wire, wire.package(row), f"e-13-{number}").startswith("Failed"), change
        assert wire.lines(f"B-{number}") == []
    transfer = LINE | {"ENTRYNUMBER": "B-T", "BUDGETCODE": "TRANS"}
    assert not outcome(wire, wire.package(transfer), "e-13-t").startswith("Succeeded")
    assert wire.lines("B-T") == []
    balance = transfer | {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": "-12.34"}
    assert outcome(wire, wire.package(transfer, balance), "e-13-b") == "Succeeded []"


def test_row_14_dataverse_paging(wire):
    page = wire.dataverse(FACTS, **{"$select": "msdyn_amount"}).json()
    sizes, ids = [], set()
    token = wire.bearer(wire.facts["dataverse_url"])
    while True:
        sizes.append(len(page["value"]))
        ids |= {row["msdyn_xpnacube_opexplanid"] for row in page["value"]}
        following = page.get("@odata.nextLink")
        if not following or len(sizes) > 5:
            break
        assert "skiptoken=" in following
        changed = wire.http.get(following.replace("pagenumber", "pagenumbers"), headers=token)
        assert following.replace("pagenumber", "pagenumbers") == following or changed.status_code == 400
        page = wire.http.get(following, headers=token).json()
    assert sizes == [5000, 5000, 2636]
    assert len(ids) == sum(sizes)
    protected = {
        "0x80072322": {"requests": 1},
        "0x80072321": {"execution_seconds": 0.1, "call_seconds": 0.2},
        "0x80072326": {"concurrent": 2, "call_seconds": 1},
    }
    for code, limits in protected.items():
        put(wire, service_protection=limits)
        refused = until(lambda: _refused_of_two(wire, token), 20, f"{code} is answered")
        assert refused.json()["error"]["code"] == code
        assert int(refused.headers["retry-after"]) > 0


def _refused_of_two(wire, token):
    """The 429 among two calls at once, if there is one."""
    address = f"{wire.facts['dataverse_url']}/api/data/v9.2/WhoAmI"
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: wire.http.get(address, headers=token), range(2)))
    return next((answer for answer in answers if answer.status_code == 429), None)


def test_row_15_virtual_entities(wire):
    def entity(name: str) -> str:
        [row] = wire.dataverse(CATALOG, **{"$filter": f"mserp_physicalname eq '{name}'"}).json()["value"]
        return f"{CATALOG}({row['mserp_financeandoperationsentityid']})"

    models, codes = entity("BudgetModelEntity"), entity("BudgetCodeEntity")
    for name in ("BudgetModelEntity", "BudgetCodeEntity"):
        wire.control.put(f"virtual-entities/{name}", {"visible": False})
    assert wire.dataverse("mserp_budgetmodelentities").status_code == 404
    put(wire, generation_seconds=2)
    assert wire.patch(models, {"mserp_hasbeengenerated": True}).status_code == 204
    assert wire.dataverse("mserp_budgetmodelentities").status_code == 404
    parallel = wire.patch(codes, {"mserp_hasbeengenerated": True})
    assert "PluginSqlLockManager failed to acquire lock" in parallel.text
    until(lambda: wire.dataverse("mserp_budgetmodelentities").status_code == 200, 15, "it is generated")


def test_row_16_finance_wire(wire):
    everything = {"cross-company": "true"}
    areas = {row["dataAreaId"] for row in wire.finance("BudgetModels").json()["value"]}
    assert areas == {"usmf"}
    assert {row["dataAreaId"] for row in wire.finance("BudgetModels", **everything).json()["value"]} > areas
    assert {row["Stopped"] for row in wire.finance("BudgetModels").json()["value"]} == {"Yes", "No"}
    assert wire.finance("BudgetModels/$count", **everything).content.startswith(b"\xef\xbb\xbf")
    lines = [LINE | {"ENTRYNUMBER": "T-16", "LINENUMBER": str(number)} for number in range(1, 10_003)]
    assert outcome(wire, wire.package(*lines), "e-16") == "Succeeded []"
    entry = {"$filter": "EntryNumber eq 'T-16'", "$select": "LineNumber"}
    page = wire.finance("BudgetRegisterEntryLines", **entry).json()
    assert len(page["value"]) == 10_000
    assert page.get("@odata.nextLink")
    rest = wire.http.get(page["@odata.nextLink"], headers=wire.bearer(wire.facts["finance_url"])).json()
    assert sorted(row["LineNumber"] for row in rest["value"]) == [10_001, 10_002]
    put(wire, finance_busy=1)
    busy = wire.finance("BudgetModels")
    assert busy.status_code == 429
    assert "system experiencing high resource utilization" in busy.text
    assert busy.headers["retry-after"]


def test_row_17_unknown_user(wire):
    assert wire.finance("LegalEntities", user="reviewer").status_code in (401, 403)
    virtual = wire.dataverse("mserp_budgetmodelentities", user="reviewer")
    assert virtual.status_code == 403
    assert "Unable to determine the user in CDS" in virtual.text


def test_row_18_missing_variable(wire, environment):
    """Without a value nobody can reach Finance, and the portal says so in the documented words."""
    wire.control.put(f"environment-variables/{VARIABLE}", {"value": None})
    query = {
        "$filter": f"schemaname eq '{VARIABLE}'",
        "$expand": "environmentvariabledefinition_environmentvariablevalue($select=value)",
    }
    [found] = wire.dataverse("environmentvariabledefinitions", **query).json()["value"]
    assert found["environmentvariabledefinition_environmentvariablevalue"] == []
    assert not found.get("defaultvalue")
    with pytest.raises(FinanceNotConfigured) as refused:
        finance_client(environment=environment, flow_name=EXPORT_FLOW)
    assert refused.value.headline == "Finance service not reachable"


ROWS = {int(name[9:11]): check for name, check in list(globals().items()) if name.startswith("test_row_")}


def test_every_row_has_its_test():
    assert sorted(ROWS) == list(range(1, len(BEHAVIOURS) + 1))


@pytest.mark.parametrize("number", sorted(ROWS), ids=lambda number: row_of(number))
def test_a_row_that_is_not_played_is_noticed(request, wire, number):
    needs = inspect.signature(ROWS[number]).parameters
    found = {name: request.getfixturevalue(name) for name in needs}
    put(wire, switched_off=[row_of(number)])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        ROWS[number](**found)
