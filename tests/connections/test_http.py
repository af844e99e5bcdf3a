"""Every way in which the other side can fail has one class, told by a server that fails on the wire."""

import time

import pytest
import structlog

from connections import http
from connections.errors import (
    AnswerTooLarge,
    Busy,
    CertificateRefused,
    FinanceNotConfigured,
    InDoubt,
    Rejected,
    Unavailable,
    Unreachable,
)
from tests.connections.scripted import RESET, SILENCE, answer

OK = answer(b'{"a": 1234.50}')
PAGE = b"HTTP/1.1 %s\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
STATUS = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: 2\r\n%s\r\n{}"


@pytest.fixture(autouse=True)
def ok(wire):
    wire.answer = OK


def ask(wire, *, repeatable=True, **how):
    how = {"read_seconds": 0.3, **how}
    return http.request("POST", wire.url, content=b"{}", repeatable=repeatable, **how)


def test_numbers_arrive_exact(wire):
    assert str(ask(wire).json()["a"]) == "1234.50"


LOST = {
    "reset": RESET,
    "time-out": SILENCE,
    "half an answer": OK[:-3],
    "no http": b"hello\r\n\r\n",
    "500": STATUS % (b"500 Error", b""),
    "503": STATUS % (b"503 Unavailable", b""),
    "a web page": PAGE % b"200 OK",
    "a web page that forbids": PAGE % b"403 Forbidden",
    "a redirect to a sign-in": PAGE % b"302 Found",
    "a redirect elsewhere": STATUS % (b"307 Temporary", b"location: https://evil.example\r\n"),
    "408": STATUS % (b"408 Request Timeout", b""),
    "no final answer": STATUS % (b"304 Not Modified", b""),
    "nothing": answer(b""),
    "truncated JSON": answer(b'{"value": [1, 2'),
    "JSON in UTF-16": answer('{"a": "ü"}'.encode("utf-16"), kind=b"application/json; charset=utf-16"),
    "JSON in Latin-1": answer('{"a": "ü"}'.encode("latin-1"), kind=b"application/json; charset=utf-8"),
    "no number": answer(b'{"a": NaN}'),
    "a number without bounds": answer(b'{"a": 1e99999999999999999999}'),
    "nesting without bounds": answer(b"[" * 100_000 + b"]" * 100_000),
    "a body that says it is packed": answer(b"{}", b"200 OK", b"content-encoding: gzip"),
}


@pytest.mark.parametrize("answer", LOST.values(), ids=LOST)
def test_a_lost_answer_is_doubt_unless_asking_again_is_harmless(wire, answer):
    wire.answer = answer
    with pytest.raises(Unavailable):
        ask(wire)
    with pytest.raises(InDoubt):
        ask(wire, repeatable=False)
    assert len(wire.requests) == 2


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (b"retry-after: 7\r\n", 7.0),
        (b"retry-after: 0\r\n", 0.0),
        (b"retry-after: 99999\r\n", 3600.0),
        (b"retry-after: Tue, 01 Mar 2126 12:00:00 GMT\r\n", 3600.0),
        (b"retry-after: soon\r\n", None),
        (b"", None),
    ],
)
def test_a_busy_server_was_asked_for_nothing(wire, header, wait):
    wire.answer = STATUS % (b"429 Too many", header)
    for repeatable in (True, False):
        with pytest.raises(Busy) as busy:
            ask(wire, repeatable=repeatable)
        assert busy.value.retry_after == wait


@pytest.mark.parametrize("value", ["Bearer tokén", "Bearer a\ud800", "a\r\nX: b", "a\x00", "a\u202eb"])
def test_a_header_that_cannot_be_sent_is_not_sent(wire, value):
    for repeatable in (True, False):
        with pytest.raises(Rejected, match="header"):
            ask(wire, repeatable=repeatable, headers={"Authorization": value})
    assert wire.requests == []


def test_an_address_that_cannot_be_encoded_is_not_called(wire):
    with pytest.raises(FinanceNotConfigured):
        http.request("GET", f"{wire.url}/?a=\ud800", repeatable=False)
    assert wire.requests == []


def test_refusals_are_for_the_caller_to_judge(wire):
    wire.answer = STATUS % (b"404 Not found", b"")
    assert ask(wire).status == 404
    wire.answer = PAGE % b"401 Unauthorized"
    assert ask(wire).status == 401


def test_without_a_connection_nothing_left(wire):
    wire.stop()
    for repeatable in (True, False):
        with pytest.raises(Unreachable):
            ask(wire, repeatable=repeatable)


def test_a_certificate_that_is_not_trusted_is_permanent(wire, settings):
    settings.REMOTE_CA_FILE = ""
    with pytest.raises(CertificateRefused, match="not trusted"):
        ask(wire)
    settings.REMOTE_CA_FILE = "/nowhere/ca.pem"
    with pytest.raises(CertificateRefused, match="REMOTE_CA_FILE"):
        ask(wire)
    assert wire.requests == []


