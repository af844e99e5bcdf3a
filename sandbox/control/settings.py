"""The control side of Finance's users and roles, and of what an administrator of Dataverse sets up.

A key that is left out changes nothing; a name or a key that does not exist is refused, and then nothing was changed.
"""

from typing import Any

from starlette.responses import Response

from sandbox.control.modes import Check, or_null, text, truth
from sandbox.dataverse.sets import CATALOG
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import put_row, set_variable
from sandbox.wire import Call, WireError, answer


def _texts(name: str, value: Any) -> list[str]:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return []
    return [f"{name} is a list of texts."]


def asked_of(call: Call, **checks: Check) -> dict[str, Any]:
    """The body of a PUT. Raises 400 with a sentence for every key that is unknown or of another kind."""
    asked = call.json()
    problems = [f"Unknown key '{one}'. Known: {', '.join(sorted(checks))}." for one in asked if one not in checks]
    problems += [line for name, check in checks.items() if name in asked for line in check(name, asked[name])]
    if problems:
        raise WireError(400, {"problems": problems})
    return asked


def user(call: Call) -> Response:
    """A user whom Finance knows; `rows/SystemUsers` makes one."""
    name, store = call.parts["name"], call.world.store
    asked = asked_of(call, enabled=truth, roles=_texts)
    if not store.row("SELECT 1 FROM SystemUsers WHERE UserID = ?", (name,)):
        raise WireError(404, {"problem": f"There is no user {name}."})
    if asked:
        enabled = {"Enabled": int(asked["enabled"])} if "enabled" in asked else {}
        put_row(store, FINANCE_SETS["SystemUsers"], {"UserID": name} | enabled)
    if "roles" in asked:
        with store.transaction() as connection:
            connection.execute("DELETE FROM SecurityUserRoles WHERE UserId = ?", (name,))
            for role_name in asked["roles"]:
                row = {
                    "UserId": name,
                    "SecurityRoleIdentifier": role_name,
                    "SecurityRoleName": role_name,
                    "AssignmentStatus": "Enabled",
                    "AssignmentMode": "Manual",
                }
                put_row(store, FINANCE_SETS["SecurityUserRoles"], row)
    return answer({"user": name, **asked})


def role(call: Call) -> Response:
    """The duties of a role; a role that is new is made."""
    name, store = call.parts["name"], call.world.store
    asked = asked_of(call, duties=_texts)
    if "duties" in asked:
        with store.transaction() as connection:
            connection.execute("DELETE FROM SecurityRoleDuties WHERE SecurityRoleIdentifier = ?", (name,))
            for duty in asked["duties"]:
                row = {
                    "SecurityRoleIdentifier": name,
                    "SecurityDutyIdentifier": duty,
                    "SecurityRoleName": name,
                    "SecurityDutyName": duty,
                }
                put_row(store, FINANCE_SETS["SecurityRoleDuties"], row)
    return answer({"role": name, **asked})


def variable(call: Call) -> Response:
    name, asked = call.parts["name"], asked_of(call, value=or_null(text))
    if not call.world.store.row("SELECT 1 FROM environmentvariabledefinitions WHERE schemaname = ?", (name,)):
        raise WireError(404, {"problem": f"There is no environment variable {name}."})
    if "value" in asked:
        set_variable(call.world.store, name, asked["value"])
    return answer({"name": name, **asked})


def virtual_entity(call: Call) -> Response:
    name, asked = call.parts["name"], asked_of(call, visible=truth)
    store = call.world.store
    if not store.row(f'SELECT 1 FROM "{CATALOG.name}" WHERE mserp_physicalname = ?', (name,)):
        raise WireError(404, {"problem": f"There is no virtual entity {name}."})
    if "visible" in asked:
        with store.transaction() as connection:
            connection.execute(
                f'UPDATE "{CATALOG.name}" SET mserp_hasbeengenerated = ?, pending = 0 WHERE mserp_physicalname = ?',
                (int(asked["visible"]), name),
            )
    return answer({"entity": name, **asked})
