"""The way to Finance: flows and their connections, reachability, certificates, clock, tokens, the variable."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connections import http
from connections.dataverse import FINANCE_URI_NAME, DataverseClient
from connections.errors import CertificateRefused
from connections.finance import FinanceClient
from connections.models import Connection, Environment, Flow
from connections.refusals import not_finance
from connections.rules.addresses import host_and_port
from connections.rules.flows import EXPORT_FLOW, FLOWS, STATUS_FLOW, ConnectionKind
from connections.rules.owners import TAKE_OWNERSHIP
from connections.rules.readiness import State, flow_key

from ..access import flows
from ..fitness import account_unfit, owner_unfit
from .sheet import HeldToken, Sheet

MOST_SKEW_SECONDS = 300.0


@dataclass(frozen=True)
class Flows:
    """The connections that an export runs with, None when the slot is empty; and the names of the flows `on`."""

    export: Connection | None
    status: Connection | None
    on: tuple[str, ...]


def flows_of(sheet: Sheet, environment: Environment) -> Flows:
    """What the portal itself knows about the three flows; nobody is asked."""
    found = {flow.name: flow for flow in flows(environment=environment)}
    missing = [name for name in FLOWS if name not in found]
    homeless = [flow.name for flow in found.values() if flow.owner is None]
    unfit = {str(problem): problem for flow in found.values() if (problem := owner_unfit(flow))}
    if missing or homeless:
        words = [f"Not installed: {', '.join(missing)}."] if missing else []
        words += [f"Without an owner: {', '.join(homeless)}."] if homeless else []
        sheet.fails("flows-installed", " ".join(words))
    elif unfit:
        sheet.fails("flows-installed", " ".join(one.cause for one in unfit.values()), TAKE_OWNERSHIP)
    else:
        owners = sorted({str(flow.owner) for flow in found.values()})
        sheet.passed("flows-installed", f"3 flows, owned by {' and '.join(owners)}")
    for flow in found.values():
        _connections(sheet, flow)
    return Flows(
        _connection(found.get(EXPORT_FLOW), ConnectionKind.DATAVERSE),
        _connection(found.get(STATUS_FLOW), ConnectionKind.FINANCE),
        tuple(name for name, flow in found.items() if flow.is_on and _has_owner(flow)),
    )


def _connections(sheet: Sheet, flow: Flow) -> None:
    if not _has_owner(flow):
        return
    kinds = FLOWS[flow.name].requires
    empty = [kind.label for kind in kinds if _connection(flow, kind) is None]
    if empty:
        sheet.fails(flow_key("connected", flow.name), f"No {' and no '.join(empty)} connection of {flow.owner}")
    else:
        labels = " and ".join(kind.label for kind in kinds)
        sheet.passed(flow_key("connected", flow.name), f"{labels}, of {flow.owner}")
    if flow.is_on:
        sheet.passed(flow_key("on", flow.name), "On")
    elif not empty:
        sheet.fails(flow_key("on", flow.name), "Turned off")


def _has_owner(flow: Flow) -> bool:
    """Whether somebody owns the flow whom it can run as."""
    return flow.owner is not None and owner_unfit(flow) is None


def _connection(flow: Flow | None, kind: ConnectionKind) -> Connection | None:
    if flow is None or not _has_owner(flow):
        return None
    references = [one for one in flow.references.all() if one.kind == kind]
    connection = references[0].connection if references else None
    return connection if connection is not None and connection.owner_id == flow.owner_id else None


def probe(
    sheet: Sheet, key: str, root: str, path: str, refused: Callable[[http.Answer], bool] = lambda answer: False
) -> None:
    """Whether anything answers there, whom its certificate names, and what time it is there. No token is sent.

    `refused` tells by the answer that it is not Finance: that asks for a token first (401), anybody else knows no such
    path (404).
    """
    place = host_and_port(root).removesuffix(":443")

    def ask() -> http.Answer | None:
        try:
            return http.request("GET", f"{root}/{path}", repeatable=True, expects_json=False)
        except CertificateRefused as error:
            sheet.fails("certificate", error.cause, error.hint)
            sheet.passed(key, f"{place} answers")
            return None

    answer = sheet.ask(key, key, ask)
    if answer is None:
        return
    if refused(answer):
        error = not_finance(place)
        sheet.fails(key, error.cause, error.hint)
    else:
        sheet.passed(key, f"{place} answers")
    trusted = sheet.findings.get("certificate")
    if trusted is None or trusted.state is State.PASSED:
        before = f"{trusted.found}, " if trusted else "Trusted: "
        sheet.passed("certificate", f"{before}{place}")
    _compare_clocks(sheet, place, answer.headers.get("date", ""))


def _compare_clocks(sheet: Sheet, place: str, date: str) -> None:
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return
    skew = (datetime.now(UTC) - there.replace(tzinfo=there.tzinfo or UTC)).total_seconds()
    if abs(skew) > MOST_SKEW_SECONDS:
        words = "ahead of" if skew > 0 else "behind"
        sheet.note("clock", State.WARNING, f"The portal's clock is {abs(skew) / 60:,.0f} minutes {words} {place}")
    elif "clock" not in sheet.findings:
        sheet.passed("clock", f"At most {abs(skew) + 1:.0f} s from the other side's")


def dataverse_way(sheet: Sheet, environment: Environment, connection: Connection) -> DataverseClient | None:
    """A client of Dataverse as the flow owner, when the owner may sign in and is a user there."""
    root = environment.dataverse_url.rstrip("/")
    if unfit := account_unfit(connection):
        sheet.fails("token-dataverse", unfit.cause, unfit.hint)
        return None
    token = sheet.ask("token-dataverse", "entra", lambda: HeldToken(connection, root))
    if token is None:
        return None
    sheet.passed("token-dataverse", f"{connection.account} signs in")
    client = DataverseClient.of(root=root, who=connection.account, bearer=token)
    who = sheet.ask("dataverse-user", "dataverse", client.who_am_i)
    if who is None:
        return None
    sheet.passed("dataverse-user", f"{connection.account} is a user of Dataverse")
    return client


def finance_way(sheet: Sheet, dataverse: DataverseClient, flows_: Flows, *, beyond: bool) -> FinanceClient | None:
    """A client of Finance as the flow owner, at the address of the environment variable, if asked to go `beyond` it."""
    root = sheet.ask("variable", "dataverse", dataverse.finance_url)
    if root is None or flows_.export is None:
        return None
    connection = flows_.export
    sheet.passed("variable", f"{FINANCE_URI_NAME} is {root}")
    if not beyond:
        return None
    probe(sheet, "finance", root, "data", refused=lambda answer: answer.status == 404)
    trusted = sheet.findings.get("certificate")
    there = sheet.findings.get("finance")
    if there is None or there.state is not State.PASSED or (trusted and trusted.state is not State.PASSED):
        return None
    token = sheet.ask("token-finance", "entra", lambda: HeldToken(connection, root))
    _status_token(sheet, flows_, root)
    if token is None:
        return None
    sheet.passed("token-finance", f"{connection.account} has a token for Finance")
    return FinanceClient(root=root, who=connection.account, bearer=token)


def _status_token(sheet: Sheet, flows_: Flows, root: str) -> None:
    connection = flows_.status
    if connection is None:
        return
    if unfit := account_unfit(connection):
        sheet.fails("token-status", unfit.cause, unfit.hint)
        return
    token = sheet.ask("token-status", "entra", lambda: HeldToken(connection, root))
    if token is not None:
        sheet.passed("token-status", f"{connection.account} signs in")
