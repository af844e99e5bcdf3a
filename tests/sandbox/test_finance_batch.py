"""`$batch` of Finance: parts in order, change sets whole or not at all, a busy part inside a batch that is fine."""

import json
from email import message_from_bytes

import pytest

from tests.sandbox.test_finance import BUSY, Service, refusal

HEADER = {"BudgetModelId": "FY22-OPS", "BudgetCode": "ORIG"}


@pytest.fixture
def finance(wire):
    return Service(wire)


def operation(method, path, body=None, content_id=""):
    """One request as a part of a batch."""
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    inner = [f"{method} {path} HTTP/1.1", "Content-Type: application/json", ""]
    return "\r\n".join([*head, "", *inner, "" if body is None else json.dumps(body)])


def joined(boundary, parts):
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def change_set(*operations):
    return f"Content-Type: multipart/mixed; boundary=changeset_1\r\n\r\n{joined('changeset_1', operations)}"


def header(number, content_id="1", **changes):
    return operation("POST", "BudgetRegisterEntryHeaders", HEADER | {"EntryNumber": number} | changes, content_id)


def send(finance, *parts):
    """The answers of a batch, flat: (status, headers, text)."""
    asked = finance.headers | {"Content-Type": "multipart/mixed; boundary=batch_1"}
    answer = finance.wire.http.post(f"{finance.root}/$batch", content=joined("batch_1", parts).encode(), headers=asked)
    assert answer.status_code == 200, answer.text
    kind = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    leaves = [part for part in message_from_bytes(kind + answer.content).walk() if not part.is_multipart()]
    return [taken_apart(part.get_payload(decode=True)) for part in leaves]


def taken_apart(content):
    line, _, rest = content.partition(b"\r\n")
    inner = message_from_bytes(rest)
    return int(line.split()[1]), inner, inner.get_payload(decode=True).decode()


def numbers(finance):
    return sorted(row["EntryNumber"] for row in finance.rows("BudgetRegisterEntryHeaders"))


def test_reads_and_writes_are_carried_out_in_order(finance):
    change = change_set(header("B-1"), header("B-2", "2"))
    count = operation("GET", "BudgetRegisterEntryHeaders/$count")
    absolute = operation("GET", f"{finance.root}/Ledgers('DEMF')")
    answers = send(finance, count, change, count, absolute)
    assert [status for status, _, _ in answers] == [200, 201, 201, 200, 200]
    assert [answers[0][2][-1], answers[3][2][-1]] == ["0", "2"]
    assert json.loads(answers[4][2])["AccountingCurrency"] == "EUR"
    assert answers[1][1]["Location"].endswith("EntryNumber='B-1')")


def test_a_change_set_is_kept_whole_or_not_at_all(finance):
    [(status, _, text)] = send(finance, change_set(header("B-1"), header("B-2", "2", BudgetModelId="NOPE")))
    assert status == 400
    assert "'NOPE' in field 'Budget model'" in text
    assert numbers(finance) == []


def test_a_failed_part_does_not_stop_the_others(finance):
    answers = send(finance, header("B-1", BudgetModelId="NOPE"), header("B-2"), operation("GET", "Nope"))
    assert [status for status, _, _ in answers] == [400, 201, 404]
    assert numbers(finance) == ["B-2"]


def test_a_single_part_can_be_busy(finance):
    fault = {"call": "BudgetRegisterEntryHeaders", "kind": "status", "status": 429, "retry_after": "4", "after": 1}
    finance.wire.control.faults(fault)
    answers = send(finance, header("B-1"), header("B-2"), header("B-3"))
    assert [status for status, _, _ in answers] == [201, 429, 201]
    assert answers[1][1]["Retry-After"] == "4"
    assert BUSY in answers[1][2]
    assert numbers(finance) == ["B-1", "B-3"]


def test_an_action_can_be_a_part(finance):
    path = "DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.GetAzureWriteUrl"
    [(status, _, text)] = send(finance, operation("POST", path, {"uniqueFileName": "b.zip"}))
    assert (status, "BlobUrl" in text) == (200, True)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("application/json", "{}", "multipart/mixed"),
        ("multipart/mixed; boundary=batch_1", "--other--", "does not occur"),
        ("multipart/mixed; boundary=batch_1", joined("batch_1", [operation("GET", "Companies")] * 5001), "5001"),
        ("multipart/mixed; boundary=batch_1", joined("batch_1", [change_set(operation("GET", "x"))]), "GET"),
    ],
    ids=["no multipart", "no boundary", "too many", "a GET in a change set"],
)
def test_what_is_no_batch_is_refused(finance, kind, content, words):
    headers = finance.headers | {"Content-Type": kind}
    assert words in refusal(finance.wire.http.post(f"{finance.root}/$batch", content=content, headers=headers))
