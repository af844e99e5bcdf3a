"""Hidden rows are added and changed, and no byte of any answer changes for readers who may not see them.

The doors are those of rights.py, where every address of the URLconf must have a line, with more questions to those that
answer about facts.
"""

import copy
import random
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from bpp_portal.kernel.roles import Role
from bpp_portal.notices.models import Notice
from connections.queries import default_environment
from cubes.models import Cube, Dimension, Load
from cubes.operations import Source, load, securing
from cubes.rules.exploring import condition_text
from cubes.rules.slices import ColumnRef, Condition, Operator
from exports.forms import form_data
from exports.frozen import PACKAGE
from exports.models import DataverseLoad, Export, Run
from exports.operations.requesting import save_draft
from tests.portal.test_rights_matrix import arguments, faceless, lines
from tests.world import configuration, export, work

VISIBLE = "0800"
HIDDEN = ("🧾 emoji", "two  blanks")
# Said nowhere to somebody who is limited to 0800: hidden values, their amounts, and totals with them.
CANARIES = ("🧾", "two  blanks", "two··blanks", "77777", "77,777", "88888", "88,888", "CANARY")
# Doors that know no cube: signing in, connections, the administration (only for those who see everything). The trail
# says that somebody loaded, and not what; it has its own test.
NO_FACTS = (
    "account_",
    "entra_",
    "mfa_",
    "route:",
    "admin:",
    "connections:",
    "readiness:",
    "flows",
    "signed_in",
    "preferences",
)
NO_FACTS += ("audit:", "schema")
READERS = {"planner": Role.POWER_USER, "reviewer": Role.REVIEWER, "viewer": Role.VIEWER, "clerk": Role.CONTRIBUTOR}
# Every opened form has its own.
TOKEN = re.compile(r'(name="token" value=")[^"]+')


def facts(path: Path, seed: int, departments: tuple[str, ...]) -> Source:
    """The same visible records in the same order, with others in between that `seed` decides on."""
    pick = random.Random(seed)
    records = ["Main account,Department,Fund,Account type,Period,Amount"]
    for number in range(40):
        for _ in range(pick.randrange(4)):
            amount = f"{pick.choice(['77777', '88888'])}.{pick.randrange(100):02}"
            records.append(f"{pick.choice(['0800', 'NA'])},{pick.choice(departments)},0800,Expense,Jul 2021,{amount}")
        fund, kind = ("0800", "NA")[number % 2], ("Expense", "Revenue")[number % 3 == 0]
        records.append(f"0800,{VISIBLE},{fund},{kind},Jul 2021,{number}.25")
    target = path / f"facts-{seed}.csv"
    target.write_text("\n".join(records) + "\n", encoding="utf-8")
    return Source(target)


@dataclass(frozen=True)
class Door:
    """One question: the name of the address, and what is sent there."""

    name: str
    method: str
    address: str
    sent: dict[str, Any] | None = None


@dataclass
class Scene:
    """A cube of which the readers see one department, with runs and drafts of theirs and of an administrator."""

    cube: Cube
    clients: dict[str, Client]
    people: dict[str, Any]
    objects: dict[str, Any]
    runs: dict[str, Run]
    folder: Path

    def load_again(self, seed: int) -> Load:
        """Other hidden records, and departments that were not there before."""
        departments = (*HIDDEN, f"CANARY {seed}")
        return load(actor=None, cube=self.cube, facts=facts(self.folder, seed, departments), dimensions=None)


