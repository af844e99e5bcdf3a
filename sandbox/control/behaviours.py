"""The fidelity checklist of the wire contract, row by row: what the sandbox plays so that a client can lean on it.

Each row can be switched off (`PUT /_sandbox/faults {"switched_off": ["write-url"]}`), so that a test can show that it
would notice.
"""

BEHAVIOURS: dict[str, str] = {
    "write-url": "GetAzureWriteUrl answers with JSON inside a JSON string; the address takes a PUT with x-ms-blob-type",
    "blob-refusals": "a PUT without x-ms-blob-type is 400, an expired signature 403",
    "package-checks": "both XML files, namespace, entity label, file, byte-order mark and CRLF are checked",
    "no-map-no-rows": "a manifest without EntityMapList imports no row and reports success",
    "status-cycle": "an execution is not found, then NotRun, Executing and a final word",
    "partial-success": "rows that pass stay when others fail, and the word is PartiallySucceeded",
    "malformed-errors": "GetExecutionErrors can leave quotes and line breaks unescaped",
    "one-import-per-project": "a second import of a project fails while the first one runs",
    "slow-unpack": "the start call can answer long after the import began",
    "dimension-format": "without an active format every row fails; segments beyond it are dropped without a word",
    "upsert-by-key": "the same entry and line number updates a line and never adds one",
    "completed-is-closed": "a completed entry takes no change",
    "row-rules": "model, period, dimension values and transfer balance are checked row by row",
    "dataverse-paging": "pages of 5,000 with a cookie, and the three service protection answers",
    "virtual-entities": "a virtual table is 404 until it was generated, with a delay and one at a time",
    "finance-wire": "company scope, pages of 10,000, the busy answer, a byte-order mark on $count, enum names",
    "unknown-user": "Finance refuses whom it does not know, on OData and through virtual tables",
    "missing-variable": "an environment variable without a value has none",
}
