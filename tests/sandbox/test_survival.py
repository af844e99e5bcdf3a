"""`kill -9` in the middle of an import: what was accepted is carried out, each line once."""

import os
import signal
import subprocess
import sys

from tests.remote import Control, _free_port, _wait_for
from tests.sandbox.conftest import LINE, Wire
from tests.stack import ROOT


def start(folder, port, tls_port):
    arguments = [
        "-m",
        "sandbox",
        "--port",
        str(port),
        "--tls-port",
        str(tls_port),
        "--store",
        str(folder / "s.sqlite3"),
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log, env={**os.environ})
    control = Control(port, tls_port, folder / "tls" / "ca.pem")
    _wait_for(control, process, folder / "log")
    return process, control


def test_an_accepted_import_is_carried_out_after_a_kill(tmp_path):
    ports = _free_port(), _free_port()
    process, control = start(tmp_path, *ports)
    try:
        wire = Wire(control, tmp_path)
        control.put("faults", {"import_seconds": 2})
        lines = [LINE | {"LINENUMBER": str(number)} for number in range(1, 201)]
        assert wire.start(wire.package(*lines)).status_code == 200
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        wire.http.close()
        process, control = start(tmp_path, *ports)
        wire = Wire(control, tmp_path)
        assert wire.ended() == "Succeeded"
        assert sorted(int(line["LineNumber"].split(".")[0]) for line in wire.lines()) == list(range(1, 201))
        wire.http.close()
    finally:
        process.kill()
        process.wait(10)
