"""Every address, every role, every kind of object, as rights.py says; an address without a line there fails."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone
from django_q.models import Failure, OrmQ, Success

from bpp_portal.kernel.roles import Role
from bpp_portal.notices.models import Notice
from connections.models import Connection
from connections.rules.flows import COUNT_FLOW
from cubes.models import Cube, Dimension, DimensionGroup, DimensionRule, Load
from exports.models import DataverseLoad, Export, Run
from exports.operations.stepping import step
from tests.portal import rights
from tests.world import export

ROLE_OF = {
    "I": Role.IT_ADMINISTRATOR,
    "A": Role.ADMINISTRATOR,
    "P": Role.POWER_USER,
    "C": Role.CONTRIBUTOR,
    "L": Role.LIMITED_CONTRIBUTOR,
    "V": Role.VIEWER,
    "R": Role.REVIEWER,
    "0": None,
}
UNSAFE = ("post", "put", "patch", "delete")
# Who may read these and not do this with them knows anyway that they are there.
READABLE = ("others-run", "read-cube")
MODEL_PAGES = ("changelist", "add", "history", "delete", "change")
HOW_TO = """Add a line for each of these to PAGES in tests/portal/rights.py (a model of the administration: to ADMIN).
What the roles get now is below; check it against architecture §8 before you write it down.
An address that takes an argument of a new kind needs an entry in `arguments` of test_rights_matrix.py as well."""


@dataclass(frozen=True)
class Line:
    name: str
    method: str
    object: str
    statuses: dict[str, int]


def lines() -> list[Line]:
    found = []
    for text in rights.PAGES.strip().splitlines():
        if text.startswith("#"):
            continue
        name, method, thing, *statuses = text.split()
        assert len(statuses) == len(rights.ROLES), text
        found.append(Line(name, method, thing, dict(zip(rights.ROLES, map(int, statuses), strict=True))))
    return found


def model_lines() -> dict[str, list[str]]:
    rows = (text.split() for text in rights.ADMIN.strip().splitlines() if not text.startswith("#"))
    return {name: letters for name, *letters in rows}


def addresses() -> Iterator[tuple[str, str]]:
    """(name, route) of every address; one without a name is called by its route."""

    def walk(resolver: Any, space: str, before: str) -> Iterator[tuple[str, str]]:
        for part in resolver.url_patterns:
            route = before + str(part.pattern)
            if isinstance(part, URLResolver):
                yield from walk(part, space + (f"{part.namespace}:" if part.namespace else ""), route)
            elif isinstance(part, URLPattern):
                yield (space + part.name if part.name else f"route:{route}"), route

    return walk(get_resolver(), "", "")


def model_of(name: str, route: str) -> str:
    """`app.model` of a model's page in the administration; empty for any other address."""
    found = re.match(r"admin/(\w+)/(\w+)/", route)
    return f"{found[1]}.{found[2]}" if found and found[2] in apps.all_models.get(found[1], {}) else ""


def pages() -> dict[str, str]:
    """Name → route of all addresses that are no model's page in the administration."""
    return {name: route for name, route in addresses() if not model_of(name, route)}


@dataclass
class Stage:
    """People of every role with a browser each, and one object of every kind."""

    clients: dict[str, Client]
    people: dict[str, Any]
    arguments: dict[str, tuple[list[Any], list[Any] | None]]
    run: Run

    def address(self, name: str, thing: str, *, absent: bool = False) -> str:
        there, missing = self.arguments[thing]
        if name.startswith("route:"):
            return "/" + name.removeprefix("route:").replace("<path:rest>", "anything/")
        return reverse(name, args=missing if absent else there)

    def ask(self, letter: str, method: str, address: str, *, own: bool = False) -> Any:
        """What `letter` gets; whatever it changed is taken back, a sign-out as well."""
        client = self.clients[letter]
        kept = copy.deepcopy(client.cookies)
        with transaction.atomic():
            if own and self.people[letter]:
                Run.objects.update(requested_by=self.people[letter])
            answer = getattr(client, method.lower())(address)
            transaction.set_rollback(True)
        client.cookies = kept
        return answer


