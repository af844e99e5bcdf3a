"""An upload in blocks: it goes on where it stopped, with a new address as well, and arrives byte for byte."""

import base64
import hashlib

import pytest

from connections import blob, queries
from connections.errors import AddressExpired, Rejected, Unavailable
from connections.rules.flows import EXPORT_FLOW
from exports.rules.states import State
from tests.connections.scripted import answer
from tests.world import export, work

pytestmark = pytest.mark.django_db
BLOCKS = 7


@pytest.fixture
def client(environment):
    return queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Seven blocks, the last one not full, no two alike."""
    monkeypatch.setattr(blob, "BLOCK_BYTES", 64 * 1024)
    path = tmp_path / "package.zip"
    path.write_bytes(b"".join(bytes([number]) * 64 * 1024 for number in range(BLOCKS - 1)) + b"the end")
    return path


def sent(sandbox):
    return [asked["status"] for asked in sandbox.requests("PutBlock")]


def test_a_cut_in_the_middle_costs_one_block(client, package, sandbox):
    url = client.write_url("p.zip")
    sandbox.faults({"call": "PutBlock", "kind": "reset", "after": 3})
    with pytest.raises(Unavailable):
        blob.upload(url, package)
    assert blob.upload(url, package)
    assert sent(sandbox) == [201] * 3 + [0] + [201] * (BLOCKS - 3)
    assert hashlib.sha256(blob.download(url)).digest() == hashlib.sha256(package.read_bytes()).digest()


def test_an_address_that_expires_in_the_middle_is_followed_by_a_new_one_for_the_same_blob(client, package, sandbox):
    sandbox.faults({"call": "PutBlock", "kind": "status", "status": 403, "after": 4})
    with pytest.raises(AddressExpired) as expired:
        blob.upload(client.write_url("p.zip"), package)
    assert "sig=" not in f"{expired.value!r} {expired.value.hint}"
    url = client.write_url("p.zip")
    assert blob.upload(url, package)
    assert sent(sandbox) == [201] * 4 + [403] + [201] * (BLOCKS - 4)
    assert blob.download(url) == package.read_bytes()


def test_a_run_asks_for_a_new_address_by_itself(world, oakland, sandbox):
    sandbox.faults({"call": "PutBlob", "kind": "status", "status": 403})
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    assert (run.status, run.retries_used) == (State.SUCCEEDED, 1)
    assert len(sandbox.requests("GetAzureWriteUrl")) > len(sandbox.requests("PutBlob")) == 2


def test_a_block_that_arrived_in_spite_of_a_lost_answer_is_not_sent_again(client, package, sandbox):
    url = client.write_url("p.zip")
    sandbox.faults({"call": "PutBlock", "kind": "lost_answer", "after": 2})
    with pytest.raises(Unavailable):
        blob.upload(url, package)
    assert blob.upload(url, package)
    assert len(sent(sandbox)) == BLOCKS
    assert blob.download(url) == package.read_bytes()


def test_blocks_of_other_content_are_never_taken_for_ours(client, package, sandbox):
    url = client.write_url("p.zip")
    sandbox.faults({"call": "PutBlockList", "kind": "reset"})
    with pytest.raises(Unavailable):
        blob.upload(url, package)
    package.write_bytes(package.read_bytes()[::-1])
    assert blob.upload(url, package)
    assert blob.download(url) == package.read_bytes()


def test_every_part_carries_its_own_hash_and_no_token(wire, package):
    wire.answer = answer(b"", b"201 Created", b"etag: e")
    blob.upload(f"{wire.url}/dmf/p.zip?sig=s", package)
    asked, *puts, listed = wire.requests
    assert asked.startswith(b"GET /dmf/p.zip?sig=s&comp=blocklist&blocklisttype=uncommitted ")
    assert len(puts) == BLOCKS
    for request in (*puts, listed):
        head, _, body = request.partition(b"\r\n\r\n")
        digest = base64.b64encode(hashlib.md5(body).digest())
        assert b"\r\nContent-MD5: " + digest in head
        assert b"authorization" not in head.lower()
    whole = base64.b64encode(hashlib.md5(package.read_bytes()).digest())
    assert b"x-ms-blob-content-md5: " + whole in listed


def test_an_address_that_may_only_be_written_to_gets_everything(wire, package):
    def write_only(connection, request):
        return answer(b"", b"403 Forbidden") if request.startswith(b"GET") else answer(b"", b"201 Created")

    wire.answer = write_only
    blob.upload(f"{wire.url}/dmf/p.zip?sig=s", package)
    assert len(wire.requests) == 1 + BLOCKS + 1


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (b"403 Forbidden", b"AuthenticationFailed", AddressExpired),
        (b"400 Bad Request", b"Md5Mismatch", Unavailable),
        (b"400 Bad Request", b"InvalidBlockList", Unavailable),
        (b"413 Too Large", b"RequestBodyTooLarge", Rejected),
        (b"404 Not Found", b"ContainerNotFound", Rejected),
        (b"503 Busy", b"ServerBusy", Unavailable),
    ],
)
def test_the_storage_refuses_in_its_own_words(wire, tmp_path, status, code, error):
    path = tmp_path / "small.zip"
    path.write_bytes(b"PK")
    body = b'\xef\xbb\xbf<?xml version="1.0"?><Error><Code>%s</Code><Message>sig=CANARY</Message></Error>' % code
    wire.answer = answer(body, status, kind=b"application/xml")
    with pytest.raises(error) as refused:
        blob.upload(f"{wire.url}/dmf/p.zip?sig=CANARY", path)
    assert "CANARY" not in f"{refused.value!r} {refused.value.cause} {refused.value.hint}"
