"""Several environments in one portal: which one a page speaks of is chosen, remembered, named and never mixed up."""

import re

import pytest
from django.core.management import call_command

from connections.models import Environment, ReadinessCheck
from exports.forms import form_data
from exports.models import Export, Run
from tests.connections.sign_in import as_, text_of
from tests.remote import started
from tests.world import configuration, export, work

pytestmark = pytest.mark.django_db
PAGES = ["/", "/cubes/", "/exports/", "/readiness/", "/connections/", "/flows/", "/environments/", "/audit/", "/admin/"]


@pytest.fixture(scope="module")
def second_sandbox(tmp_path_factory):
    with started(tmp_path_factory.mktemp("live")) as control:
        yield control


@pytest.fixture
def live(world, environment, sandbox, second_sandbox, settings, tmp_path):
    """A second environment, of kind Production, with a Dataverse, Finance and Entra of its own."""
    second_sandbox.call("POST", "reset")
    both = tmp_path / "both.pem"
    both.write_bytes(sandbox.ca_file.read_bytes() + second_sandbox.ca_file.read_bytes())
    settings.REMOTE_CA_FILE = str(both)
    ports = (sandbox.tls_port, second_sandbox.tls_port)
    settings.ALLOWED_REMOTE_HOSTS = [f"{host}:{port}" for host in ("127.0.0.1", "localhost") for port in ports]
    settings.SANDBOX_PORT = second_sandbox.port
    settings.CLIENT_SECRETS = {"Contoso Live": second_sandbox.get("facts")["client_secret"]}
    call_command("setup_environment", name="Contoso Live", kind="production", verbosity=0)
    return Environment.objects.get(name="Contoso Live")


@pytest.fixture
def other(environment):
    """A second environment that nobody can reach."""
    return Environment.objects.create(
        name="Contoso Live", kind="production", dataverse_url="https://c.example", authority="https://l.example"
    )


def named_in(answer) -> str:
    """What the frame says: the kind that colours it, and the words of its chip."""
    text = text_of(answer)
    bar = re.search(r'<header class="topbar"(?: data-kind="(\w+)")?>(.*?)(?:<form|</header>)', text)
    assert bar
    words = re.sub(r"<[^>]+>", " ", bar[2]).replace("BPP Portal", "")
    return " ".join(f"{bar[1]}: {words}".split())


def choose(client, environment, page="/"):
    return client.post("/preferences/", {"environment": environment.pk, "next": page})


def entries(sandbox):
    return [one["EntryNumber"] for one in sandbox.get("register-entries", legalEntity="USSI")["entries"]]


def form(**changes):
    return form_data(configuration("codes/codes.json").configuration) | changes


def test_one_environment_is_shown_and_not_offered(world, environment):
    page = as_(world.owner).get("/")
    assert named_in(page) == "sandbox: Sandbox"
    assert 'name="environment"' not in page.content.decode()


def test_the_choice_is_remembered_and_named_on_every_page(world, environment, other):
    owner = as_(world.owner)
    assert named_in(owner.get("/")) == "sandbox: Environment: Sandbox"
    cookie = choose(owner, other).cookies["bpp_environment"]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"]) == (365 * 24 * 3600, True, "Lax")
    for page in PAGES:
        shown = text_of(owner.get(page))
        assert re.search(r'env env-production"><svg.*?</svg><span class="env-text">Production</span>', shown), page
        assert "Contoso Live" in shown, page
    assert named_in(owner.get("/")) == "production: Environment: Production Contoso Live"
    assert "are not installed" in text_of(owner.get("/flows/"))
    assert f'value="{other.pk}" selected' in text_of(owner.get("/connections/"))


def test_no_other_word_is_kept(client, world, environment, other):
    assert "bpp_environment" not in client.post("/preferences/", {"environment": other.pk}).cookies
    for user, number in ((world.owner, "999"), (world.owner, "x"), (world.guest, other.pk)):
        assert "bpp_environment" not in as_(user).post("/preferences/", {"environment": number}).cookies
    owner = as_(world.owner)
    for word in ("999", "x", "", "1 OR 1=1", "\x00"):
        owner.cookies["bpp_environment"] = word
        assert named_in(owner.get("/")) == "sandbox: Environment: Sandbox"


@pytest.mark.parametrize(
    ("page", "leads_to"),
    [
        ("/cubes/?q=x", "/cubes/?q=x"),
        ("/environments/{here}/", "/environments/{there}/"),
        ("/flows/?environment={here}&roles=1", "/flows/?environment={there}&roles=1"),
        ("/readiness/?environment={here}&legal_entity=USMF", "/readiness/?environment={there}&legal_entity=USMF"),
        ("/exports/BPP-000001/", "/exports/"),
        ("/nowhere/", "/nowhere/"),
        ("https://elsewhere.example/", "/"),
    ],
)
def test_choosing_shows_the_same_page_of_the_other_environment(world, environment, other, page, leads_to):
    here, there = {"here": environment.pk}, {"there": other.pk}
    assert choose(as_(world.owner), other, page.format(**here))["Location"] == leads_to.format(**there)


