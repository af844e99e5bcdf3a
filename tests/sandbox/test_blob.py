"""Blob storage over HTTP: signatures, permissions, headers, blocks, ranges, and what vanishes."""

import base64
import hashlib
import json
from urllib.parse import quote
from xml.etree import ElementTree as ET

import httpx
import pytest

from tests.sandbox.conftest import LINE

TYPE = {"x-ms-blob-type": "BlockBlob"}


@pytest.fixture
def address(wire):
    """A function that asks for an address of a blob."""

    def ask(name="x.zip", **modes):
        if modes:
            wire.control.put("faults", modes)
        return json.loads(wire.act("GetAzureWriteUrl", uniqueFileName=name).json()["value"])["BlobUrl"]

    return ask


def code(answer):
    """The code of a refusal, in header and body alike."""
    root = ET.fromstring(answer.content.decode("utf-8-sig"))
    assert root.findtext("Code") == answer.headers["x-ms-error-code"]
    return answer.status_code, root.findtext("Code")


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def block_id(number):
    return base64.b64encode(f"{number:04}".encode()).decode()


class TestRefusals:
    def test_a_put_without_its_type_is_refused(self, wire, address):
        answer = wire.http.put(address(), content=b"x")
        assert code(answer) == (400, "MissingRequiredHeader")
        assert "<HeaderName>x-ms-blob-type</HeaderName>" in answer.text

    def test_an_address_that_expired_is_refused(self, wire, address):
        answer = wire.http.put(address(write_url_seconds=-1), content=b"x", headers=TYPE)
        assert code(answer) == (403, "AuthenticationFailed")

    @pytest.mark.parametrize(
        "change",
        [
            lambda url: url.copy_set_param("sig", "AAAA"),
            lambda url: url.copy_set_param("se", "2099-01-01T00:00:00Z"),
            lambda url: url.copy_set_param("sp", "racwd"),
            lambda url: url.copy_with(path="/bppsandbox/dmf/other.zip"),
        ],
        ids=["signature", "expiry", "permissions", "name"],
    )
    def test_an_address_that_was_changed_is_refused(self, wire, address, change):
        answer = wire.http.put(change(httpx.URL(address())), content=b"x", headers=TYPE)
        assert code(answer) == (403, "AuthenticationFailed")

    def test_an_address_without_signature_is_refused(self, wire, address):
        answer = wire.http.put(address().partition("?")[0], content=b"x", headers=TYPE)
        assert code(answer) == (401, "NoAuthenticationInformation")

    @pytest.mark.parametrize(("method", "permissions"), [("PUT", "r"), ("GET", "cw"), ("DELETE", "rcw")])
    def test_what_the_address_does_not_permit_is_refused(self, wire, address, method, permissions):
        url = address(write_url_permissions=permissions)
        answer = wire.http.request(method, url, content=b"x" if method == "PUT" else None, headers=TYPE)
        assert code(answer) == (403, "AuthorizationPermissionMismatch")

    def test_switched_off_nothing_is_refused(self, wire, address):
        wire.control.put("faults", {"switched_off": ["blob-refusals"]})
        assert wire.http.put(address(write_url_seconds=-1), content=b"x").status_code == 201

    def test_damage_is_noticed_by_its_md5(self, wire, address):
        url = address()
        assert wire.http.put(url, content=b"x", headers=TYPE | {"content-md5": md5(b"x")}).status_code == 201
        answer = wire.http.put(url, content=b"y", headers=TYPE | {"content-md5": md5(b"x")})
        assert code(answer) == (400, "Md5Mismatch")

    def test_finance_cannot_read_where_the_address_does_not_permit_it(self, wire, address):
        url = address(write_url_permissions="cw")
        wire.http.put(url, content=wire.package(LINE), headers=TYPE)
        asked = {"definitionGroupId": "P", "executionId": "e-1", "execute": True, "overwrite": True}
        answer = wire.act("ImportFromPackage", packageUrl=url, legalEntityId="USMF", **asked)
        assert (answer.status_code, "could not be downloaded" in answer.text) == (400, True)


