"""Readiness: each precondition is broken in turn at the sandbox; exactly its row speaks, an export fails as it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group as Group_
from django.core.management import call_command

from bpp_portal.kernel.roles import Role
from connections import errors, operations
from connections.models import Connection, Environment
from connections.queries.readiness import check
from connections.refusals import OPERATIONS_ROLE
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, STATUS_FLOW, ConnectionKind
from connections.rules.readiness import (
    BY_KEY,
    DATA_PROJECT_ENTITIES,
    ENTITY_NAMES,
    PRECONDITIONS,
    Group,
    State,
    entity_key,
    flow_key,
)
from exports.models import Run
from exports.operations.requesting import ExportRefused
from exports.operations.stepping import step
from exports.rules.states import FLOW_OF
from exports.rules.states import State as RunState
from tests.certificates import key_pair
from tests.world import export, work

VARIABLE = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"
CONFIGURATION = "oakland/fire-police-finance.json"
CUSTOM_ROLE = "Budget write-back"
GOES_THROUGH = "goes through"
REFUSED = "refused"
STAYS = "stays"


@dataclass(frozen=True)
class Broken:
    """How a precondition is broken and mended; `export`: what becomes of an export started all the same.

    That is part of the run's words (headline and cause), or GOES_THROUGH, REFUSED (none can be started), or STAYS.
    """

    break_it: Callable[[Any], None]
    mend: Callable[[Any], None]
    export: str
    state: State = State.FAILS
    refused: bool = False


class Scene:
    """What a case may touch."""

    def __init__(self, sandbox, environment, people, settings, tmp_path) -> None:
        self.sandbox, self.environment, self.people = sandbox, environment, people
        self.settings, self.tmp_path = settings, tmp_path
        self.kept: dict[str, Any] = {}

    def put(self, path: str, body: dict) -> None:
        self.sandbox.put(path, body)

    def row(self, name: str, **values) -> None:
        self.put(f"rows/{name}", values)

    def faults(self, *faults, **modes) -> None:
        self.sandbox.faults(*faults, **modes)

    def calm(self) -> None:
        self.put("faults", {"reset": True})

    def flow(self, name: str):
        return self.environment.flows.get(name=name)


def forget_variable(scene):
    scene.put(VARIABLE, {"value": None})


def set_variable(scene):
    scene.put(VARIABLE, {"value": scene.sandbox.get("facts")["finance_url"]})


def roles(user: str, *names: str):
    return lambda scene: scene.put(f"users/{user}", {"roles": list(names)})


def enabled(user: str, value: bool):
    return lambda scene: scene.put(f"users/{user}", {"enabled": value})


def visible(entity: str, value: bool):
    return lambda scene: scene.put(f"virtual-entities/{entity}", {"visible": value})


def calm(scene):
    scene.calm()


def fault(**values):
    return lambda scene: scene.faults({"times": None, **values})


def without_owner(scene):
    scene.environment.flows.filter(name=COUNT_FLOW).update(owner=None)


def owned_again(scene):
    scene.environment.flows.filter(name=COUNT_FLOW).update(owner=scene.people.owner)


def disconnect(flow: str, kind: ConnectionKind):
    return lambda scene: operations.set_reference(
        actor=scene.people.owner, environment=scene.environment, name=flow, kind=kind, connection=None
    )


def connect(flow: str, kind: ConnectionKind):
    def again(scene):
        about = {"actor": scene.people.owner, "environment": scene.environment, "name": flow}
        operations.set_reference(**about, kind=kind, connection=Connection.objects.get(kind=kind))
        operations.turn_on(**about)

    return again


def switch(flow: str, on: bool):
    deed = operations.turn_on if on else operations.turn_off
    return lambda scene: deed(actor=scene.people.owner, environment=scene.environment, name=flow)


def other_authority(scene):
    path = scene.tmp_path / "other.pem"
    path.write_text(key_pair("somebody else").certificate)
    scene.kept["ca"], scene.settings.REMOTE_CA_FILE = scene.settings.REMOTE_CA_FILE, str(path)


def right_authority(scene):
    scene.settings.REMOTE_CA_FILE = scene.kept["ca"]


FINANCE_CALLS = ("data", "FiscalPeriods", "LedgerFiscalPeriods", "Currencies", "SystemUsers", "SecurityUserRoles")


def finance_is_down(scene):
    scene.faults(*({"call": name, "kind": "refuse", "times": None} for name in FINANCE_CALLS))


def lapse(kind: ConnectionKind):
    """As after a password reset: what is kept is void. The kept access token is taken away, it would live on."""

    def broken(scene):
        Connection.objects.filter(kind=kind).update(token_cache=b"")

    return broken


def sign_in(scene):
    call_command("setup_environment", verbosity=0)


def refused_by_entra(scene):
    """After a fresh sign-in no token for Finance is kept, and Entra gives none for this resource."""
    Connection.objects.update(token_cache=b"", status=Connection.Status.NEEDS_ATTENTION)
    sign_in(scene)
    body = '{"error": "invalid_resource", "error_description": "AADSTS500011"}'
    scene.faults(
        {"call": "token", "kind": "status", "status": 400, "contains": "localhost", "body": body, "times": None}
    )


def no_period(scene):
    scene.kept["periods"] = [
        r for r in scene.sandbox.get("rows/FiscalPeriods")["rows"] if r["Calendar"] == calendar(scene)
    ]
    scene.sandbox.call("DELETE", "rows/FiscalPeriods", {"Calendar": calendar(scene)})


def periods_again(scene):
    for row in scene.kept["periods"]:
        scene.row("FiscalPeriods", **row)


def calendar(scene) -> str:
    [found] = [r for r in scene.sandbox.get("rows/Ledgers")["rows"] if r["LegalEntityId"] == "USMF"]
    return found["FiscalCalendar"]


def models_stopped(value: str):
    def change(scene):
        rows = [r for r in scene.sandbox.get("rows/BudgetModels")["rows"] if r["dataAreaId"].lower() == "usmf"]
        for row in rows:
            if value == "Yes" or row["BudgetModel"] != "FY21-OLD":
                scene.row("BudgetModels", **row | {"Stopped": value})

    return change


def format_active(value: str):
    return lambda scene: scene.row(
        "DimensionIntegrationFormats",
        DimensionFormatName="BudgetRegister",
        DimensionFormatType="DataEntityBudgetDimensionFormat",
        IsActive=value,
    )


def delimiter(name: str):
    def change(scene):
        [row] = scene.sandbox.get("rows/DimensionParameters")["rows"]
        scene.row("DimensionParameters", **row | {"DimensionSegmentDelimiter": name})

    return change


def numbered_by_finance(scene):
    scene.sandbox.call("DELETE", "rows/BudgetRegisterEntryLines", {"LegalEntityId": "USMF"})
    scene.row("BudgetRegisterEntryLines", **NUMBERED)


FUND = {"FinancialDimension": "Fund", "LegalEntityId": "", "DimensionValue": "9|9"}
NUMBERED = {"LegalEntityId": "USMF", "EntryNumber": "BRE000001", "LineNumber": 1, "Comment": "bpp_portal run x"}
CASES: dict[str, Broken] = {
    "dataverse-user": Broken(
        lambda scene: scene.put("accounts/owner", {"dataverse_enabled": False}),
        lambda scene: scene.put("accounts/owner", {"dataverse_enabled": True}),
        errors.NO_PERMISSION,
    ),
    "owner-user": Broken(enabled("owner", False), enabled("owner", True), errors.NO_PERMISSION),
    "owner-role": Broken(
        roles("owner", CUSTOM_ROLE), roles("owner", OPERATIONS_ROLE, CUSTOM_ROLE), errors.VIRTUAL_ENTITIES_DENIED
    ),
    "owner-duty": Broken(
        roles("owner", OPERATIONS_ROLE),
        roles("owner", OPERATIONS_ROLE, CUSTOM_ROLE),
        errors.DIMENSION_PARAMETERS_DENIED,
    ),
    "exporter-role": Broken(roles("planner"), roles("planner", OPERATIONS_ROLE), errors.NO_PERMISSION),
    **{
        entity_key(name): Broken(visible(name, False), visible(name, True), errors.NO_DEFINITIONS)
        for name in ENTITY_NAMES
        if name not in DATA_PROJECT_ENTITIES
    },
    **{
        entity_key(name): Broken(visible(name, False), visible(name, True), GOES_THROUGH, State.WARNING)
        for name in DATA_PROJECT_ENTITIES
    },
    "dimension-format": Broken(format_active("No"), format_active("Yes"), errors.FormatMissing.headline),
    "delimiter": Broken(delimiter("Nothing"), delimiter("Bar"), BY_KEY["delimiter"].text),
    "delimiter-values": Broken(
        lambda scene: scene.row("FinancialDimensionValues", **FUND),
        lambda scene: scene.sandbox.call("DELETE", "rows/FinancialDimensionValues", FUND),
        GOES_THROUGH,
        State.WARNING,
    ),
    "account-structure": Broken(
        lambda scene: scene.row("Ledgers", LegalEntityId="USMF", AccountStructureName1=""),
        lambda scene: scene.row("Ledgers", LegalEntityId="USMF", AccountStructureName1="Budgeting"),
        BY_KEY["account-structure"].text,
    ),
    "budget-models": Broken(models_stopped("Yes"), models_stopped("No"), BY_KEY["budget-models"].text, refused=True),
    "budget-code": Broken(
        lambda scene: scene.row("BudgetCodes", dataAreaId="USMF", BudgetCode="ORIG", IsDefaultCode="No"),
        lambda scene: scene.row("BudgetCodes", dataAreaId="USMF", BudgetCode="ORIG", IsDefaultCode="Yes"),
        GOES_THROUGH,
        State.WARNING,
    ),
    "entry-numbers": Broken(
        numbered_by_finance,
        lambda scene: scene.sandbox.call("DELETE", "rows/BudgetRegisterEntryLines", {"EntryNumber": "BRE000001"}),
        GOES_THROUGH,
        State.WARNING,
    ),
    "data-project": Broken(
        fault(call="DataManagementDefinitionGroups", kind="status", status=403), calm, errors.VIRTUAL_ENTITIES_DENIED
    ),
    "fiscal-calendar": Broken(no_period, periods_again, REFUSED),
    "linked": Broken(fault(call="*", kind="status", status=404, contains="mserp_"), calm, errors.NO_DEFINITIONS),
    "variable": Broken(forget_variable, set_variable, errors.NOT_REACHABLE),
    "dataverse": Broken(fault(call="*", kind="refuse", contains="/api/data/"), calm, errors.NOT_REACHABLE),
    "finance": Broken(finance_is_down, calm, errors.NOT_REACHABLE),
    "certificate": Broken(other_authority, right_authority, errors.NOT_REACHABLE),
    "clock": Broken(lambda scene: scene.faults(clock_seconds=-3600), calm, GOES_THROUGH, State.WARNING),
    "token-dataverse": Broken(lapse(ConnectionKind.DATAVERSE), sign_in, errors.ConnectionMissing.headline),
    "token-finance": Broken(refused_by_entra, calm, BY_KEY["token-finance"].text),
    "flows-installed": Broken(without_owner, owned_again, errors.ConnectionMissing.headline),
    flow_key("connected", EXPORT_FLOW): Broken(
        disconnect(EXPORT_FLOW, ConnectionKind.DATAVERSE),
        connect(EXPORT_FLOW, ConnectionKind.DATAVERSE),
        errors.ConnectionMissing.headline,
    ),
    flow_key("connected", COUNT_FLOW): Broken(
        disconnect(COUNT_FLOW, ConnectionKind.DATAVERSE),
        connect(COUNT_FLOW, ConnectionKind.DATAVERSE),
        errors.ConnectionMissing.headline,
    ),
    flow_key("connected", STATUS_FLOW): Broken(
        disconnect(STATUS_FLOW, ConnectionKind.FINANCE), connect(STATUS_FLOW, ConnectionKind.FINANCE), STAYS
    ),
    flow_key("on", EXPORT_FLOW): Broken(switch(EXPORT_FLOW, False), switch(EXPORT_FLOW, True), errors.FlowOff.headline),
    flow_key("on", COUNT_FLOW): Broken(switch(COUNT_FLOW, False), switch(COUNT_FLOW, True), errors.FlowOff.headline),
    flow_key("on", STATUS_FLOW): Broken(switch(STATUS_FLOW, False), switch(STATUS_FLOW, True), STAYS),
    "token-status": Broken(lapse(ConnectionKind.FINANCE), sign_in, STAYS),
}


def at_another_host(scene):
    url = scene.sandbox.get("facts")["finance_url"].replace("localhost", "127.0.0.1")
    scene.put(VARIABLE, {"value": url})


OTHER_CASES: list[tuple[str, Broken, str]] = [
    (
        "finance",
        Broken(at_another_host, set_variable, errors.NOT_REACHABLE),
        "answers, but is not Dynamics 365 Finance.",
    ),
    (
        "dimension-format",
        Broken(delimiter("Hyphen"), delimiter("Bar"), errors.FormatMissing.headline),
        "The format MainAccount|Department|Fund is not separated by the delimiter -",
    ),
]


def active(value: bool):
    def change(scene):
        scene.people.owner.is_active = value
        scene.people.owner.save()

    return change


def account(kind: ConnectionKind, name: str):
    return lambda scene: Connection.objects.filter(kind=kind).update(account=f"{name}@contoso.example")


def owner_groups(*roles: Role):
    return lambda scene: scene.people.owner.groups.set(Group_.objects.filter(name__in=[role.value for role in roles]))


MISSING = errors.ConnectionMissing.headline
SIGN_IN_AS = "The sign-in is planner@contoso.example, but owner is owner@contoso.example here. Sign in as owner@"
OWNERS = [
    (
        "flows-installed",
        Broken(active(False), active(True), MISSING),
        "The flow owner owner is deactivated. A BPP administrator takes ownership of the flows.",
    ),
    (
        "flows-installed",
        Broken(owner_groups(Role.POWER_USER), owner_groups(Role.ADMINISTRATOR), MISSING),
        "The flow owner owner has no role that may own flows. A BPP administrator takes ownership",
    ),
    (
        "token-dataverse",
        Broken(account(ConnectionKind.DATAVERSE, "planner"), account(ConnectionKind.DATAVERSE, "owner"), MISSING),
        SIGN_IN_AS,
    ),
    (
        "token-status",
        Broken(account(ConnectionKind.FINANCE, "planner"), account(ConnectionKind.FINANCE, "owner"), STAYS),
        SIGN_IN_AS,
    ),
]


def test_every_precondition_has_a_case_that_breaks_and_mends_it():
    assert set(CASES) == {one.key for one in PRECONDITIONS}
    assert len({one.label for one in PRECONDITIONS}) == len(PRECONDITIONS)
    assert all(other in BY_KEY for one in PRECONDITIONS for other in one.waits_for)


def test_what_an_export_fails_with_is_the_text_of_the_table():
    for key, case in CASES.items():
        about = BY_KEY[key]
        if case.state is State.FAILS and about.text and case.export != STAYS:
            assert case.export == about.text, key
        assert (case.export == STAYS) == ("stay" in about.outcome), key


@pytest.fixture
def scene(sandbox, environment, world, settings, tmp_path):
    return Scene(sandbox, environment, world, settings, tmp_path)


def seen(scene):
    return check(environment=Environment.objects.get(), legal_entity="USMF").seen_by("planner")


def open_rows(report) -> dict[str, State]:
    return {row.key: row.state for row in report.rows if row.is_open}


def test_all_is_well_at_first(scene):
    report = seen(scene)
    assert open_rows(report) == {}
    assert report.ready
    assert [row.key for row in report.not_checked] == ["entry-numbers"]
    assert report.legal_entities == ("DEMF", "USMF", "USSI")


@pytest.mark.parametrize("group", list(Group), ids=lambda group: group.name.lower())
def test_exactly_the_broken_one_is_named_and_an_export_meets_it(scene, oakland, group):
    """All cases of a group in one world: each mends what it broke, or the next one fails."""
    cases = {key: case for key, case in CASES.items() if BY_KEY[key].group is group}
    for key, case in cases.items():
        case.break_it(scene)
        report = seen(scene)
        assert open_rows(report) == {key: case.state}, [(r.key, r.found) for r in report.rows if r.is_open]
        assert report.ready is (case.state is State.WARNING)
        for row in report.not_checked:
            assert row.waits_for == key or row.key == "entry-numbers", (row.key, row.waits_for)
        check_export(scene, key, case)
        assert open_rows(seen(scene)) == {}, f"{key} is not well again"
    goes_through(scene, [case for case in cases.values() if case.export == GOES_THROUGH])
    stays_and_finishes(scene, [case for case in cases.values() if case.export == STAYS])


@pytest.mark.parametrize(("key", "case", "found"), OTHER_CASES, ids=[key for key, *_ in OTHER_CASES])
def test_another_way_to_break_it(scene, oakland, key, case, found):
    case.break_it(scene)
    report = seen(scene)
    assert open_rows(report) == {key: case.state}, [(r.key, r.found) for r in report.rows if r.is_open]
    assert found in report.row(key).found
    assert {row.waits_for for row in report.not_checked} <= {key, ""}
    check_export(scene, key, case)
    assert found in Run.objects.get().cause
    assert open_rows(seen(scene)) == {}


@pytest.mark.parametrize(("key", "case", "found"), OWNERS)
def test_an_owner_or_account_that_may_not_stand_there_is_named(scene, oakland, key, case, found):
    case.break_it(scene)
    report = seen(scene)
    assert open_rows(report) == {key: State.FAILS}
    assert found in f"{report.row(key).found} {report.row(key).hint}"
    check_export(scene, key, case)
    stays_and_finishes(scene, [case] if case.export == STAYS else [])
    assert open_rows(seen(scene)) == {}


def check_export(scene, key: str, case: Broken) -> None:
    """An export started all the same does what the case says; afterwards the precondition is mended.

    What lets the lines arrive is tried at the end, all of it at once: a whole export takes its time.
    """
    if case.refused or case.export == REFUSED:
        with pytest.raises(ExportRefused) as caught:
            export(scene.people.planner, CONFIGURATION)
        assert case.export == REFUSED or case.export.removeprefix("… ") in str(caught.value)
    elif case.export not in (GOES_THROUGH, STAYS):
        run = work(export(scene.people.planner, CONFIGURATION))
        assert run.state == RunState.FAILED, key
        assert case.export in f"{run.headline} {run.cause}", (key, run.headline, run.cause)
    case.mend(scene)


def goes_through(scene, harmless: list[Broken]) -> None:
    """What is only a warning stops no export."""
    for case in harmless:
        case.break_it(scene)
    if harmless:
        run = work(export(scene.people.planner, CONFIGURATION))
        assert run.state == RunState.SUCCEEDED, (run.headline, run.cause)


def stays_and_finishes(scene, staying: list[Broken]) -> None:
    """The lines arrive, the run can't be asked about, and finishes after the repair with the same execution id."""
    if not staying:
        return
    run = export(scene.people.planner, CONFIGURATION)
    for case in staying:
        case.break_it(scene)
    status_unknown(run)
    execution = run.attempts.get().execution_id
    for case in staying:
        case.mend(scene)
    assert (work(run).state, run.attempts.get().execution_id) == (RunState.SUCCEEDED, execution)


def status_unknown(run) -> None:
    """Do the worker's steps until the run stands in Finance and can't be asked about."""
    for _ in range(200):
        run.refresh_from_db()
        if run.state == RunState.RUNNING and run.trouble:
            return
        step(run_id=run.pk, flow=FLOW_OF[run.status])
    raise AssertionError(run.state)
