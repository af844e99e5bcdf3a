"""What several tests of the portal lean on."""

import pytest
from django.test import Client


@pytest.fixture
def window() -> Client:
    """At an address of this machine: the sandbox sends people back to no other one."""
    return Client(SERVER_NAME="127.0.0.1")