@pytest.fixture
def scene(world, codes, tmp_path) -> Scene:
    cache.clear()
    people = {}
    for name, role in READERS.items():
        people[name], _ = get_user_model().objects.get_or_create(username=name)
        people[name].groups.set([Group.objects.get(name=role.value)])
    load(actor=None, cube=codes, facts=facts(tmp_path, 0, HIDDEN))
    group = securing.create_group(actor=world.owner, name="Only one department")
    rule = securing.add_dimension(actor=world.owner, group=group, dimension=Dimension.objects.get(name="Department"))
    for person in people.values():
        securing.add_person(actor=world.owner, group=group, person=person)
    securing.grant(actor=world.owner, rule=rule, keys=[VISIBLE], edit=False)
    hidden = [{"column": "Department.Name", "operator": "in", "values": [VISIBLE, *HIDDEN]}]
    runs = {
        "mine": work(export(people["planner"], "codes/codes.json")),
        "theirs": work(export(world.owner, "codes/codes.json", filters=hidden)),
    }
    assert {run.state for run in runs.values()} == {"SUCCEEDED"}, [run.cause for run in runs.values()]
    failed = export(world.owner, "codes/codes.json", filters=hidden)
    headline = "77777 is not a value of 🧾 emoji"
    Run.objects.filter(pk=failed.pk).update(state="FAILED", headline=headline, code="BRE-UNKNOWN-VALUE")
    draft = save_draft(
        actor=world.owner, cube=codes, environment=default_environment(), chosen=chosen_of(hidden, name="A draft")
    )
    Cube.objects.create(name="Hidden", slug="hidden", logical_name="hidden")
    told = {"topic": "t", "kind": "info", "word": "Told", "text": "Something changed."}
    notice = Notice.objects.create(user=world.owner, **told)
    first = Load.objects.earliest("pk")
    reading = DataverseLoad.objects.create(
        cube=codes,
        environment=failed.environment,
        requested_by=world.owner,
        mode="replace",
        extent="all",
        state="STOPPED",
    )
    objects = {name: arguments(codes, run, failed, draft, first, notice, rule, reading) for name, run in runs.items()}
    clients = {name: Client() for name in people}
    for name, client in clients.items():
        client.force_login(people[name])
    return Scene(codes, clients, people, objects, runs | {"failed": failed}, tmp_path)


def chosen_of(filters: list[dict[str, Any]], name: str = "Codes") -> Any:
    return replace(configuration("codes/codes.json", filters=filters).configuration, name=name)


def doors(scene: Scene) -> Iterator[Door]:
    """Everything that can be asked, each door once."""
    asked = set()
    for line in lines():
        if line.name.startswith(NO_FACTS):
            continue
        for objects in scene.objects.values():
            address = reverse(line.name, args=objects[line.object][0])
            if (line.method, address) not in asked:
                yield Door(line.name, line.method, address)
            asked.add((line.method, address))
    yield from questions(scene)


def questions(scene: Scene) -> Iterator[Door]:
    """More questions to the doors that answer about facts."""
    slug = scene.cube.slug
    page, pane, typing = (reverse(name, args=[slug]) for name in ("cubes:cube", "pane:open", "pane:values"))
    department = ColumnRef("Department", "Name")
    for condition in (
        Condition(department, Operator.IN, ("two  blanks",)),
        Condition(department, Operator.NOT_IN, (VISIBLE,)),
        Condition(department, Operator.CONTAINS, ("o", "e")),
        Condition(department, Operator.BLANK),
    ):
        asked = {"rows": "Department.Name", "columns": "Fund.Code", "f": condition_text(condition)}
        yield Door("explore", "get", f"{page}?{urlencode(asked)}")
    for column, search in (("Department.Name", ""), ("Department.Name", "o"), ("Main account.Code", "")):
        adding = {"adding": "1", "fc": column, "fo": "in", "fq": search}
        yield Door("filter list", "get", f"{page}?{urlencode(adding)}")
        typed = {"filter-0-column": column, "filter-0-add": search, "row": "0"}
        yield Door("suggestions", "get", f"{typing}?{urlencode(typed)}")
    for number, (operator, values, action) in enumerate(
        (
            ("in", HIDDEN, "refresh"),
            ("in", HIDDEN, "export"),
            ("not in", (VISIBLE,), "refresh"),
            ("blank", (), "export"),
        )
    ):
        sent = form_data(chosen_of([{"column": "Department.Name", "operator": operator, "values": list(values)}]))
        sent |= {"token": f"00000000-0000-4000-8000-{number:012}", "action": action}
        yield Door(f"pane {action}", "post", pane, sent)
    for run in scene.runs.values():
        yield Door("reuse", "get", reverse("exports:reuse", args=[run.entry_number]))
        yield Door("run", "get", reverse("exports:run", args=[run.entry_number]))
        yield Door("api", "get", reverse("api-export", args=[run.entry_number]))
        yield Door("retry", "post", reverse("exports:retry", args=[run.entry_number]), {})
    yield Door("reuse in the pane", "get", f"{pane}?reuse={scene.runs['theirs'].entry_number}")
    yield Door("draft", "get", f"{pane}?draft={Export.objects.get(run__isnull=True).pk}")
    yield Door("drafts", "get", f"{reverse('exports:list')}?tab=drafts&cube={slug}")
    yield Door("number", "get", f"{reverse('exports:list')}?q=77777")