class TestBlobs:
    def test_every_answer_has_azures_headers(self, wire, address):
        sent = TYPE | {"x-ms-version": "2015-02-21", "x-ms-client-request-id": "mine"}
        answer = wire.http.put(address(), content=b"x", headers=sent)
        assert answer.status_code == 201
        assert answer.headers["x-ms-version"] == "2015-02-21"
        assert answer.headers["x-ms-client-request-id"] == "mine"
        assert answer.headers["etag"].startswith('"0x')
        assert answer.headers["content-md5"] == md5(b"x")
        assert answer.headers["x-ms-request-id"] != wire.http.get(address()).headers["x-ms-request-id"]

    def test_a_blob_is_looked_at_read_in_part_and_deleted(self, wire, address):
        url, data = address(write_url_permissions="rcwd"), bytes(range(100))
        wire.http.put(url, content=data, headers=TYPE)
        looked = wire.http.head(url)
        assert (looked.headers["content-length"], looked.headers["x-ms-blob-type"]) == ("100", "BlockBlob")
        part = wire.http.get(url, headers={"range": "bytes=10-19"})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, data[10:20], "bytes 10-19/100")
        assert wire.http.get(url, headers={"x-ms-range": "bytes=90-"}).content == data[90:]
        assert code(wire.http.get(url, headers={"range": "bytes=100-"})) == (416, "InvalidRange")
        assert wire.http.delete(url).status_code == 202
        assert code(wire.http.get(url)) == (404, "BlobNotFound")

    def test_a_blob_can_be_kept_from_being_overwritten(self, wire, address):
        url = address()
        first = wire.http.put(url, content=b"a", headers=TYPE | {"if-none-match": "*"})
        assert first.status_code == 201
        assert code(wire.http.put(url, content=b"b", headers=TYPE | {"if-none-match": "*"})) == (
            409,
            "BlobAlreadyExists",
        )
        assert code(wire.http.put(url, content=b"b", headers=TYPE | {"if-match": '"0x1"'})) == (412, "ConditionNotMet")
        matching = TYPE | {"if-match": first.headers["etag"]}
        assert wire.http.put(url, content=b"b", headers=matching).status_code == 201

    def test_blobs_vanish_after_some_days(self, wire, address):
        url = address()
        wire.http.put(url, content=b"x", headers=TYPE)
        wire.http.put(f"{url}&comp=block&blockid={quote(block_id(1))}", content=b"a")
        wire.control.put("faults", {"blob_days": 0})
        assert code(wire.http.get(url)) == (404, "BlobNotFound")
        assert code(wire.http.get(f"{url}&comp=blocklist&blocklisttype=all")) == (404, "BlobNotFound")


class TestBlocks:
    def put(self, wire, url, number, data):
        return wire.http.put(f"{url}&comp=block&blockid={quote(block_id(number))}", content=data)

    def commit(self, wire, url, *named):
        listed = "".join(f"<{kind}>{block_id(number)}</{kind}>" for kind, number in named)
        return wire.http.put(f"{url}&comp=blocklist", content=f"<BlockList>{listed}</BlockList>")

    def listed(self, wire, url, kind="all"):
        root = ET.fromstring(wire.http.get(f"{url}&comp=blocklist&blocklisttype={kind}").content)
        return {holder.tag: [block.findtext("Name") for block in holder] for holder in root}

    def test_a_blob_is_made_of_blocks_in_the_order_of_the_list(self, wire, address):
        url = address()
        for number, data in ((1, b"one "), (2, b"two "), (3, b"never named")):
            assert self.put(wire, url, number, data).status_code == 201
        ids = [block_id(number) for number in (1, 2, 3)]
        assert self.listed(wire, url) == {"CommittedBlocks": [], "UncommittedBlocks": ids}
        assert self.commit(wire, url, ("Latest", 2), ("Uncommitted", 1)).status_code == 201
        assert wire.http.get(url).content == b"two one "
        assert self.listed(wire, url) == {"CommittedBlocks": [ids[1], ids[0]], "UncommittedBlocks": []}

    def test_a_block_of_the_blob_can_stay_while_another_one_changes(self, wire, address):
        url = address()
        self.put(wire, url, 1, b"one ")
        self.put(wire, url, 2, b"two ")
        self.commit(wire, url, ("Latest", 1), ("Latest", 2))
        self.put(wire, url, 2, b"TWO ")
        self.commit(wire, url, ("Committed", 1), ("Latest", 2))
        assert wire.http.get(url).content == b"one TWO "

    def test_lists_and_ids_that_are_wrong_are_refused(self, wire, address):
        url = address()
        assert code(self.commit(wire, url, ("Latest", 9))) == (400, "InvalidBlockList")
        bad = wire.http.put(f"{url}&comp=blocklist", content="<BlockList")
        assert code(bad) == (400, "InvalidXmlDocument")
        bad = wire.http.put(f"{url}&comp=block&blockid=%21", content=b"x")
        assert code(bad) == (400, "InvalidQueryParameterValue")
        self.put(wire, url, 1, b"x")
        longer = base64.b64encode(b"a longer id").decode()
        bad = wire.http.put(f"{url}&comp=block&blockid={quote(longer)}", content=b"x")
        assert code(bad) == (400, "InvalidBlobOrBlock")
