"""A server that fails as it is told, for what the sandbox would never say."""

import pytest

from tests.connections.scripted import Wire


@pytest.fixture
def wire(tmp_path, settings):
    """The scripted server, allowed and trusted."""
    server = Wire(tmp_path)
    settings.ALLOWED_REMOTE_HOSTS = [server.host]
    settings.REMOTE_CA_FILE = str(server.certificate)
    yield server
    server.stop()
