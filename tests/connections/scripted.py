"""A TLS server that says on the wire exactly what a test tells it to, however wrong that is."""

import datetime
import ipaddress
import re
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RESET = "reset"
SILENCE = "silence"


def answer(body=b"{}", status=b"200 OK", *headers, kind=b"application/json"):
    """The bytes of an answer; `headers` are whole lines without their end."""
    lines = [b"HTTP/1.1 " + status, b"content-type: " + kind, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Wire:
    """Answers every request with `answer`: bytes, RESET, SILENCE, or a function of (connection, request)."""

    def __init__(self, folder):
        self.certificate, self.requests, self.answer = _certificate(folder), [], answer()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, folder / "key.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"https://{self.host}"
        self.stopped = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def stop(self):
        if self.stopped.is_set():
            return
        self.stopped.set()
        with socket.socket() as knock:
            knock.connect_ex(self._listener.getsockname())
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def _listen(self):
        while not self.stopped.is_set():
            plain, _ = self._listener.accept()
            thread = threading.Thread(target=self._serve, args=(plain,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain):
        plain.settimeout(0.2)
        try:
            with self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False) as connection:
                connection.settimeout(5)
                connection.do_handshake()
                while self._one(connection):
                    pass
        except OSError:
            plain.close()

    def _one(self, connection):
        request = self._read(connection)
        if request is None:
            return False
        self.requests.append(request)
        said = self.answer
        if callable(said):
            said = said(connection, request)
        if said == SILENCE:
            self.stopped.wait(1)
        elif isinstance(said, bytes):
            connection.sendall(said)
        return isinstance(said, bytes) and b"content-length" in said

    def _read(self, connection):
        """One whole request, or None when the client has gone or the test is over."""
        connection.settimeout(0.1)
        request, length = b"", None
        while length is None or len(request) < length:
            try:
                part = connection.recv(1 << 20)
            except TimeoutError:
                if self.stopped.is_set():
                    return None
                continue
            if not part:
                return None
            request += part
            head, end, _ = request.partition(b"\r\n\r\n")
            if end:
                found = re.search(rb"(?i)content-length: *(\d+)", head)
                length = len(head) + 4 + (int(found[1]) if found else 0)
        connection.settimeout(5)
        return request


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