def ask(client: Client, door: Door) -> tuple[int, str, dict[str, str]]:
    """The answer without what differs from one request to the next; what the question changed is taken back."""
    kept = copy.deepcopy(client.cookies)
    with transaction.atomic():
        answer = getattr(client, door.method.lower())(door.address, door.sent)
        if answer.streaming:
            answer = HttpResponse(b"".join(answer.streaming_content), headers=dict(answer.items()))
        transaction.set_rollback(True)
    client.cookies = kept
    status, text, headers = faceless(answer, door.address)
    return status, TOKEN.sub(r"\1TOKEN", text), headers


def answers(scene: Scene) -> dict[tuple[str, int], tuple[Door, tuple[int, str, dict[str, str]]]]:
    """Everything that every reader is told."""
    found = {}
    for reader, client in scene.clients.items():
        for number, door in enumerate(doors(scene)):
            if reader in ("viewer", "clerk") and not door.name.startswith(("cube", "explore", "filter", "home")):
                continue
            found[reader, number] = door, ask(client, door)
    return found


def test_no_byte_changes_when_hidden_rows_are_added_and_changed_and_none_is_named(scene):
    first = answers(scene)
    assert sum(1 for _, (status, *_) in first.values() if status == 200) > 60
    report = scene.load_again(1)
    assert report.failed == 0, list(report.errors.values_list("reason", flat=True)[:3])
    again = answers(scene)
    changed = [f"{key[0]}: {door.name} {door.address}" for key, (door, told) in first.items() if told != again[key][1]]
    assert not changed, "\n".join(changed)
    hits = []
    for (reader, _), (door, (_, text, _)) in again.items():
        typed = unquote_plus(door.address) + repr(door.sent)
        typed += typed.replace("  ", "··")  # as pages show blanks that one would not see
        hits += [f"{reader} {door.name}: {canary}" for canary in CANARIES if canary in text and canary not in typed]
    assert not hits, "\n".join(hits)


def test_the_files_of_a_run_hold_no_hidden_row_and_stay_the_same(scene):
    mine = scene.runs["mine"]
    with zipfile.ZipFile(mine.folder / PACKAGE) as package:
        text = "".join(package.read(name).decode("utf-16") for name in package.namelist() if name.endswith(".csv"))
    assert VISIBLE in text
    assert not [canary for canary in CANARIES if canary in text]
    scene.load_again(3)
    again = work(export(scene.people["planner"], "codes/codes.json"))
    assert (again.state, again.lines_sha256) == ("SUCCEEDED", mine.lines_sha256)
    assert again.snapshot_id != mine.snapshot_id
    assert list(again.totals.values_list("place", "lines", "amount")) == list(
        mine.totals.values_list("place", "lines", "amount")
    )


def test_the_trail_says_that_somebody_loaded_and_not_what(scene):
    told = scene.clients["reviewer"].get("/audit/").content.decode()
    assert "for BPP administrators" in told
    assert "facts-0.csv" not in told
    found, unknown = (scene.clients["reviewer"].get("/audit/", {"q": name}) for name in ("records", "rocerds"))
    assert found.content.count(b"<tr") == unknown.content.count(b"<tr")


def test_whoever_sees_everything_hears_of_the_change(scene, world):
    client = Client()
    client.force_login(world.owner)
    door = Door("cube", "get", reverse("cubes:cube", args=[scene.cube.slug]))
    before = ask(client, door)
    scene.load_again(4)
    assert ask(client, door) != before
