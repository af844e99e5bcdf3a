"""`make demo`: starts beside another one, keeps its data, names a taken port, and leaves nothing behind."""

import re
import signal
import socket
import subprocess
import sys
import time
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest

from tests.stack import ROOT, Stack, of_folder, until

CONFIGURATION = "oakland/fire-police-finance.json"


def answers(url: str) -> int:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return int(answer.status)


def begin(demo: Stack, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Start a demo that is expected to end by itself."""
    command = [sys.executable, "-m", "bpp_portal.demo", *arguments]
    environment = demo.environment | settings
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    demo = Stack(tmp_path_factory.mktemp("first")).start()
    yield demo
    if of_folder(demo.folder):
        demo.stop()


@pytest.fixture(scope="module")
def exported(first):
    """One finished export of the first demo."""
    return first.export(CONFIGURATION, "--wait")


def test_it_prints_the_address_and_the_sign_ins(first):
    words = first.output.read_text()
    assert first.url in words
    for name in ("installer", "owner", "planner", "reviewer", "guest"):
        assert f"demo-{name}" in words


def listening(ports: set[int]) -> set[tuple[int, str]]:
    """(port, address as the system writes it) of every socket that listens on one of `ports`."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            address, port = local.split(":")
            if state == "0A" and int(port, 16) in ports:
                found.add((int(port, 16), address))
    return found


def test_it_listens_on_this_machine_only(first):
    ports = {first.port, first.sandbox_port, first.tls_port}
    assert listening(ports) == {(port, "0100007F") for port in ports}


@pytest.mark.parametrize("name", ["installer", "owner", "planner", "reviewer", "guest"])
def test_everybody_signs_in_as_printed(first, name):
    [password] = re.findall(rf"^ *{name} +(\S+)", first.output.read_text(), re.MULTILINE)
    browser = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar())).open
    with browser(f"{first.url}/accounts/login/", timeout=10) as answer:
        [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())[:1]
    form = urlencode({"csrfmiddlewaretoken": token, "login": name, "password": password}).encode()
    with browser(f"{first.url}/accounts/login/", form, timeout=10) as answer:
        page = answer.read().decode()
        assert answer.url == f"{first.url}/"
    assert ("You are signed in, but you have no role" in page) is (name == "guest")


def test_two_demos_live_side_by_side(first, tmp_path):
    second = Stack(tmp_path).start()
    try:
        assert answers(f"{first.url}/accounts/login/") == 200
        assert answers(f"{second.url}/accounts/login/") == 200
        run = second.export(CONFIGURATION, "--wait")
        assert run["status"] == "Completed"
        assert not first.sandbox("GET", "register-entries?legalEntity=USMF")["entries"]
    finally:
        second.stop()
    until(lambda: not of_folder(second.folder), 10, "the second one is gone")
    assert answers(f"{first.url}/accounts/login/") == 200, "ending one demo leaves the other alone"


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT", "SANDBOX_TLS_PORT"])
def test_a_taken_port_is_named_before_anything_starts(tmp_path, name):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        demo = Stack(tmp_path)
        done = begin(demo, **{name: str(number)})
    assert done.returncode == 1
    assert f"Port {number} on 127.0.0.1 is taken by another program." in done.stderr
    assert f"make demo {name}=" in done.stderr
    assert not of_folder(demo.folder)
    assert [entry.name for entry in (tmp_path / "var").iterdir()] == ["demo.lock"]


def test_the_suggested_port_exists(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", next(number for number in range(65535, 64535, -1) if is_free(number))))
        taken.listen()
        done = begin(Stack(tmp_path), PORT=str(taken.getsockname()[1]))
    [suggested] = re.findall(r"make demo PORT=(\d+)", done.stderr)
    assert int(suggested) < 65536


def is_free(number: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) != 0


@pytest.mark.parametrize("value", ["eight thousand", "0", "70000"])
def test_a_port_must_be_one(tmp_path, value):
    done = begin(Stack(tmp_path), PORT=value)
    assert done.returncode == 1
    assert done.stderr == f"PORT={value} is not a port number.\n"


def test_a_second_demo_in_the_same_folder_is_refused(first):
    done = begin(first, "--reset")
    assert done.returncode == 1
    assert "A demo already runs in this folder." in done.stderr
    assert answers(f"{first.url}/accounts/login/") == 200


def test_commands_act_on_the_demo_without_further_settings(first, exported):
    assert (exported["cube_rows"], exported["lines"]) == (4069, 314)
    assert exported["totals"] == [{"amount_type": "Expense", "currency": "USD", "lines": 314, "amount": "564602579.00"}]
    assert len(first.entry(exported["entry_number"])["lines"]) == 314


def test_a_second_start_is_quick_and_keeps_the_data_until_it_is_reset(first, exported):
    number = exported["entry_number"]
    assert first.stop() == 0
    assert not of_folder(first.folder), "Ctrl-C leaves no process behind"
    begun = time.monotonic()
    first.start()
    seconds = time.monotonic() - begun
    assert first.api(f"exports/{number}/")["status"] == "Completed"
    assert len(first.entry(number)["lines"]) == 314
    print(f"the second start took {seconds:.1f} s")
    assert seconds < 20
    assert first.stop() == 0
    reset = Stack(first.folder)
    reset.arguments = ["--reset"]
    reset.output.unlink()
    reset.start()
    try:
        assert reset.api("exports/")["count"] == 0
        assert not reset.sandbox("GET", "register-entries?legalEntity=USMF")["entries"]
    finally:
        close_window(reset)
    assert reset.process.wait(60) == 0
    assert not of_folder(first.folder), "a closed window leaves no process behind"


def close_window(demo: Stack) -> None:
    """Shell and terminal each send a signal, so the second arrives while the demo ends."""
    demo.process.send_signal(signal.SIGHUP)
    until(lambda: "The demo ends" in demo.output.read_text(), 10, "it ends")
    demo.process.send_signal(signal.SIGHUP)


def test_ctrl_c_while_it_starts_leaves_nothing_behind(tmp_path):
    demo = Stack(tmp_path)
    with demo.output.open("w") as output:
        command = [sys.executable, "-m", "bpp_portal.demo"]
        demo.process = subprocess.Popen(command, cwd=ROOT, env=demo.environment, stdout=output, stderr=output)
    until(lambda: "Static files" in demo.output.read_text(), 60, "it prepares")
    assert demo.stop() == 0
    assert not of_folder(demo.folder)
    assert "Traceback" not in demo.output.read_text()
