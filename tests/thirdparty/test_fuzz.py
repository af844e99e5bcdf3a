"""Schemathesis against the sandbox's Finance: whatever is asked, no server error and no cut connection.

The OpenAPI is the one that odata-openapi derives from $metadata, so operations, keys and bodies come from declarations
that this repository serves and from a translation that it did not write.
FUZZ_SECONDS and FUZZ_SEED in the environment make it longer or another one.
"""

import contextlib
import json
import os
import re
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from tests.sandbox.conftest import Wire

SEED, SECONDS, CASES = int(os.environ.get("FUZZ_SEED", "20211101")), 20.0, 2000
CONVERTER = Path(__file__).parent / "node_modules" / ".bin" / "odata-openapi3"
ENUM = "Microsoft.Dynamics.DataEntities."
READ_ONLY = {"BudgetModels", "DimensionIntegrationFormats", "FiscalPeriods", "Ledgers", "BudgetControlCycleModels"}
# Values that lead past the front door; without them a random key hardly ever meets a row.
KNOWN = {
    "dataAreaId": ["usmf", "demf"],
    "LegalEntityId": ["USMF", "DEMF"],
    "EntryNumber": ["F-1", "F-2"],
    "BudgetModelId": ["FY22-OPS", "FY21-OLD"],
    "BudgetModel": ["FY22-OPS"],
    "BudgetCode": ["ORIG", "TRANS"],
    "CurrencyCode": ["USD", "EUR"],
    "DimensionDisplayValue": ["Civilian Salaries|Fire|1010", "||"],
    "Name": ["F-1"],
    "DefinitionGroupId": ["F-1"],
    "executionId": ["F-1"],
    "$filter": [
        "LineNumber gt -1.5e3 and not (EntryNumber eq '*1')",
        f"Status eq {ENUM}BudgetTransactionStatus'Draft' or Comment eq null",
        "contains(Name, 'a''b') and startswith(Name, '[') eq true",
        "EntryDate lt 9999-12-31T23:59:59.999999-14:00",
        "1 eq 1 and 1 add 1 eq 2",
    ],
}


class TimeIsUp(Exception):
    """Ends the fuzzing, however many cases are left."""


@dataclass
class Record:
    """What the fuzzer did: requests by status, and the cases that were not answered as a server should."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    @property
    def requests(self):
        return self.statuses.total()

    def note(self, case, call):
        self.operations.add(case.operation.label)
        try:
            status = call().status_code
        except requests.RequestException as error:
            status, why = 0, repr(error)
        else:
            why = str(status)
        self.statuses[status] += 1
        if status == 0 or status >= 500:
            self.failures.append(f"{why}: {case.as_curl_command()[:2000]}")

    def __str__(self):
        statuses = dict(sorted(self.statuses.items()))
        return f"{self.requests} requests, {len(self.operations)} operations, statuses {statuses}"


@pytest.fixture
def wire(sandbox, tmp_path):
    made = Wire(sandbox, tmp_path)
    yield made
    made.http.close()


@pytest.fixture
def document(wire, tmp_path, node):
    """The OpenAPI of Finance, with known values beside random ones."""
    source, target = tmp_path / "metadata.xml", tmp_path / "openapi.json"
    source.write_bytes(wire.finance("$metadata").content)
    words = [node, CONVERTER, "--skipBatchPath", "-t", target, source]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    made = json.loads(target.read_text())
    _know(made)
    _narrow(wire, made["paths"])
    made["servers"] = [{"url": f"{wire.facts['finance_url']}/data"}]
    return made


def _narrow(wire, paths):
    """The sets that are only read are all answered by the same code: a few with different keys are enough."""
    root = wire.facts["finance_url"]
    entities = wire.http.get(f"{root}/Metadata/DataEntities", headers=wire.bearer(root)).json()["value"]
    left_out = {one["PublicCollectionName"] for one in entities if one["IsReadOnly"]} - READ_ONLY
    for path in [path for path in paths if re.match(r"/(\w+)", path)[1] in left_out]:
        del paths[path]


def _know(node):
    if isinstance(node, list):
        for item in node:
            _know(item)
    elif isinstance(node, dict):
        if node.get("name") in KNOWN and "schema" in node:
            node["schema"] = {"anyOf": [{"enum": KNOWN[node["name"]]}, node["schema"]]}
        properties = node.get("properties", {})
        known = [name for name in KNOWN if name in properties]
        for name in known:
            properties[name] = {"enum": KNOWN[name]}
        if known and node.get("title", "").endswith("(for create)"):
            node["required"] = known
        for item in node.values():
            _know(item)


@pytest.fixture
def session(wire):
    with requests.Session() as made:
        made.verify = str(wire.control.ca_file)
        made.headers.update(wire.bearer(wire.facts["finance_url"]))
        yield made


def seeded_entry(wire, session):
    """Something for changes to meet."""
    root = f"{wire.facts['finance_url']}/data"
    rows = {
        "DataManagementDefinitionGroups": {"Name": "F-1"},
        "BudgetRegisterEntries": {
            "EntryNumber": "F-1",
            "BudgetModelId": "FY22-OPS",
            "BudgetCode": "ORIG",
            "Date": "2021-08-01T12:00:00Z",
            "DimensionDisplayValue": "Civilian Salaries|Fire|1010",
            "TransactionCurrencyAmount": 1,
        },
    }
    for name, row in rows.items():
        assert session.post(f"{root}/{name}", json=row).status_code == 201


def fuzz(schema, ask):
    """Cases of all operations, right and wrong ones, in an order that the seed decides."""
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)

    @seed(SEED)
    @settings(
        max_examples=CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of([schema.as_strategy(generation_mode=mode) for mode in modes]))
    def one(case):
        ask(case)

    with contextlib.suppress(TimeIsUp):
        one()


def test_no_request_brings_finance_down(wire, document, session):
    seeded_entry(wire, session)
    schema = schemathesis.openapi.from_dict(document)
    root, record, started = f"{wire.facts['finance_url']}/data", Record(), time.monotonic()
    ends = started + float(os.environ.get("FUZZ_SECONDS", SECONDS))

    def ask(case):
        if time.monotonic() > ends:
            raise TimeIsUp
        record.note(case, lambda: case.call(base_url=root, session=session, verify=session.verify, timeout=10))

    fuzz(schema, ask)
    print(f"seed {SEED}, {time.monotonic() - started:.1f} s, {record}")
    assert not record.failures, "\n".join(record.failures)
    assert wire.control.get("facts")["finance_url"], "the sandbox still answers"
    assert record.requests >= 100