@pytest.fixture
def stage(world, codes) -> Stage:
    cache.clear()
    other = get_user_model().objects.create_user("someone-else", "else@contoso.example")
    other.groups.add(Group.objects.get(name=Role.POWER_USER))
    run, failed = export(other, "codes/codes.json"), export(other, "codes/codes.json")
    Run.objects.filter(pk=failed.pk).update(state="FAILED")
    step(run_id=run.pk, flow="CountTotalCubeRows")
    draft = Export.objects.create(
        cube=codes, environment=run.environment, name="Draft", line_detail="aggregate", created_by=other
    )
    Cube.objects.create(name="Hidden", slug="hidden", logical_name="hidden")
    load = Load.objects.get()
    reading = DataverseLoad.objects.create(
        cube=codes, environment=run.environment, requested_by=other, mode="replace", extent="all", state="STOPPED"
    )
    told = {"topic": "t", "kind": "info", "word": "Told", "text": "Something changed."}
    notice = Notice.objects.create(user=other, **told)
    rule = DimensionRule.objects.create(
        group=DimensionGroup.objects.create(name="Anyone"),
        dimension=Dimension.objects.create(name="Unused", logical_name="unused", primary_column="name"),
    )
    people: dict[str, Any] = {"-": None}
    password = make_password("right and long enough")
    clients = {"-": Client()}
    for letter, role in ROLE_OF.items():
        people[letter] = get_user_model().objects.create(username=f"matrix-{letter}", password=password)
        if role:
            people[letter].groups.add(Group.objects.get(name=role.value))
        clients[letter] = Client()
        clients[letter].force_login(people[letter])
    return Stage(clients, people, arguments(codes, run, failed, draft, load, notice, rule, reading), run)


def arguments(
    codes: Cube,
    run: Run,
    failed: Run,
    draft: Export,
    load: Load,
    notice: Notice,
    rule: DimensionRule,
    reading: DataverseLoad,
) -> dict[str, Any]:
    """Kind of object → arguments of its address, and those of one that is absent (None: no such thing)."""
    return {
        ".": ([], None),
        "cube": ([codes.slug], ["nothing-here"]),
        "read-cube": ([codes.slug], ["nothing-here"]),
        "draft-cube": (["hidden"], ["nothing-here"]),
        "dimension": ([codes.cube_dimensions.earliest("pk").dimension_id], [999_999]),
        "workbooks": (["0b0d5a2e-6a0c-4f39-9a51-0d8f9f0f7c11"], None),  # those of somebody else: as if absent
        "load": ([codes.slug, load.pk], [codes.slug, 999_999]),
        "load-elsewhere": (["hidden", load.pk], ["hidden", 999_999]),
        "dataverse-load": ([codes.slug, reading.pk], [codes.slug, 999_999]),
        "run": ([run.entry_number], ["BPP-999999"]),
        "others-run": ([run.entry_number], ["BPP-999999"]),
        "own-run": ([run.entry_number], ["BPP-999999"]),
        "failed-run": ([failed.entry_number], ["BPP-999999"]),
        "draft": ([draft.pk], [999_999]),
        "group": ([rule.group_id], [999_999]),
        "rule": ([rule.group_id, rule.pk], [rule.group_id, 999_999]),
        "key": (["a-key"], None),
        "reset-key": (["1", "a-key"], None),
        "app": (["exports"], None),
        "environment": ([run.environment_id], [999_999]),
        "flow": ([run.environment_id, COUNT_FLOW], [999_999, COUNT_FLOW]),
        "entity": ([run.environment_id, "BudgetModelEntity"], [999_999, "BudgetModelEntity"]),
        "connection": ([Connection.objects.earliest("pk").pk], [999_999]),
        "others-notice": ([notice.pk], [999_999]),
        "row": ([999_999, 1], None),
        "anything": (["nothing/here"], None),
    }


def kind_of(route: str) -> str:
    """The kind of object that an address without a line seems to take."""
    for argument, kind in (
        ("<str:entity>", "entity"),
        ("<str:name>", "flow"),
        ("connections/<int:pk>", "connection"),
        ("notices/<int:pk>", "others-notice"),
        ("<int:pk>", "environment"),
        ("<uuid:key>", "workbooks"),
        ("slug", "cube"),
        ("number", "run"),
        (":key>", "run"),
        ("<key>", "key"),
    ):
        if argument in route:
            return kind
    return "."


def suggested(stage: Stage, name: str, route: str) -> str:
    try:
        address = stage.address(name, kind_of(route))
    except Exception as error:
        return f"{name}: {error}"
    found = []
    for method in ("GET", "POST"):
        statuses = [stage.ask(letter, method, address).status_code for letter in rights.ROLES]
        if set(statuses) - {405}:
            found.append(f"{name:<41} {method:<6} {kind_of(route):<14}" + " ".join(map(str, statuses)))
    return "\n".join(found)


@pytest.mark.django_db
def test_every_address_has_a_line(request):
    written = {line.name for line in lines()}
    without = {name: route for name, route in pages().items() if name not in written}
    stage = request.getfixturevalue("stage") if without else None
    missing = [suggested(stage, name, route) for name, route in without.items()]
    missing += sorted({model_of(*each) for each in addresses()} - {""} - set(model_lines()))
    assert not missing, HOW_TO + "\n\n" + "\n".join(missing)
    gone = (written - set(pages())) | (set(model_lines()) - {model_of(*each) for each in addresses()})
    assert not gone, f"take the lines of these addresses out of tests/portal/rights.py: {gone}"


def is_sign_in(location: str, line: Line) -> bool:
    """Whether somebody who is signed out is led to the sign-in; signing out and preferences lead to the start page."""
    if line.name in ("account_logout", "preferences"):
        return location == "/"
    return location.startswith(("/accounts/", "/admin/"))


