"""The control side refuses what it does not understand, and a key that is left out changes nothing."""

import json
import urllib.error

import pytest

from tests.sandbox.conftest import LINE

NOT_A_NUMBER, UNBOUNDED = float("nan"), float("inf")
VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"


def refused(wire, path, body, status=400):
    """The refusal of a PUT as text."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        wire.control.put(path, body)
    assert caught.value.code == status
    return caught.value.read().decode()


@pytest.mark.parametrize(
    ("mode", "value"),
    [
        *(("import_seconds", value) for value in (-1, "x", None, NOT_A_NUMBER, UNBOUNDED, True, [], {})),
        *(("page_size", value) for value in (0, -1, 1.5, "10", True)),
        *(("lines_per_second", value) for value in (0, "fast", NOT_A_NUMBER)),
        *(("finance_busy", value) for value in (1.1, -0.1, "0", True, NOT_A_NUMBER)),
        *(("number_continuous", value) for value in (1, "yes", None)),
        *(("unknown_user_status", value) for value in (200, "401", 401.0)),
        *(("write_url_permissions", value) for value in ("", "x", 7, None)),
        *(("service_protection", value) for value in (1, {"requests": "many"}, {"window_seconds": -1})),
        *(("blob_store", value) for value in ("here", {"account": "a"}, {"blob_endpoint": 1, "account": 2, "key": 3})),
        *(("code_length", value) for value in (0, "8", 2.5)),
        *(("number_format", value) for value in (None, 7)),
        *(("parallel_starts", value) for value in ("perhaps", None, ["fail"])),
        *(("switched_off", value) for value in ("slow-unpack", ["nothing"], None)),
        *(("reset", value) for value in ("yes", 1)),
        ("token_seconds", "long"),
    ],
)
def test_a_mode_of_another_kind_or_out_of_range_is_refused(wire, mode, value):
    before = wire.control.get("faults")
    assert mode in refused(wire, "faults", {mode: value}) or mode == "switched_off"
    assert wire.control.get("faults") == before


@pytest.mark.parametrize("mode", ["token_seconds", "write_url_seconds", "code_seconds", "refresh_token_seconds"])
def test_a_life_can_be_over_before_it_began(wire, mode):
    wire.control.put("faults", {mode: -1})
    assert wire.control.get("faults")[mode] == -1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"call": "ImportFromPakage"}, "Known: *, "),
        ({"call": 7}, "needs a call"),
        ({"status": 99}, "status"),
        ({"status": 600}, "status"),
        ({"status": "503"}, "status"),
        ({"times": -1}, "times"),
        ({"times": "once"}, "times"),
        ({"after": -1}, "after"),
        ({"after": None}, "after"),
        ({"kind": "delay", "seconds": -1}, "seconds"),
        ({"kind": "delay", "seconds": NOT_A_NUMBER}, "seconds"),
        ({"kind": "reset", "act": "yes"}, "act"),
        ({"kind": "body", "body": {}}, "body"),
        ({"kind": "trickle", "bytes_per_second": 0}, "bytes_per_second"),
        ({"user": 3}, "user"),
        ({"kind": "import", "effect": "fail", "call": "PutBlob"}, "ImportFromPackage"),
    ],
)
def test_a_fault_that_says_nonsense_is_refused(wire, change, word):
    rule = {"call": "ImportFromPackage", "kind": "status", **change}
    assert word in refused(wire, "faults", {"faults": [rule]})
    assert wire.control.get("faults")["faults"] == []


@pytest.mark.parametrize("rules", ["all", {"call": "*"}, ["status"], [None]])
def test_faults_are_a_list_of_objects(wire, rules):
    assert "fault" in refused(wire, "faults", {"faults": rules})


@pytest.mark.parametrize(
    "call",
    [
        "*",
        "BudgetModels",
        "mserp_ledgerentities",
        "msdyn_xpnacube_opexplans",
        "WhoAmI",
        "CreateMultiple",
        "$batch",
        "PutBlockList",
        "GetBlob",
        "token",
        "discovery",
        "enqueue",
        "EntityDefinitions",
        "PublicEntities",
    ],
)
def test_whatever_is_served_can_meet_a_fault(wire, call):
    wire.control.faults({"call": call, "kind": "status"})
    assert wire.control.get("faults")["faults"][0]["call"] == call


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("virtual-entities/NoSuchEntity", {"visible": True}, 404),
        ("virtual-entities/BudgetModelEntity", {"visible": "no"}, 400),
        ("virtual-entities/BudgetModelEntity", {"hidden": True}, 400),
        ("environment-variables/no_such_variable", {"value": "x"}, 404),
        (f"environment-variables/{VARIABLE}", {"value": 7}, 400),
        (f"environment-variables/{VARIABLE}", {"valeu": "x"}, 400),
        ("users/nobody", {"enabled": True}, 404),
        ("users/owner", {"role": []}, 400),
        ("users/owner", {"enabled": "no"}, 400),
        ("users/owner", {"roles": "all"}, 400),
        ("roles/Budget write-back", {"duty": []}, 400),
        ("roles/Budget write-back", {"duties": "none"}, 400),
        ("accounts/owner", {"enabled": "no"}, 400),
        ("accounts/owner", {"dataverse_enabled": 1}, 400),
        ("accounts/owner", {"colour": "red"}, 400),
        ("application", {"dataverse_enabled": "no"}, 400),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(wire, path, body, status):
    assert "problem" in refused(wire, path, body, status)


def test_a_key_that_is_left_out_changes_nothing(wire):
    duties = wire.control.get("rows/SecurityRoleDuties")
    variables = wire.dataverse("environmentvariablevalues", **{"$select": "value"}).json()["value"]
    for path in ("roles/Budget write-back", "users/owner", "virtual-entities/BudgetModelEntity"):
        wire.control.put(path, {})
    wire.control.put(f"environment-variables/{VARIABLE}", {})
    assert duties["rows"] and wire.control.get("rows/SecurityRoleDuties") == duties
    kept = wire.dataverse("environmentvariablevalues", **{"$select": "value"}).json()["value"]
    assert [row["value"] for row in kept] == [row["value"] for row in variables]
    assert wire.dataverse("mserp_budgetmodelentities").status_code == 200
    assert wire.start(wire.package(LINE)).status_code == 200


def test_modes_and_faults_of_an_older_store_that_no_longer_fit_are_left_out(tmp_path):
    from sandbox.control.faults import Faults
    from sandbox.store import SCHEMA, Store

    store = Store(tmp_path / "s.sqlite3")
    store.connection.executescript(SCHEMA)
    store.keep_setting("modes", json.dumps({"page_size": "x", "blob_days": 2, "gone": 1}))
    store.keep_setting("faults", json.dumps([{"call": "*", "kind": "gone"}, {"call": "*", "kind": "reset"}]))
    faults = Faults(store)
    assert (faults.mode("page_size"), faults.mode("blob_days")) == (10_000, 2)
    assert faults.describe()["faults"] == [{"call": "*", "kind": "reset"}] and "gone" not in faults.describe()
