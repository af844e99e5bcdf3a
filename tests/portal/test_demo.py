"""`make demo`: starts beside another one, keeps its data, names a taken port, and leaves nothing behind."""

import socket
import subprocess
import sys
import time
from urllib.request import ProxyHandler, build_opener

import pytest

from tests.stack import ROOT, Stack, of_folder, until

CONFIGURATION = "oakland/fire-police-finance.json"


def answers(url: str) -> int:
    with build_opener(ProxyHandler({})).open(url, timeout=10) as answer:
        return int(answer.status)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    demo = Stack(tmp_path_factory.mktemp("first")).start()
    yield demo
    if of_folder(demo.folder):
        demo.stop()


def test_it_prints_the_address_and_the_sign_ins(first):
    words = first.output.read_text()
    assert first.url in words
    for name in ("installer", "owner", "planner", "reviewer", "guest"):
        assert f"demo-{name}" in words


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


def test_a_taken_port_is_named_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        demo = Stack(tmp_path)
        environment = demo.environment | {"SANDBOX_PORT": str(number)}
        command = [sys.executable, "-m", "bpp_portal.demo"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert f"Port {number} on 127.0.0.1 is taken by another program." in done.stderr
    assert f"SANDBOX_PORT={number + 1000}" in done.stderr
    assert not of_folder(demo.folder)
    assert not (tmp_path / "var" / "portal.sqlite3").exists()


def test_commands_act_on_the_demo_without_further_settings(first):
    run = first.export(CONFIGURATION, "--wait")
    assert (run["cube_rows"], run["lines"]) == (4069, 314)
    assert run["totals"] == [{"amount_type": "Expense", "currency": "USD", "lines": 314, "amount": "564602579.00"}]
    assert len(first.entry(run["entry_number"])["lines"]) == 314


def test_a_second_start_is_quick_and_keeps_the_data_until_it_is_reset(first):
    number = first.export(CONFIGURATION, "--wait")["entry_number"]
    assert first.stop() == 0
    until(lambda: not of_folder(first.folder), 10, "Ctrl-C leaves no process behind")
    begun = time.monotonic()
    first.start()
    seconds = time.monotonic() - begun
    assert first.api(f"exports/{number}/")["status"] == "Completed"
    assert len(first.entry(number)["lines"]) == 314
    assert seconds < 25, seconds
    assert first.stop() == 0
    reset = Stack(first.folder)
    reset.arguments = ["--reset"]
    reset.output.unlink()
    reset.start()
    try:
        assert reset.api("exports/")["count"] == 0
        assert not reset.sandbox("GET", "register-entries?legalEntity=USMF")["entries"]
    finally:
        assert reset.stop() == 0
    until(lambda: not of_folder(first.folder), 10, "nothing is left")