def test_every_role_gets_what_the_table_says(stage):
    wrong = []
    for line in lines():
        address = stage.address(line.name, line.object)
        for letter, wanted in line.statuses.items():
            answer = stage.ask(letter, line.method, address, own=line.object.startswith("own"))
            if answer.status_code != wanted:
                wrong.append(f"{line.name} {line.method} {line.object} {letter}: {answer.status_code}, not {wanted}")
            elif letter == "-" and wanted == 302 and not is_sign_in(answer["Location"], line):
                wrong.append(f"{line.name} {line.method}: signed out, one is sent to {answer['Location']}")
    assert not wrong, "\n".join(wrong)


def test_what_is_absent_is_404_for_everybody_who_is_not_refused(stage):
    wrong = []
    for line in lines():
        if stage.arguments[line.object][1] is None:
            continue
        address = stage.address(line.name, line.object, absent=True)
        for letter, there in line.statuses.items():
            refused = there in (401, 403, 405) or (letter == "-" and there == 302)
            got = stage.ask(letter, line.method, address).status_code
            known = line.object in READABLE and got == 404
            if got != (there if refused else 404) and not known:
                wrong.append(f"{line.name} {line.method} {letter}: {got}")
    assert not wrong, "\n".join(wrong)


def faceless(answer: Any, address: str) -> tuple[int, str, dict[str, str]]:
    """An answer without what differs between two requests: its id and time, the tokens of forms, its own address."""
    text = answer.content.decode().replace(answer["X-Correlation-Id"], "ID").replace(address, "ADDRESS")
    text = re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")[A-Za-z0-9]+', r"\1TOKEN", text)
    text = re.sub(r"(<dt>Time</dt><dd>)[^<]+", r"\1TIME", text)
    headers = {k: v for k, v in answer.items() if k not in ("X-Correlation-Id", "Content-Length")}
    return answer.status_code, text, headers


def test_what_one_may_not_see_looks_as_if_it_were_absent(stage):
    compared = 0
    for line in lines():
        absent = stage.arguments[line.object][1]
        if absent is None:
            continue
        for letter, wanted in line.statuses.items():
            if wanted != 404:
                continue
            foreign, missing = (stage.address(line.name, line.object, absent=gone) for gone in (False, True))
            one, other = (faceless(stage.ask(letter, line.method, path), path) for path in (foreign, missing))
            assert one == other, f"{line.name} {letter}"
            compared += 1
    assert compared > 10


def test_the_administration(stage):
    now = timezone.now()
    for model in (Success, Failure):
        model.objects.create(id=model.__name__, name="n", func="f", started=now, stopped=now, success=model is Success)
    OrmQ.objects.create(key="k", payload="", lock=now)
    wrong = []
    for model, (see, add, change, delete) in model_lines().items():
        row = apps.get_model(model)._default_manager.order_by("pk").first()
        key = row.pk if row else 999_999
        for page, method, allowed in (
            ("changelist", "get", see),
            ("add", "get", add),
            ("change", "get", see),
            ("history", "get", see),
            ("delete", "get", delete),
            ("add", "post", add),
            ("change", "post", change),
            ("delete", "post", delete),
        ):
            address = reverse(
                f"admin:{model.replace('.', '_')}_{page}", args=[] if page in ("changelist", "add") else [key]
            )
            for letter in "-IAP0":
                got = stage.ask(letter, method, address).status_code
                may = letter in allowed
                fine = got in (200, 302) if may else got == (403 if letter in "IA" else 302)
                if not fine:
                    wrong.append(f"{model} {page} {method} {letter}: {got}")
    assert not wrong, "\n".join(wrong)


def each_address(stage: Stage) -> Iterator[str]:
    for line in lines():
        yield stage.address(line.name, line.object)
    for model in model_lines():
        for page in MODEL_PAGES:
            yield reverse(f"admin:{model.replace('.', '_')}_{page}", args=[] if page in ("changelist", "add") else [1])


def test_no_unsafe_method_passes_without_the_token_of_a_form(stage):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(stage.people["A"])
    passed = []
    for address in dict.fromkeys(each_address(stage)):
        for method in UNSAFE:
            answer = getattr(strict, method)(address, "{}", content_type="application/json")
            if answer.status_code != 403:
                passed.append(f"{method} {address}: {answer.status_code}")
    assert not passed, "\n".join(passed)


def counts() -> dict[str, int]:
    """Rows of every table of the database."""
    with connection.cursor() as cursor:
        tables = [table for table in connection.introspection.table_names(cursor) if not table.startswith("sqlite_")]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            found[table] = cursor.fetchone()[0]
    return found


def test_reading_changes_nothing(stage):
    for letter in "AI":
        before = counts()
        for address in dict.fromkeys(each_address(stage)):
            stage.clients[letter].get(address)
            after = counts()
            assert after == before, f"{letter} GET {address}: {set(after.items()) ^ set(before.items())}"
