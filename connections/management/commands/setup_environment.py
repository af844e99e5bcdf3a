"""Links the demo to its sandbox: environment, the owner's sign-in, flows. Running it again changes what has
changed.
"""

import json
from argparse import ArgumentParser
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from connections import entra, operations, queries
from connections.entra_application import client_secret
from connections.errors import RemoteError
from connections.models import Connection, Environment
from connections.rules.flows import ConnectionKind

NAME = "Sandbox"
REDIRECT_URI = "http://localhost/connections/signed-in/"


class Command(BaseCommand):
    help = "Creates or updates an environment of the demo, signs the flow owner in, installs and turns on the flows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default=NAME, help="name of the environment")
        kinds = Environment.Kind.values
        parser.add_argument("--kind", default=Environment.Kind.SANDBOX, choices=kinds, help="what its pages call it")
        parser.add_argument("--owner", default="owner", help="user who owns the flows")
        parser.add_argument("--installer", default="installer", help="user who installs the flows")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The sandbox is for the demo. In production, add the environment in the administration.")
        facts = _facts()
        if facts["client_secret"] != client_secret(options["name"]):
            raise CommandError("Set ENTRA_CLIENT_SECRET to the client_secret of the sandbox's facts.")
        owner, installer = _user(options["owner"]), _user(options["installer"])
        environment = _environment(installer, facts, options["name"], options["kind"])
        try:
            operations.install_flows(actor=installer, environment=environment)
            if environment.flows.exclude(owner=owner).exists():
                operations.take_ownership(actor=owner, environment=environment)
            for kind in (ConnectionKind.DATAVERSE, ConnectionKind.FINANCE):
                _connect(owner, environment, kind)
            # A sandbox that was reset forgot what Dataverse was told of flows that are on here.
            if not operations.turn_on_all(actor=owner, environment=environment):
                operations.bring_in_line(actor=owner, environment=environment)
        except RemoteError as error:
            raise CommandError(" ".join(filter(None, (f"{error}.", error.hint)))) from None
        if options["verbosity"]:
            self.stdout.write(f"{environment} is ready: flows owned by {owner}, connected and on.")


def _facts() -> dict[str, Any]:
    url = f"http://127.0.0.1:{settings.SANDBOX_PORT}/_sandbox/facts"
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
            facts: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        raise CommandError(f"No sandbox answers at {url}. Start it, or set SANDBOX_PORT.") from None
    return facts


def _user(name: str) -> Any:
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name}.")
    return user


def _environment(actor: Any, facts: dict[str, Any], name: str, kind: str) -> Environment:
    authority = facts["authority"].rstrip("/").removesuffix(f"/{facts['tenant_id']}")
    return operations.save_environment(
        actor=actor,
        name=name,
        kind=kind,
        dataverse_url=facts["dataverse_url"],
        tenant_id=facts["tenant_id"],
        authority=authority,
        client_id=facts["client_id"],
    )


def _connect(owner: Any, environment: Environment, kind: ConnectionKind) -> None:
    """Keep a sign-in that still works, else make a new one; the owner's flows then point at it."""
    connection = Connection.objects.filter(environment=environment, owner=owner, kind=kind).first()
    if connection is None or not _works(connection):
        connection = _sign_in(owner, environment, kind)
    for flow in queries.flows(environment=environment):
        for reference in flow.references.all():
            if reference.kind == kind and reference.connection_id != connection.pk:
                operations.set_reference(
                    actor=owner, environment=environment, name=flow.name, kind=kind, connection=connection
                )


def _works(connection: Connection) -> bool:
    try:
        entra.token_for(connection, connection.environment.dataverse_url.rstrip("/"), refresh=True)
    except RemoteError:
        return False
    return connection.status == Connection.Status.CONNECTED


def _sign_in(owner: Any, environment: Environment, kind: ConnectionKind) -> Connection:
    begun = operations.begin_connect(
        actor=owner, environment=environment, kind=kind, redirect_uri=REDIRECT_URI, login_hint=owner.email
    )
    return operations.connect(
        actor=owner, environment=environment, kind=kind, flow=begun, answer=_answer_of_page(begun["auth_uri"])
    )


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """The code is in the address that the browser would go to; nobody has to listen there."""


def _answer_of_page(address: str) -> dict[str, str]:
    """What the sandbox's sign-in page sends back when no person is asked (prompt=none)."""
    page = urlsplit(address)
    if page.hostname != "127.0.0.1":
        raise CommandError("Only the sandbox's own sign-in page can be answered without a person.")
    asked = urlencode({**dict(parse_qsl(page.query)), "prompt": "none"})
    try:
        build_opener(ProxyHandler({}), _Stay()).open(page._replace(query=asked).geturl(), timeout=10)
    except HTTPError as redirect:
        redirect.close()
        return dict(parse_qsl(urlsplit(redirect.headers.get("Location", "")).query))
    raise CommandError("The sandbox's sign-in page did not answer with a code.")