def test_a_host_that_is_not_allowed_is_never_called(wire, settings):
    settings.ALLOWED_REMOTE_HOSTS = []
    with pytest.raises(FinanceNotConfigured) as refused:
        ask(wire)
    assert refused.value.headline == "Finance service not reachable"
    assert "ALLOWED_REMOTE_HOSTS" in refused.value.hint
    assert wire.requests == []


def test_no_cookie_is_kept_for_the_next_person(wire):
    wire.answer = OK.replace(b"\r\n\r\n", b"\r\nset-cookie: session=of-somebody\r\n\r\n", 1)
    ask(wire)
    ask(wire)
    assert b"of-somebody" not in wire.requests[1]


def test_no_proxy_of_the_environment_is_used(wire, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert ask(wire, repeatable=False).status == 200


def trickle(head, seconds=0.05):
    """Sends an answer byte by byte, and never comes to its end."""

    def send(connection, request):
        connection.sendall(head)
        try:
            for _ in range(200):
                connection.sendall(b"x")
                time.sleep(seconds)
        except OSError:
            pass  # the client has given up

    return send


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nx-slow: ", b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"],
    ids=["in the headers", "in the body"],
)
@pytest.mark.parametrize(("repeatable", "error"), [(True, Unavailable), (False, InDoubt)])
def test_a_trickle_of_bytes_ends_at_the_deadline(wire, head, repeatable, error):
    """Each byte comes well within the time for one read; the whole call does not."""
    wire.answer = trickle(head)
    started = time.monotonic()
    with pytest.raises(error, match="Timeout"):
        ask(wire, repeatable=repeatable, read_seconds=5, total_seconds=0.5)
    assert 0.4 < time.monotonic() - started < 4


def test_a_half_open_connection_ends_at_the_deadline(wire):
    """Nothing comes at all, and one read might wait for much longer."""
    wire.answer = lambda connection, request: wire.stopped.wait(20)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="ReadTimeout"):
        ask(wire, read_seconds=15, total_seconds=0.5)
    assert time.monotonic() - started < 5


def test_the_deadline_of_one_call_is_not_that_of_the_next(wire):
    assert ask(wire, total_seconds=0.5).status == 200
    time.sleep(0.6)
    assert ask(wire, total_seconds=5).status == 200


def test_an_answer_has_a_largest_size(wire, monkeypatch):
    body = b'{"a": "%s"}' % (b"x" * 200_000)
    wire.answer = answer(body)
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", len(body))
    assert len(ask(wire).body) == len(body)
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", len(body) - 1)
    with pytest.raises(AnswerTooLarge):
        ask(wire)
    with pytest.raises(InDoubt):
        ask(wire, repeatable=False)


def test_ten_megabytes_of_json_are_read(wire):
    wire.answer = answer(b'{"a": "%s"}' % (b"x" * 10_000_000))
    assert len(ask(wire, read_seconds=10).json()["a"]) == 10_000_000


def test_json_with_a_byte_order_mark_is_json(wire):
    wire.answer = answer(b'\xef\xbb\xbf{"a": "\xc3\xbc"}', kind=b"application/json; charset=iso-8859-1")
    assert ask(wire).json() == {"a": "ü"}


def test_no_redirect_is_followed(wire):
    wire.answer = answer(b"{}", b"302 Found", b"location: " + wire.url.encode())
    with pytest.raises(Unavailable):
        ask(wire)
    assert len(wire.requests) == 1


def test_every_call_says_which_request_of_ours_it_belongs_to(wire, caplog):
    caplog.set_level("DEBUG")
    wire.answer = answer(b"{}", b"404 Not Found", b"REQ_ID: 1f-of-dataverse")
    with structlog.contextvars.bound_contextvars(correlation_id="0123456789ab"):
        ask(wire)
        ask(wire)
    sent = [line for r in wire.requests for line in r.decode().splitlines() if "client-request-id" in line]
    ids = [line.split(": ")[1] for line in sent]
    assert len(set(ids)) == 2
    assert all(one.endswith("-0123456789ab") and len(one) == 36 for one in ids)
    assert ids[0] in caplog.text
    assert "1f-of-dataverse" in caplog.text


def test_a_storage_address_has_its_own_list_and_gets_no_token(wire, settings):
    settings.ALLOWED_REMOTE_HOSTS, settings.ALLOWED_BLOB_HOSTS = [], [wire.host]
    with pytest.raises(FinanceNotConfigured):
        ask(wire)
    assert ask(wire, storage=True).status == 200
    assert b"authorization" not in wire.requests[0].lower()
    with pytest.raises(RuntimeError, match="token"):
        ask(wire, storage=True, headers={"authorization": "Bearer x"})
    assert len(wire.requests) == 1
