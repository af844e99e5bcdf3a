"""The whole suite: linters, types, import contracts, then the tests. The last line prints the counts.

python scripts/test.py [--lint-only] [pytest arguments]

Without arguments of your own the test files are shared out among as many processes as there are cores, four at most.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
SHARED_OUT = ["-q", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]
CHECKS = [
    ("ruff check", [str(BIN / "ruff"), "check", "."]),
    ("ruff format", [str(BIN / "ruff"), "format", "--check", "."]),
    ("import contracts", [str(BIN / "lint-imports")]),
    ("mypy", [str(BIN / "mypy"), "."]),
    ("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"]),
]


def main() -> int:
    arguments = sys.argv[1:]
    failed = [name for name, command in CHECKS if not passes(name, command)]
    if "--lint-only" in arguments:
        return 1 if failed else 0
    (ROOT / "var").mkdir(exist_ok=True)
    status = subprocess.call([sys.executable, "-m", "pytest", *(arguments or SHARED_OUT)], cwd=ROOT)
    if failed:
        print(f"These checks failed before the tests: {', '.join(failed)}", file=sys.stderr)
    return status or (1 if failed else 0)


def passes(name: str, command: list[str]) -> bool:
    start = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    word = "ok" if done.returncode == 0 else "FAILED"
    print(f"{name}: {word} ({time.monotonic() - start:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
