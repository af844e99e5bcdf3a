"""What people do with environments, connections and flows. One intention, one operation, one transaction."""

from .cloud_flows import SaveFirst, bring_in_line, follow, follow_connected
from .connecting import Rotated, begin_connect, connect, connect_application, disconnect, rotate_keys
from .environments import make_visible, save_environment, set_finance_url
from .flows import set_reference, take_ownership, turn_off, turn_on, turn_on_all
from .installing import install, install_flows, update_flows
from .readiness import check_again, check_row

__all__ = [
    "Rotated",
    "SaveFirst",
    "begin_connect",
    "bring_in_line",
    "check_again",
    "check_row",
    "connect",
    "connect_application",
    "disconnect",
    "follow",
    "follow_connected",
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
    "turn_on_all",
    "update_flows",
]
