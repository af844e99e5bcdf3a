"""Exports over the API: the same queries, operations and rights as the pages."""

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, require
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import default_environment
from cubes.models import Cube
from cubes.queries import cube_for

from .api_schema import CONFIGURATION, RefusalSerializer, ReusedSerializer, RunStatusSerializer, SummarySerializer
from .models import Run
from .operations.requesting import ExportRefused, TokenReused, request_export
from .queries.run_page import texts_are_free
from .queries.seeing import Reader
from .queries.summaries import summary_of
from .rules.configuration_file import parse, read

_LIMIT = OpenApiParameter("limit", int, description="runs a page")
_OFFSET = OpenApiParameter("offset", int, description="runs to skip")
_KEY = OpenApiParameter("Idempotency-Key", OpenApiTypes.UUID, OpenApiParameter.HEADER)


class ConfigurationParser(JSONParser):
    """JSON as the files of `export_budget` are read: a name that stands twice is refused."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return parse(stream.read().decode("utf-8"))
        except ValueError as error:
            raise ParseError(f"The body cannot be read as JSON: {error}") from error


class ExportList(APIView):
    """GET: runs, newest first. POST: a configuration as in the files of `export_budget`; 201 with the run.

    An `Idempotency-Key` header (a UUID) makes a repeated POST give the same run; with another body it answers 409.
    """

    parser_classes = [ConfigurationParser]

    @extend_schema(operation_id="exports_list", parameters=[_LIMIT, _OFFSET], responses=SummarySerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request.user, Right.READ_EXPORTS, Right.READ_RUNS)
        runs = Run.objects.select_related("export__cube", "requested_by").prefetch_related("totals", "attempts")
        pages = LimitOffsetPagination()
        page = pages.paginate_queryset(runs, request, view=self) or []
        reader = Reader(request.user)
        return pages.get_paginated_response([seen_by(reader, run) for run in page])

    @extend_schema(
        operation_id="exports_create",
        parameters=[_KEY],
        request=CONFIGURATION,
        responses={201: SummarySerializer, 400: RefusalSerializer, 409: ReusedSerializer},
    )
    def post(self, request: Request) -> Response:
        require(request.user, Right.EXPORT)
        file = read(request.data)
        if file.problems:
            return _refused(list(file.problems))
        try:
            run = request_export(
                actor=request.user,
                cube=cube_for(request.user, file.cube),
                environment=_environment(file.environment),
                chosen=file.configuration,
                client_token=_token(request),
            )
        except (Cube.DoesNotExist, Environment.DoesNotExist):
            return Response({"detail": "Not found."}, status=status.HTTP_404_NOT_FOUND)
        except ExportRefused as refusal:
            return _refused(refusal.problems)
        except TokenReused as refusal:
            return Response({"detail": str(refusal)}, status=status.HTTP_409_CONFLICT)
        except RemoteError as error:
            return _refused([error.problem("environment")])
        return Response(seen_by(Reader(request.user), run), status=status.HTTP_201_CREATED)


class ExportDetail(APIView):
    """One run by its run id or entry number."""

    @extend_schema(operation_id="exports_retrieve", responses=SummarySerializer)
    def get(self, request: Request, key: str) -> Response:
        require(request.user, Right.READ_EXPORTS, Right.READ_RUNS)
        return Response(seen_by(Reader(request.user), run_by(key)))


class ExportStatus(APIView):
    """Only the state of a run, for waiting on it."""

    @extend_schema(operation_id="exports_status", responses=RunStatusSerializer)
    def get(self, request: Request, key: str) -> Response:
        require(request.user, Right.READ_EXPORTS, Right.READ_RUNS)
        run = run_by(key)
        summary = summary_of(run)
        numbers = Reader(request.user).numbers(run)
        return Response(
            {
                "run_id": summary.run_id,
                "status": summary.status,
                "state": summary.state,
                "ended": not run.is_active,
                "headline": summary.headline if numbers or texts_are_free(run) else "",
            }
        )


def run_by(key: str) -> Run:
    """The run with this run id or entry number, or 404."""
    runs = Run.objects.select_related("export__cube", "requested_by")
    try:
        return get_object_or_404(runs, uuid=uuid.UUID(key))
    except ValueError:
        return get_object_or_404(runs, entry_number=key)


def seen_by(reader: Reader, run: Run) -> dict[str, Any]:
    """The summary without cube data for those who may only read states, or see less than the requester saw."""
    data = summary_of(run).as_dict()
    if not reader.numbers(run):
        hidden = ["cube_rows", "lines", "totals"]
        hidden += [] if texts_are_free(run) else ["headline", "cause", "hint"]
        for name in hidden:
            data.pop(name)
    return data


def _environment(name: str) -> Environment:
    return Environment.objects.get(name=name) if name else default_environment()


def _token(request: Request) -> uuid.UUID:
    text = request.headers.get("Idempotency-Key", "")
    try:
        return uuid.UUID(text) if text else uuid.uuid4()
    except ValueError as error:
        raise ValidationError("Idempotency-Key must be a UUID.") from error


def _refused(problems: list[Problem]) -> Response:
    listed = [
        {"code": p.code, "field": p.field, "message": p.message, "hint": p.hint, "examples": list(p.examples)}
        for p in problems
    ]
    return Response({"problems": listed}, status=status.HTTP_400_BAD_REQUEST)
