"""The routes of the sandbox and how a handler becomes an answer."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.control import service as control
from sandbox.control import settings as control_settings
from sandbox.control.gate import Gate
from sandbox.data_management import actions as data_management
from sandbox.data_management import connector, executions
from sandbox.dataverse import service as dataverse
from sandbox.entra import administration, discovery, signin
from sandbox.entra.token import token
from sandbox.finance import batch as finance_batch
from sandbox.finance import front as finance_front
from sandbox.finance import metadata, metadata_catalog
from sandbox.finance import service as finance
from sandbox.storage import service as blob
from sandbox.storage.addresses import ACCOUNT, CONTAINER
from sandbox.wire import Call, WireError, answer
from sandbox.world import World

Handler = Callable[[Call], Response]
Around = Callable[[Call], AbstractContextManager[None]]
ACTION = "DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities.{action}"


def build(world: World) -> Gate:
    """The application over one store."""

    def route(path: str, handler: Handler, *methods: str, around: Around = _nothing, **parts: str) -> Route:
        async def endpoint(request: Request) -> Response:
            call = Call(
                world,
                request.method,
                request.scope["path"],
                request.scope["query_string"].decode("latin-1"),
                request.headers,
                await request.body(),
                {**request.path_params, **parts},
                request.scope.get("notes", {}),
            )
            with around(call):
                return await run_in_threadpool(_answered, handler, call)

        return Route(path, endpoint, methods=list(methods) or ["GET"])

    routes = [
        Route("/", lambda request: RedirectResponse("/_sandbox/")),
        route("/_sandbox/", control.ledger),
        route("/_sandbox/facts", control.facts),
        route("/_sandbox/faults", control.faults, "GET", "PUT"),
        route("/_sandbox/requests", control.requests),
        route("/_sandbox/reset", control.reset, "POST"),
        route("/_sandbox/register-entries", control.register_entries),
        route("/_sandbox/rows/{set}", control.rows, "GET", "PUT", "DELETE"),
        route("/_sandbox/users/{name}", control_settings.user, "PUT"),
        route("/_sandbox/roles/{name}", control_settings.role, "PUT"),
        route("/_sandbox/accounts/{name}", administration.account_of, "GET", "PUT"),
        route("/_sandbox/application", administration.application_of, "GET", "PUT"),
        route("/_sandbox/environment-variables/{name}", control_settings.variable, "PUT"),
        route("/_sandbox/virtual-entities/{name}", control_settings.virtual_entity, "PUT"),
        route("/_sandbox/executions", executions.control_list),
        route("/_sandbox/executions/{id:path}", executions.control_change, "PUT"),
        route(f"/{ACCOUNT}/{CONTAINER}/{{name:path}}", blob.handle, "PUT", "GET", "DELETE"),
        route("/api/connector/enqueue/{id}", connector.enqueue, "POST"),
        route("/api/connector/jobstatus/{id}", connector.job_status),
        route("/api/connector/dequeue/{id}", connector.dequeue),
        route("/api/connector/ack/{id}", connector.ack, "POST"),
        route("/data/" + ACTION, data_management.action, "POST"),
        route("/data", metadata.service),
        route("/data/", metadata.service),
        route("/data/$metadata", metadata.document),
        route("/data/$batch", finance_batch.handle, "POST"),
        route("/data/{resource:path}", finance.handle, "GET", "POST", "PATCH", "PUT", "DELETE"),
        route("/Metadata/{catalogue}", metadata_catalog.handle),
        route("/api/data/v9.2/{path:path}", dataverse.serve, *dataverse.METHODS, around=dataverse.waiting),
        route("/{tenant}/v2.0/.well-known/openid-configuration", discovery.document),
        route("/{tenant}/.well-known/openid-configuration", discovery.document, version="v1.0"),
        route("/{tenant}/discovery/v2.0/keys", discovery.keys),
        route("/{tenant}/discovery/keys", discovery.keys),
        route("/{tenant}/oauth2/v2.0/authorize", signin.authorize, "GET", "POST"),
        route("/{tenant}/oauth2/authorize", signin.authorize, "GET", "POST"),
        route("/{tenant}/oauth2/v2.0/token", token, "POST"),
        route("/{tenant}/oauth2/token", token, "POST", version="v1.0"),
    ]
    return Gate(Starlette(routes=routes), world)


def _nothing(call: Call) -> AbstractContextManager[None]:
    """Around a call that needs nothing around it."""
    return nullcontext()


def _answered(handler: Handler, call: Call) -> Response:
    try:
        finance_front.check(call)
        answered = handler(call)
    except WireError as error:
        answered = answer(error.content, error.status, error.headers)
    return finance_front.finish(call, answered)
