"""Makes the virtual environment and installs the pinned dependencies; needs nothing but Python 3.11 or newer.

    python3 scripts/setup.py [--test]

A second run with nothing to do takes no time: a stamp holds the hash of what was installed.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def main() -> int:
    if sys.version_info < (3, 11):
        print(f"bpp_portal needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    files = [ROOT / "requirements.txt"]
    if "--test" in sys.argv[1:]:
        files.append(ROOT / "requirements-test.txt")
    return make_environment() or install(files) or (install_servers() if "--test" in sys.argv[1:] else 0)


def make_environment() -> int:
    if PYTHON.exists():
        return 0
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        print(
            f"Python's venv module is missing. Install the package python{version}-venv "
            f"(Debian, Ubuntu: apt install python{version}-venv), then run this again.",
            file=sys.stderr,
        )
        return 1
    print("Making the virtual environment in .venv …", flush=True)
    return subprocess.call([sys.executable, "-m", "venv", str(VENV)])


def install(files: list[Path]) -> int:
    for file in files:
        stamp = VENV / f"{file.stem}.installed"
        wanted = hashlib.sha256(file.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == wanted:
            continue
        print(f"Installing {file.name} …", flush=True)
        command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        failed = subprocess.call([*command, "--require-hashes", "-r", str(file)])
        if failed:
            print(f"Installing {file.name} failed; see above. Nothing else was started.", file=sys.stderr)
            return failed
        stamp.write_text(wanted)
    return 0


def install_servers() -> int:
    """Servers and checkers from npm that some tests use; without Node these tests are skipped with that reason."""
    npm = shutil.which("npm")
    if npm is None:
        return 0
    folder = ROOT / "tests" / "thirdparty"
    stamp = folder / "node_modules" / ".installed"
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    print("Installing tests/thirdparty/package-lock.json …", flush=True)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    failed = subprocess.call(command, cwd=folder, stdout=subprocess.DEVNULL)
    if failed:
        print("npm ci in tests/thirdparty failed; see above. Nothing else was started.", file=sys.stderr)
        return failed
    stamp.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
