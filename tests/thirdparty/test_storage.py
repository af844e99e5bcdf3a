"""Storage that others wrote: Azure's client against the sandbox, and Azurite in place of the sandbox's blobs."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from decimal import Decimal
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient

from connections import blob
from connections.errors import AddressExpired
from tests.sandbox.conftest import LINE, Wire
from tests.stack import until

HERE = Path(__file__).parent
AZURITE = HERE / "node_modules" / ".bin" / "azurite-blob"
ACCOUNT = "devstoreaccount1"
# The key that Azurite's documentation gives to everybody.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START = {"definitionGroupId": "P", "execute": True, "overwrite": True, "legalEntityId": "USMF"}


@pytest.fixture(autouse=True)
def no_other_authorities(monkeypatch):
    """Variables that name a bundle of authorities would beat what the clients are told."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def wire(sandbox, tmp_path):
    made = Wire(sandbox, tmp_path)
    yield made
    made.http.close()


def write_url(wire, **modes):
    if modes:
        wire.control.put("faults", modes)
    answer = wire.act("GetAzureWriteUrl", uniqueFileName=f"{uuid.uuid4()}.zip")
    return json.loads(answer.json()["value"])["BlobUrl"]


def lines_of(count):
    """Lines whose sum is known; the comments do not compress, so that the package needs several blocks."""
    return [
        LINE | {"LINENUMBER": str(n), "TRANSACTIONCURRENCYAMOUNT": f"{n}.01", "COMMENT": os.urandom(100).hex()}
        for n in range(1, count + 1)
    ]


def imported(wire, url, execution="e-1"):
    answer = wire.act("ImportFromPackage", packageUrl=url, executionId=execution, **START)
    assert answer.status_code == 200, answer.text
    assert wire.ended(execution) == "Succeeded", wire.errors(execution)
    return wire.lines()


def assert_arrived(found, sent):
    keys = ("LineNumber", "DimensionDisplayValue", "TransactionCurrencyAmount", "Comment")
    assert [tuple(line[key] for key in keys) for line in found] == [
        tuple(line[key.upper()] for key in keys) for line in sent
    ]
    assert sum(Decimal(line["TransactionCurrencyAmount"]) for line in found) == sum(
        Decimal(line["TRANSACTIONCURRENCYAMOUNT"]) for line in sent
    )


class TestAzureStorageBlob:
    """Microsoft's client against the sandbox's own storage."""

    @pytest.fixture
    def client(self, wire):
        def make(url, **options):
            made = BlobClient.from_blob_url(url, connection_verify=str(wire.control.ca_file), retry_total=0, **options)
            made_clients.append(made)
            return made

        made_clients = []
        yield make
        for one in made_clients:
            one.close()

    def test_a_package_in_several_blocks_is_imported(self, wire, client):
        sent = lines_of(400)
        content = wire.package(*sent)
        assert len(content) > 40_000
        url = write_url(wire)
        client(url, max_single_put_size=4096, max_block_size=16_384).upload_blob(content, validate_content=True)
        assert len(wire.control.requests("PutBlock")) > 2
        assert_arrived(imported(wire, url), sent)

    def test_a_package_in_one_piece_is_imported_and_read_back_in_parts(self, wire, client):
        sent = lines_of(50)
        content = wire.package(*sent)
        url = write_url(wire)
        client(url).upload_blob(content)
        reader = client(url, max_single_get_size=1024, max_chunk_get_size=1024)
        assert reader.download_blob().readall() == content
        assert reader.get_blob_properties().size == len(content)
        assert_arrived(imported(wire, url), sent)

    def test_blocks_are_staged_listed_and_committed(self, wire, client):
        one = client(write_url(wire))
        for number in range(3):
            one.stage_block(f"{number:04}", bytes([number]) * 10)
        _, uncommitted = one.get_block_list("all")
        assert [(block.id, block.size) for block in uncommitted] == [(f"{n:04}", 10) for n in range(3)]
        one.commit_block_list([BlobBlock(f"{number:04}") for number in (2, 0, 1)])
        assert one.download_blob().readall() == b"\2" * 10 + b"\0" * 10 + b"\1" * 10
        assert one.exists()

    def test_a_blob_that_is_there_is_not_overwritten_by_accident(self, wire, client):
        one = client(write_url(wire, write_url_permissions="rcwd"))
        one.upload_blob(b"a")
        with pytest.raises(ResourceExistsError):
            one.upload_blob(b"b")
        one.upload_blob(b"c", overwrite=True)
        assert one.download_blob().readall() == b"c"
        one.delete_blob()
        assert not one.exists()

    @pytest.mark.parametrize(
        ("modes", "code"),
        [
            ({"write_url_seconds": -1}, "AuthenticationFailed"),
            ({"write_url_permissions": "r"}, "AuthorizationPermissionMismatch"),
        ],
    )
    def test_a_refusal_has_azures_code(self, wire, client, modes, code):
        with pytest.raises(HttpResponseError) as refused:
            client(write_url(wire, **modes)).upload_blob(b"x")
        assert (refused.value.status_code, refused.value.error_code) == (403, code)


