"""The data management package API over HTTP: actions, package checks, the life of an execution."""

import io
import json
import re
import threading
import uuid
import zipfile

import pytest
import xlsxwriter

from tests.sandbox.conftest import ACTIONS, LINE
from tests.sandbox.packaging import FLAT, HEADERS, LINES, Entity, Package, csv_text, flat
from tests.stack import until

START = {"definitionGroupId": "P", "executionId": "e-1", "execute": True, "overwrite": True, "legalEntityId": "USMF"}
HEADER_ROW = csv_text([LINE]).encode().split(b"\r")[0] + b"\r\n"


def said(answer):
    error = answer.json()["error"]
    return error.get("innererror", {}).get("message") or error["message"]


def begin(wire, content, **changes):
    action = changes.pop("action", "ImportFromPackage")
    return wire.act(action, **({"packageUrl": wire.upload(content)} | START | changes))


def details(wire, execution_id="e-1"):
    query = {"$filter": f"JobId eq '{execution_id}'"}
    return wire.finance("DataManagementExecutionJobDetails", **query).json()["value"]


def texts(wire):
    return " / ".join(error["ErrorMessage"] for error in wire.errors())


class TestActions:
    def test_the_write_url_is_json_inside_a_json_string(self, wire):
        value = wire.act("GetAzureWriteUrl", uniqueFileName="x.zip").json()["value"]
        assert isinstance(value, str)
        found = json.loads(value)
        assert re.fullmatch(r"\{[0-9a-f-]{36}\}", found["BlobId"])
        assert "/dmf/x.zip?" in found["BlobUrl"]

    def test_switched_off_the_write_url_is_an_object(self, wire):
        wire.control.put("faults", {"switched_off": ["write-url"]})
        assert isinstance(wire.act("GetAzureWriteUrl", uniqueFileName="x.zip").json()["value"], dict)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"surprise": "x"}, "'surprise' in the request payload is not a valid parameter"),
            ({"execute": "true"}, "'execute' to the expected type 'Edm.Boolean'"),
            ({"packageUrl": 7}, "'packageUrl' to the expected type 'Edm.String'"),
            ({"overwrite": False}, "overwrite can be false for composite entities only"),
            ({"definitionGroupId": ""}, "definitionGroupId must be filled in"),
            ({"legalEntityId": "NOPE"}, "Legal entity NOPE does not exist"),
            ({"packageUrl": "https://elsewhere.example/dmf/x.zip"}, "could not be downloaded"),
            ({"failOnError": True}, "'failOnError' in the request payload is not a valid parameter"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_a_start_call_that_is_wrong_is_refused_with_the_envelope(self, wire, changes, words):
        answer = begin(wire, wire.package(LINE), **changes)
        assert answer.status_code == 400
        assert words in said(answer)
        assert not wire.control.get("executions")["executions"]

    def test_a_missing_boolean_is_named(self, wire):
        asked = {name: value for name, value in START.items() if name != "execute"}
        answer = wire.act("ImportFromPackage", packageUrl="x", **asked)
        assert (answer.status_code, "missing parameters are: execute" in said(answer)) == (400, True)

    def test_an_unknown_project_can_be_refused(self, wire):
        wire.control.put("faults", {"unknown_project": "reject"})
        answer = begin(wire, wire.package(LINE), definitionGroupId="nobody made it")
        assert (answer.status_code, "nobody made it does not exist" in said(answer)) == (400, True)

    def test_an_empty_execution_id_gets_one_of_finances_own(self, wire):
        made = begin(wire, wire.package(LINE), executionId="").json()["value"]
        assert made.startswith("P-")
        assert wire.ended(made) == "Succeeded"

    def test_the_asynchronous_start_takes_its_three_own_parameters(self, wire):
        more = {"failOnError": True, "runAsyncWithoutBatch": True, "thresholdToRunInBatch": 10}
        assert begin(wire, wire.package(LINE), action="ImportFromPackageAsync", **more).json()["value"] == "e-1"
        assert wire.ended() == "Succeeded"

    def test_a_package_that_is_not_to_be_executed_stays_not_run_and_blocks_nothing(self, wire):
        begin(wire, wire.package(LINE), execute=False)
        assert wire.status() == "NotRun"
        begin(wire, wire.package(LINE), executionId="e-2")
        assert wire.ended("e-2") == "Succeeded"
        assert wire.status() == "NotRun"

    def test_the_history_of_an_execution_can_be_deleted(self, wire):
        wire.start(wire.package(LINE))
        wire.ended()
        assert wire.act("DeleteExecutionHistoryJob", executionId="e-1").status_code == 200
        assert wire.act("GetExecutionSummaryStatus", executionId="e-1").status_code == 400
        assert len(wire.lines()) == 1

    def test_the_page_of_an_execution_names_it(self, wire):
        wire.start(wire.package(LINE))
        url = wire.act("GetExecutionSummaryPageUrl", executionId="e-1").json()["value"]
        assert url.startswith(wire.facts["finance_url"])
        assert "e-1" in url


class TestLifeCycle:
    def test_not_found_then_not_run_then_executing_then_a_final_word(self, wire):
        wire.control.put("faults", {"visibility_lag_seconds": 0.6, "queue_seconds": 1.2, "import_seconds": 2})
        wire.start(wire.package(LINE))
        seen = []

        def look():
            answer = wire.act("GetExecutionSummaryStatus", executionId="e-1")
            lost = answer.status_code == 400 and "were not found" in said(answer)
            word = "not found" if lost else answer.json()["value"]
            if word not in seen:
                seen.append(word)
            return word == "Succeeded"

        until(look, 20, "the import ends")
        assert seen == ["not found", "NotRun", "Executing", "Succeeded"]

    def test_switched_off_an_unknown_execution_has_a_word(self, wire):
        wire.control.put("faults", {"switched_off": ["status-cycle"]})
        assert wire.act("GetExecutionSummaryStatus", executionId="never").json()["value"] == "Unknown"

    def test_a_start_that_outlives_its_client_goes_on_and_is_found_by_its_project(self, wire):
        import httpx

        wire.control.put("faults", {"unpack_seconds": 2})
        url = wire.upload(wire.package(LINE))
        finance = wire.facts["finance_url"]
        with pytest.raises(httpx.ReadTimeout):
            wire.http.post(
                f"{finance}{ACTIONS}ImportFromPackage",
                json={"packageUrl": url} | START | {"executionId": ""},
                headers=wire.bearer(finance),
                timeout=0.5,
            )
        [found] = wire.finance("DataManagementExecutionJobDetails", **{"$filter": "DefinitionGroupId eq 'P'"}).json()[
            "value"
        ]
        assert wire.ended(found["JobId"]) == "Succeeded"
        assert len(wire.lines()) == 1

    def test_switched_off_a_slow_unpacking_is_not_played(self, wire):
        wire.control.put("faults", {"unpack_seconds": 60, "switched_off": ["slow-unpack"]})
        assert wire.start(wire.package(LINE)).status_code == 200

    @pytest.mark.parametrize(("mode", "statuses"), [("fail", [200, 500]), ("queue", [200, 200]), ("allow", [200, 200])])
    def test_parallel_starts_fail_wait_or_pass(self, wire, mode, statuses):
        wire.control.put("faults", {"unpack_seconds": 1.5, "parallel_starts": mode})
        urls = [wire.upload(wire.package(LINE | {"ENTRYNUMBER": name})) for name in ("T-1", "T-2")]
        found = []

        def send(number):
            asked = START | {
                "packageUrl": urls[number],
                "executionId": f"e-{number}",
                "definitionGroupId": f"P{number}",
            }
            found.append(wire.act("ImportFromPackage", **asked).status_code)

        first = threading.Thread(target=send, args=(0,))
        first.start()
        until(lambda: wire.control.get("executions")["executions"], 20, "the first start is accepted")
        send(1)
        first.join(30)
        assert sorted(found) == statuses

    def test_one_import_of_a_project_at_a_time(self, wire):
        wire.control.faults({"call": "ImportFromPackage", "kind": "import", "effect": "stuck"})
        wire.start(wire.package(LINE))
        until(lambda: wire.status() == "Executing", 20, "the dead run begins")
        second = begin(wire, wire.package(LINE), executionId="e-2")
        assert (second.status_code, "DMF1996" in said(second)) == (500, True)
        assert begin(wire, wire.package(LINE), executionId="e-3", definitionGroupId="Other").status_code == 200
        wire.control.put("executions/e-1", {"state": "Canceled"})
        assert begin(wire, wire.package(LINE), executionId="e-4").status_code == 200

    def test_switched_off_a_second_import_of_a_project_runs(self, wire):
        wire.control.faults(
            {"call": "ImportFromPackage", "kind": "import", "effect": "stuck"}, switched_off=["one-import-per-project"]
        )
        wire.start(wire.package(LINE))
        begin(wire, wire.package(LINE), executionId="e-2")
        assert wire.ended("e-2") == "Succeeded"

    def test_a_cancelled_import_stops_where_it_is(self, wire):
        wire.control.put("faults", {"lines_per_second": 20})
        wire.start(wire.package(*(LINE | {"LINENUMBER": str(number)} for number in range(1, 401))))
        until(wire.lines, 20, "the first lines arrive")
        wire.control.put("executions/e-1", {"state": "Canceled"})
        assert wire.ended() == "Canceled"
        assert details(wire)[0]["TargetStatus"] == "Canceled"
        first = len(wire.lines())
        assert first < 400
        assert len(wire.lines()) == first


class TestScriptedEndings:
    def ended(self, wire, count=10, **fault):
        wire.control.faults({"call": "ImportFromPackage", "kind": "import", **fault})
        wire.start(wire.package(*(LINE | {"LINENUMBER": str(number)} for number in range(1, count + 1))))
        return wire.ended()

    def test_three_of_ten_rows_are_refused(self, wire):
        assert self.ended(wire, effect="partial", rows=3) == "PartiallySucceeded"
        assert (len(wire.lines()), len(wire.errors())) == (7, 3)
        [found] = details(wire)
        assert (found["TargetStatus"], found["TargetRecordsCreatedCount"]) == ("Error", 7)
        assert (found["StagingRecordsToBeProcessedCount"], found["StagingRecordsCreatedCount"]) == (10, 10)

    def test_switched_off_a_partial_success_is_a_failure(self, wire):
        wire.control.put("faults", {"switched_off": ["partial-success"]})
        assert self.ended(wire, effect="partial") == "Failed"

    def test_all_rows_are_refused_and_the_file_names_them(self, wire):
        assert self.ended(wire, count=3, effect="error_file") == "Failed"
        keys = {"executionId": "e-1", "entityName": FLAT}
        assert wire.act("GetImportTargetErrorKeysFileUrl", **keys).json()["value"] == ""
        wire.control.put("faults", {"error_file_seconds": 0.7})
        assert wire.act("GenerateImportTargetErrorKeysFile", **keys).json()["value"] is True
        assert wire.act("GetImportTargetErrorKeysFileUrl", **keys).json()["value"] == ""
        url = until(
            lambda: wire.act("GetImportTargetErrorKeysFileUrl", **keys).json()["value"], 20, "the file is ready"
        )
        rows = wire.http.get(url).text.lstrip("\ufeff").split("\r\n")
        assert rows[0] == "LEGALENTITYID,ENTRYNUMBER,LINENUMBER,FIELD,MESSAGE"
        sent = ["1", "2", "3"]
        assert [row.split(",")[:3] for row in rows[1:] if row.startswith("USMF,")] == [["USMF", "T-1", n] for n in sent]
        assert wire.act("GetImportStagingErrorFileUrl", **keys).json()["value"] == ""

    @pytest.mark.parametrize("hint", [False, True])
    def test_a_record_id_leads_to_no_line_and_stays(self, wire, hint):
        wire.control.put("faults", {"error_line_hint": hint})
        self.ended(wire, effect="partial", rows=3)
        errors = wire.errors()
        assert len({uuid.UUID(error["RecordId"]) for error in errors}) == 3 and wire.errors() == errors
        starts = [error["ErrorMessage"].startswith(f"Line {n}: ") for n, error in enumerate(errors, 1)]
        assert starts == [hint] * 3

    def test_half_of_it_and_then_canceled(self, wire):
        assert self.ended(wire, effect="canceled") == "Canceled"
        assert len(wire.lines()) == 5

    def test_unknown_for_ever(self, wire):
        wire.control.faults({"call": "ImportFromPackage", "kind": "import", "effect": "unknown"})
        wire.start(wire.package(LINE))
        until(lambda: wire.status() == "Unknown", 20, "the word is Unknown")
        assert wire.lines() == []

    def test_found_then_lost_then_found(self, wire):
        wire.control.faults({"call": "ImportFromPackage", "kind": "import", "effect": "flicker"})
        wire.start(wire.package(LINE))
        answers = [wire.act("GetExecutionSummaryStatus", executionId="e-1") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 400, 200]
        assert wire.ended() == "Succeeded"

    def test_errors_can_be_malformed(self, wire):
        wire.control.put("faults", {"malformed_errors": True})
        self.ended(wire, effect="partial")
        value = wire.act("GetExecutionErrors", executionId="e-1").json()["value"]
        with pytest.raises(ValueError, match="delimiter"):
            json.loads(value)
        wire.control.put("faults", {"switched_off": ["malformed-errors"]})
        assert len(wire.errors()) == 3


class TestPackageChecks:
    @pytest.mark.parametrize(
        ("package", "words"),
        [
            (Package([Entity(FLAT, [LINE])], leave_out=("Manifest.xml",)), "Manifest.xml is missing"),
            (Package([Entity(FLAT, [LINE])], header=None), "PackageHeader.xml is missing"),
            (Package([Entity(FLAT, [LINE])], namespace="http://schemas.example/x"), "XML is not in correct format"),
            (Package([Entity(FLAT, [LINE])], root="Manifest"), "XML is not in correct format"),
            (Package([Entity(FLAT, [LINE])], header="<a"), "XML is not in correct format"),
            (Package([Entity(FLAT, [LINE])], leave_out=(f"{FLAT}.csv",)), f"{FLAT}.csv is missing"),
            (Package([Entity(FLAT, [LINE], "CSV-Unicode", data=csv_text([LINE]).encode())]), "not Unicode"),
            (
                Package([Entity(FLAT, [LINE], "CSV", data=csv_text([LINE]).replace("\r", "").encode())]),
                f"the mapping is incorrect for entity {FLAT} and field {{",
            ),
            (Package([Entity(FLAT, [LINE], "CSV", data=b"")]), "DMF2053"),
            (
                Package([Entity(FLAT, [LINE], "CSV", data=csv_text([LINE]).encode().split(b"\r")[0] + b"\r\n")]),
                "DMF2053",
            ),
            (Package([Entity(FLAT, [LINE], "CSV", data=b'"a","b"\r\n"1","2"\r\n')]), "FF004"),
            (Package([Entity(FLAT, [LINE], "CSV", data=csv_text([LINE]).lower().encode())]), "FF004"),
            (Package([Entity(FLAT, [LINE], maps=[*LINE, "COMMENTS"])]), "There are field(s), which are not mapped"),
            (Package([Entity(FLAT, [LINE], maps=[*LINE, "PRICE"])]), "DMF1966"),
            (Package([Entity(FLAT, [LINE], "CSV", data=b"\xff\xfe\x00")]), "DMF1855"),
            (Package([Entity(FLAT, [LINE], "Fixed")]), "source data format Fixed is not set up"),
            (Package([Entity(FLAT, [LINE])], doctype='<!DOCTYPE a [<!ENTITY b "c">]>'), "XML is not in correct format"),
            (Package([Entity(FLAT, [LINE], "EXCEL", data=b"no workbook")]), "DMF1855"),
        ],
    )
    def test_a_package_that_is_not_as_it_must_be_fails(self, wire, package, words):
        wire.start(package.zipped())
        assert wire.ended() == "Failed"
        assert words in texts(wire)
        assert wire.lines() == []

    def test_an_entity_that_does_not_exist_is_refused_by_the_start_call(self, wire):
        answer = wire.start(Package([Entity("BudgetRegisterEntryEntity", [LINE])]).zipped())
        assert answer.status_code == 400
        assert said(answer) == "Entity BudgetRegisterEntryEntity does not exist in the target environment"

    def test_switched_off_the_form_of_a_package_is_not_checked(self, wire):
        wire.control.put("faults", {"switched_off": ["package-checks"]})
        data = csv_text([LINE]).replace("\r", "").encode()
        wire.start(Package([Entity("Anything", [LINE], data=data)], header=None, namespace="x").zipped())
        assert wire.ended() == "Succeeded"
        assert len(wire.lines()) == 1

    def test_a_bomb_is_refused_before_it_is_unpacked(self, wire):
        target = io.BytesIO(Package([Entity(FLAT, [LINE])]).zipped())
        with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", b"\0" * 30_000_000)
        content = target.getvalue()
        assert len(content) < 100_000
        wire.start(content)
        assert wire.ended() == "Failed"
        assert "zeros of the package is too large" in texts(wire)

    def test_without_a_map_nothing_is_imported_and_it_succeeds(self, wire):
        wire.start(flat(LINE, maps=[]))
        assert wire.ended() == "Succeeded"
        assert wire.lines() == []
        assert details(wire)[0]["StagingRecordsToBeProcessedCount"] == 0

    def test_switched_off_the_headers_of_the_file_are_the_map(self, wire):
        wire.control.put("faults", {"switched_off": ["no-map-no-rows"]})
        wire.start(flat(LINE, maps=[]))
        assert wire.ended() == "Succeeded"
        assert len(wire.lines()) == 1

    def test_xml_in_utf_16_is_read(self, wire):
        wire.start(Package([Entity(FLAT, [LINE])], encoding="utf-16").zipped())
        assert wire.ended() == "Succeeded"

    def test_a_repeated_key_stays_in_staging(self, wire):
        wire.start(flat(LINE, LINE | {"COMMENT": "again"}, LINE | {"LINENUMBER": "2"}))
        assert wire.ended() == "PartiallySucceeded"
        assert "DMF1959" in texts(wire)
        [found] = details(wire)
        assert (found["StagingRecordsToBeProcessedCount"], found["StagingRecordsCreatedCount"]) == (3, 2)
        assert (found["StagingStatus"], found["TargetRecordsCreatedCount"]) == ("Error", 2)
        url = wire.act("GetImportStagingErrorFileUrl", executionId="e-1", entityName=FLAT).json()["value"]
        assert 'USMF,T-1,1,ENTRYNUMBER,"DMF1959' in wire.http.get(url).text


class TestFormats:
    def arrives(self, wire, **options):
        wire.start(flat(LINE, LINE | {"LINENUMBER": "2", "COMMENT": 'ä "q", z'}, **options))
        assert wire.ended() == "Succeeded", texts(wire)
        assert [line["TransactionCurrencyAmount"] for line in wire.lines()] == ["12.34", "12.34"]
        assert wire.lines()[1]["Comment"] == 'ä "q", z'

    @pytest.mark.parametrize("name", ["CSV", "CSV-Unicode"])
    def test_csv(self, wire, name):
        self.arrives(wire, source_format=name)

    @pytest.mark.parametrize("name", ["XML-Element", "XML-Attribute"])
    def test_xml(self, wire, name):
        from xml.etree import ElementTree as ET

        root = ET.Element("Document")
        for row in (LINE, LINE | {"LINENUMBER": "2", "COMMENT": 'ä "q", z'}):
            element = ET.SubElement(root, "BUDGETREGISTERENTRYENTITY", row if name == "XML-Attribute" else {})
            if name == "XML-Element":
                for key, value in row.items():
                    ET.SubElement(element, key).text = value
        self.arrives(wire, source_format=name, file_name="data.xml", data=ET.tostring(root))

    def test_excel(self, wire):
        target = io.BytesIO()
        book = xlsxwriter.Workbook(target, {"in_memory": True})
        sheet = book.add_worksheet("Budget_account_entries")
        for number, row in enumerate([dict(zip(LINE, LINE, strict=True)), LINE, LINE | {"COMMENT": 'ä "q", z'}]):
            for column, (name, text) in enumerate(row.items()):
                value = float(text) if number and name == "TRANSACTIONCURRENCYAMOUNT" else text
                sheet.write(number, column, number if number and name == "LINENUMBER" else value)
        book.close()
        self.arrives(wire, source_format="EXCEL", file_name="data.xlsx", data=target.getvalue())


class TestHeadersAndLines:
    head = {
        "ENTRYNUMBER": "T-1",
        "DEFAULTDATE": "2021-07-01",
        "BUDGETMODELID": "FY22-OPS",
        "BUDGETCODE": "ORIG",
        "LEGALENTITYID": "USMF",
    }
    line = {
        "ENTRYNUMBER": "T-1",
        "LINENUMBER": "1",
        "LEGALENTITYID": "USMF",
        "ENTRYDATE": "2021-08-01",
        "DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1010",
        "TRANSACTIONCURRENCYAMOUNT": "5",
    }

    def package(self, *lines):
        entities = [Entity(LINES, list(lines), sequence=2), Entity(HEADERS, [self.head], sequence=1)]
        return Package(entities).zipped()

    def test_two_entities_of_a_package_arrive_in_their_sequence(self, wire):
        wire.start(self.package(self.line, self.line | {"LINENUMBER": "2"}))
        assert wire.ended() == "Succeeded", texts(wire)
        assert [line["EntryDate"][:10] for line in wire.lines()] == ["2021-08-01"] * 2
        assert {row["EntityName"]: row["TargetRecordsCreatedCount"] for row in details(wire)} == {HEADERS: 1, LINES: 2}
        statuses = wire.act("GetEntityExecutionSummaryStatusList", executionId="e-1").json()["value"]
        assert [(row["EntityName"], row["TotalRecords"]) for row in statuses] == [(HEADERS, 1), (LINES, 2)]

    def test_a_line_without_its_header_is_refused(self, wire):
        wire.start(self.package(self.line | {"ENTRYNUMBER": "T-2"}, self.line))
        assert wire.ended() == "PartiallySucceeded"
        assert "'T-2' in field 'Entry number' is not found" in texts(wire)
        assert {row["EntityName"]: row["TargetStatus"] for row in details(wire)} == {
            HEADERS: "Finished",
            LINES: "Error",
        }


class TestExport:
    def test_what_was_exported_can_be_imported_again(self, wire):
        wire.start(wire.package(LINE, LINE | {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": "-0.05"}))
        wire.ended()
        before = wire.lines()
        asked = {"definitionGroupId": "Out", "packageName": "all", "executionId": "", "reExecute": True}
        made = wire.act("ExportToPackage", legalEntityId="USMF", **asked).json()["value"]
        assert wire.status(made) == "Succeeded"
        content = wire.http.get(wire.act("GetExportedPackageUrl", executionId=made).json()["value"]).content
        wire.control.call("DELETE", "rows/BudgetRegisterEntryLines", {"EntryNumber": "T-1"})
        wire.start(content, "e-2")
        assert wire.ended("e-2") == "Succeeded", wire.errors("e-2")
        assert wire.lines() == before


class TestRecurringIntegration:
    def call(self, wire, method, path, content=None, **query):
        url = wire.facts["finance_url"]
        headers = wire.bearer(url) | {"Content-Type": "application/zip"}
        return wire.http.request(method, f"{url}/api/connector/{path}", params=query, content=content, headers=headers)

    def test_a_message_is_enqueued_processed_and_told(self, wire):
        sent = self.call(wire, "POST", "enqueue/act-1", wire.package(LINE), entity=FLAT, company="USMF")
        message = json.loads(sent.text)
        assert sent.text == f'"{message}"'
        words = {"Enqueued", "Processing", "Processed"}

        def processed():
            word = wire.act("GetMessageStatus", messageId=message).json()["value"]
            assert word in words
            return word == "Processed"

        until(processed, 20, "the message is processed")
        told = self.call(wire, "GET", "jobstatus/act-1", jobId=message).json()
        assert told["DataJobStatus"]["DataJobState"] == "Processed"
        [detail] = told["ExecutionDetail"]
        assert (detail["EntityName"], detail["TargetRecords"], detail["TargetErrorCount"]) == (FLAT, 1, 0)

    def test_a_message_with_refused_rows_is_processed_with_errors(self, wire):
        bad = wire.package(LINE, LINE | {"LINENUMBER": "2", "BUDGETCODE": "NOPE"})
        for content, word in ((bad, "ProcessedWithErrors"), (b"no zip", "PreProcessingError")):
            message = self.call(wire, "POST", "enqueue/act-1", content, entity=FLAT, company="USMF").json()
            asked = {"action": "GetMessageStatus", "messageId": message}
            until(lambda: wire.act(**asked).json()["value"] == word, 20, word)  # noqa: B023 - called at once

    def test_an_export_is_fetched_once(self, wire):
        asked = {"definitionGroupId": "act-2", "packageName": "all", "executionId": "", "reExecute": False}
        wire.act("ExportToPackage", legalEntityId="USMF", **asked)
        message = self.call(wire, "GET", "dequeue/act-2").json()
        assert zipfile.is_zipfile(io.BytesIO(wire.http.get(message["DownloadLocation"]).content))
        assert self.call(wire, "POST", "ack/act-2", json.dumps(message).encode()).status_code == 200
        assert self.call(wire, "GET", "dequeue/act-2").status_code == 204


class TestStrictCsv:
    """A file that is not quite a CSV file fails as a whole, and no row of it arrives."""

    GOOD = csv_text([LINE, LINE | {"LINENUMBER": "2"}])

    def ended(self, wire, text):
        wire.start(flat(LINE, source_format="CSV", data=text.encode()))
        return wire.ended()

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("an open quote", GOOD + '"T-1'),
            ("a quote inside a cell without quotes", GOOD + 'T"1,3\r\n'),
            ("a bare line feed", GOOD.replace('"\r\n', '"\n').replace('"\n', '"\r\n', 1)),
            ("a bare carriage return", GOOD[:-2] + "\r"),
            ("a column that stands twice", GOOD.replace('"COMMENT"', '"COMMENT","COMMENT"')),
            ("a column in lower case", GOOD.replace('"COMMENT"', '"Comment"')),
            ("a null character", GOOD.replace('"2"', '"2\x00"')),
        ],
    )
    def test_the_package_fails(self, wire, name, text):
        assert text != self.GOOD
        assert self.ended(wire, text) == "Failed", name
        assert wire.lines() == [] and texts(wire)

    def test_a_line_break_inside_quotes_is_a_part_of_its_cell(self, wire):
        assert self.ended(wire, csv_text([LINE | {"COMMENT": 'one\ntwo "three"'}])) == "Succeeded"
        assert wire.lines()[0]["Comment"] == 'one\ntwo "three"'

    @pytest.mark.parametrize("amount", ["\u0661\u0662", "\uff11\uff12.5", "12345678901234567", "1" * 29])
    def test_an_amount_has_ascii_digits_and_sixteen_before_the_point(self, wire, amount):
        wire.start(flat(LINE, LINE | {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": amount}))
        assert wire.ended() == "PartiallySucceeded"
        assert "DMF2018" in texts(wire) and len(wire.lines()) == 1

    def test_sixteen_digits_are_kept(self, wire):
        wire.start(flat(LINE | {"TRANSACTIONCURRENCYAMOUNT": "1234567890123456.78"}))
        assert wire.ended() == "Succeeded"
        assert wire.lines()[0]["TransactionCurrencyAmount"] == "1234567890123456.78"


class TestParameters:
    @pytest.mark.parametrize("asked", [{}, {"executionId": None}, {"executionId": ""}])
    def test_a_status_is_of_an_execution(self, wire, asked):
        answer = wire.act("GetExecutionSummaryStatus", **asked)
        assert answer.status_code == 400 and "executionId" in said(answer)

    @pytest.mark.parametrize("name", ["a/b.zip", "a\\b.zip", "../b.zip", "..", "a" * 256, "a\x00b", "a\nb"])
    def test_an_upload_has_a_plain_name(self, wire, name):
        answer = wire.act("GetAzureWriteUrl", uniqueFileName=name)
        assert answer.status_code == 400 and "uniqueFileName" in said(answer)

    def test_a_long_plain_name_is_taken(self, wire):
        assert wire.act("GetAzureWriteUrl", uniqueFileName="a" * 255).status_code == 200