def test_a_page_about_another_environment_says_so_in_its_frame(world, environment, other):
    owner = as_(world.owner)
    for page in (f"/environments/{other.pk}/", f"/flows/?environment={other.pk}"):
        assert named_in(owner.get(page)) == "production: Environment: Production Contoso Live", page
    assert named_in(owner.get("/")) == "sandbox: Environment: Sandbox"


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("Sandbox", "sandbox", "sandbox: Sandbox"),
        ("Contoso sandbox", "sandbox", "sandbox: Contoso sandbox"),
        ("Contoso", "sandbox", "sandbox: Sandbox Contoso"),
        ("Sandbox", "production", "production: Production Sandbox"),
        ("Sandbox made from production", "sandbox", "sandbox: Sandbox Sandbox made from production"),
        ("Reproduction", "production", "production: Production Reproduction"),
    ],
)
def test_the_word_stands_once_and_always(world, environment, name, kind, says):
    Environment.objects.update(name=name, kind=kind)
    assert named_in(as_(world.owner).get("/")) == says


def test_an_export_goes_where_its_form_says_and_production_asks_by_name(
    world, codes, environment, sandbox, live, second_sandbox
):
    planner, address = as_(world.planner), f"/cubes/{codes.slug}/export/"
    opened = text_of(planner.get(address))
    assert "Sandbox, Sandbox</option>" in opened
    assert "Contoso Live, Production</option>" in opened
    data = form(environment=live.pk)
    asked = text_of(planner.post(address, data | {"action": "export"}))
    assert re.search(r"This writes \d+ lines? to Production, \w+\.</b> Environment: .*?Contoso Live", asked)
    assert re.search(r"</svg>Export \d+ lines? to Production, Contoso Live</button>", asked)
    # The question was about production; the same press with another environment is not its answer.
    wrong = {"action": f"export-confirmed:{environment.pk}"}
    assert "This writes" in text_of(planner.post(address, data | wrong))
    assert not Run.objects.exists()
    choose(planner, environment)
    assert planner.post(address, data | {"action": f"export-confirmed:{live.pk}"}).status_code == 302
    run = work(Run.objects.get())
    assert (run.state, run.environment) == ("SUCCEEDED", live)
    assert entries(second_sandbox) == [run.entry_number]
    assert entries(sandbox) == []

    # The same lines stand nowhere in the sandbox, so nothing warns there; the number is another one.
    again = text_of(planner.post(address, form(environment=environment.pk) | {"action": "refresh"}))
    assert "lines were sent" not in again
    assert "lines were sent" in text_of(planner.post(address, data | {"action": "refresh"}))
    second = work(export(world.planner, "codes/codes.json"))
    assert second.environment == environment
    assert entries(sandbox) == [second.entry_number] != [run.entry_number]

    for one, kind in ((run, "production"), (second, "sandbox")):
        page = planner.get(f"/exports/{one.entry_number}/")
        assert named_in(page).startswith(kind)
    assert planner.get(f"/api/v1/exports/{run.entry_number}/").status_code in (200, 401)
    rows = text_of(planner.get("/exports/"))
    assert rows.count('<td class="env-cell">') == 2
    only = text_of(planner.get(f"/exports/?environment={live.pk}"))
    assert run.entry_number in only
    assert second.entry_number not in only
    # What is reused is filled in for the environment that it went to.
    reused = text_of(planner.get(f"/exports/{run.entry_number}/reuse/"))
    assert f'value="{live.pk}" selected' in reused


def test_a_form_of_an_environment_that_is_not_there_goes_nowhere(world, codes, environment, other):
    planner = as_(world.planner)
    for number in ("999", "x"):
        data = form(environment=number, action="export")
        assert planner.post(f"/cubes/{codes.slug}/export/", data).status_code == 404
    assert not Export.objects.exists()


def test_readiness_is_checked_where_the_page_says(world, environment, live):
    owner = as_(world.owner)
    page = text_of(owner.get(f"/readiness/?environment={live.pk}"))
    assert f'name="environment" value="{live.pk}"' in page
    choose(owner, environment)
    answer = owner.post("/readiness/check/", {"environment": live.pk}, headers={"HX-Request": "true"})
    assert "Contoso Live" in text_of(answer)
    assert {check.environment for check in ReadinessCheck.objects.all()} == {live}
    back = owner.post("/readiness/check/", {"environment": live.pk})["Location"]
    assert back == f"/readiness/?environment={live.pk}&legal_entity=USMF"