@pytest.fixture(scope="module")
def azurite(running_sandbox):
    """Azurite with the sandbox's certificate and an empty container, in place of the sandbox's own storage."""
    if shutil.which("node") is None or not AZURITE.exists():
        pytest.skip("Azurite needs node and `npm ci --ignore-scripts` in tests/thirdparty.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tls = Path(running_sandbox.ca_file).parent
    arguments = [
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        str(port),
        "--cert",
        tls / "server.pem",
        "--key",
        tls / "server.key",
    ]
    options = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen([AZURITE, *arguments, *options], cwd=folder, stdout=log, stderr=log)
        try:
            _wait_for(port, process, Path(folder) / "log")
            endpoint = f"https://127.0.0.1:{port}/{ACCOUNT}/dmf"
            with pytest.MonkeyPatch.context() as patch:
                for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                    patch.delenv(name, raising=False)
                with ContainerClient.from_container_url(
                    endpoint, credential=KEY, connection_verify=str(running_sandbox.ca_file)
                ) as container:
                    container.create_container()
            yield {
                "blob_endpoint": endpoint,
                "account": ACCOUNT,
                "key": KEY,
                "ca_file": str(running_sandbox.ca_file),
            }
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port, process, log):
    def listens():
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    until(listens, 60, "Azurite listens")


class TestAzurite:
    """The portal's upload against a storage that checks signatures by itself."""

    @pytest.fixture
    def store(self, wire, azurite, settings):
        wire.control.put("faults", {"blob_store": azurite})
        port = azurite["blob_endpoint"].split("/")[2]
        settings.ALLOWED_REMOTE_HOSTS = [*settings.ALLOWED_REMOTE_HOSTS, port]
        return wire

    @pytest.mark.parametrize("block_bytes", [4 * 1024 * 1024, 16_384], ids=["one put", "blocks"])
    def test_the_portals_upload_is_imported_exactly(self, store, tmp_path, monkeypatch, block_bytes):
        monkeypatch.setattr(blob, "BLOCK_BYTES", block_bytes)
        sent = lines_of(400)
        path = tmp_path / "p.zip"
        path.write_bytes(store.package(*sent))
        url = write_url(store)
        assert blob.upload(url, path)
        assert_arrived(imported(store, url), sent)
        asked = store.control.get("requests")["counts"]
        assert not any(name in asked for name in ("PutBlob", "PutBlock"))

    @pytest.mark.parametrize(
        ("modes", "reason"),
        [
            ({"write_url_seconds": -60}, "AuthorizationFailure"),
            ({"write_url_permissions": "r"}, "AuthorizationPermissionMismatch"),
        ],
        ids=["expired", "read only"],
    )
    def test_azurite_itself_refuses_an_address_that_does_not_grant_it(self, store, tmp_path, modes, reason):
        path = tmp_path / "p.zip"
        path.write_bytes(b"x")
        with pytest.raises(AddressExpired, match=reason):
            blob.upload(write_url(store, **modes), path)

    def test_azurite_itself_refuses_a_broken_signature(self, store, tmp_path):
        path = tmp_path / "p.zip"
        path.write_bytes(b"x")
        url, _, signature = write_url(store).partition("&sig=")
        with pytest.raises(AddressExpired, match="AuthorizationFailure"):
            blob.upload(f"{url}&sig={'B' if signature[0] == 'A' else 'A'}{signature[1:]}", path)

    def test_azurite_itself_refuses_a_put_without_its_type(self, store):
        assert store.http.put(write_url(store), content=b"x").status_code == 400

    def test_a_package_that_is_not_there_is_told_by_the_start_call(self, store):
        answer = store.act("ImportFromPackage", packageUrl=write_url(store), executionId="e-1", **START)
        assert answer.status_code == 400
        assert "could not be downloaded from the given URL: the storage answered 404" in answer.text
