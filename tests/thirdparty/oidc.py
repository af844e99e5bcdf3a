"""Runs oidc.mjs: a provider of OpenID Connect that others wrote, in the place of Entra ID."""

import json
import os
import ssl
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from sandbox import tls
from tests.stack import until
from tests.thirdparty.conftest import FOLDER

TENANT = "3c1f7f0e-4a8e-4a55-9b0a-5b1f0c9d2e11"
CLIENT_ID, CLIENT_SECRET = "6a4d2a7e-0d0b-4f5e-8d70-4f5f6f1c8a22", "a secret of the provider"


@dataclass(frozen=True)
class Provider:
    authority: str
    ca_file: Path
    http: httpx.Client

    @property
    def issuer(self):
        return f"{self.authority}/{TENANT}/v2.0"

    def discovery(self):
        return self.http.get(f"{self.issuer}/.well-known/openid-configuration").json()

    def revoke(self, token):
        form = {"token": token, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        assert self.http.post(self.discovery()["revocation_endpoint"], data=form).status_code == 200

    def sign_in(self, address, redirect_uri, name):
        """Fill in the provider's two forms, sign-in and consent, until it sends the browser back: its query."""
        for _ in range(12):
            answer = self.http.get(address)
            while answer.is_redirect:
                address = urljoin(address, answer.headers["location"])
                if address.startswith(redirect_uri):
                    return dict(parse_qsl(urlsplit(address).query))
                answer = self.http.get(address)
            answer.raise_for_status()
            form = Form(answer.text)
            fields = form.fields | {field: name for field in form.fields if field in ("login", "password")}
            answer = self.http.post(urljoin(address, form.action), data=fields)
            address = urljoin(address, answer.headers["location"])
        raise AssertionError(f"The provider asked again and again: {address}")


class Form(HTMLParser):
    """The first form of a page: where it goes and its fields."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields = "", {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.action = self.action or given["action"]
        elif tag == "input" and given.get("name"):
            self.fields[given["name"]] = given.get("value") or ""


@contextmanager
def provider(node, folder, *, redirect_uri, resources):
    """The provider while the block runs. It ends with the pipe to its standard input, even when this process dies."""
    certificate, key = tls.prepare(folder / "tls")
    asked = {
        "certificate": str(certificate),
        "key": str(key),
        "tenant": TENANT,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": redirect_uri,
        "resources": resources,
    }
    output, log = folder / "provider.out", folder / "provider.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NODE_")}
    with output.open("w") as out, log.open("w") as errors:
        process = subprocess.Popen(
            [node, "oidc.mjs", json.dumps(asked)],
            cwd=FOLDER,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=errors,
            env=environment,
        )
    context = ssl.create_default_context(cafile=folder / "tls" / "ca.pem")
    try:
        line = until(lambda: _first_words(output) or process.poll() is not None, 60, "the provider listens")
        assert process.poll() is None, log.read_text()
        with httpx.Client(verify=context, trust_env=False, timeout=30) as http:
            yield Provider(json.loads(line)["authority"], folder / "tls" / "ca.pem", http)
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _first_words(output):
    lines = output.read_text().splitlines(keepends=True)
    return next((line for line in lines if line.startswith("{") and line.endswith("\n")), "")
