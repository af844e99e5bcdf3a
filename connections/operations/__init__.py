"""What people do with environments, connections and flows. One intention, one operation, one transaction."""

from .connecting import Rotated, begin_connect, connect, connect_application, disconnect, rotate_keys
from .environments import make_visible, save_environment, set_finance_url
from .flows import install, install_flows, set_reference, take_ownership, turn_off, turn_on, update_flows
from .readiness import check_again, check_row

__all__ = [
    "Rotated",
    "begin_connect",
    "check_again",
    "check_row",
    "connect",
    "connect_application",
    "disconnect",
    "install",
    "install_flows",
    "make_visible",
    "rotate_keys",
    "save_environment",
    "set_finance_url",
    "set_reference",
    "take_ownership",
    "turn_off",
    "turn_on",
    "update_flows",
]
