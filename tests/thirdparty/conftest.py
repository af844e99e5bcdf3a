"""What tests with other people's clients and servers share."""

import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
_FROM_OUTSIDE = (
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
)


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch):
    """Variables for certificates and proxies beat what a client is told in its own settings: they are taken away."""
    for name in _FROM_OUTSIDE:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def node():
    """The path of Node, with the packages of this folder installed; tests that need it are skipped without."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed.")
    if not MODULES.is_dir():
        pytest.skip("Run `npm ci --ignore-scripts` in tests/thirdparty first.")
    return found
