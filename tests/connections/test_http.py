"""Every way in which the other side can fail has one class, told by a server that fails on the wire."""

import datetime
import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connections import http
from connections.errors import Busy, CertificateRefused, FinanceNotConfigured, InDoubt, Unavailable, Unreachable

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n{"a": 1234.50}'
PAGE = b"HTTP/1.1 %s\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
STATUS = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: 2\r\n%s\r\n{}"
RESET = "reset"
SILENCE = "silence"


class Wire:
    """A TLS server that answers every request with the same bytes, or with none."""

    def __init__(self, folder):
        self.certificate, self.requests, self.answer = _certificate(folder), [], OK
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, folder / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def stop(self):
        if self._stopped.is_set():
            return
        self._stopped.set()
        with socket.socket() as knock:
            knock.connect_ex(self._listener.getsockname())
        self._thread.join(5)
        self._listener.close()

    def _serve(self):
        while not self._stopped.is_set():
            plain, _ = self._listener.accept()
            plain.settimeout(5)
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    self._answer(connection)
            except OSError:
                plain.close()

    def _answer(self, connection):
        request = b""
        while not request.endswith(b"\r\n\r\n{}"):
            part = connection.recv(65536)
            if not part:
                return
            request += part
        self.requests.append(request)
        if self.answer == SILENCE:
            self._stopped.wait(1)
        elif self.answer != RESET:
            connection.sendall(self.answer)


def _certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .add_extension(identifier, False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, encipher_only=False, decipher_only=False, **usage
            ),
            True,
        )
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return folder / "cert.pem"


@pytest.fixture
def wire(tmp_path, settings):
    server = Wire(tmp_path)
    settings.ALLOWED_REMOTE_HOSTS = [server.url.removeprefix("https://")]
    settings.REMOTE_CA_FILE = str(server.certificate)
    yield server
    server.stop()


def ask(wire, *, repeatable=True):
    return http.request("POST", wire.url, content=b"{}", repeatable=repeatable, read_seconds=0.3)


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
    ("header", "wait"), [(b"retry-after: 7\r\n", 7.0), (b"retry-after: soon\r\n", None), (b"", None)]
)
def test_a_busy_server_was_asked_for_nothing(wire, header, wait):
    wire.answer = STATUS % (b"429 Too many", header)
    for repeatable in (True, False):
        with pytest.raises(Busy) as busy:
            ask(wire, repeatable=repeatable)
        assert busy.value.retry_after == wait


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
