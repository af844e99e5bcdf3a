"""Every curl line of the sandbox's README works as it is written."""

import json
import re
import shlex
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

import pytest

README = (Path(__file__).parents[2] / "sandbox" / "README.md").read_text(encoding="utf-8")
JOINED = re.sub(r"\n  (?=\S)", " ", README)
CALLS = [line for line in JOINED.splitlines() if line.startswith("curl ")]


@pytest.mark.parametrize("line", CALLS, ids=range(len(CALLS)))
def test_the_example_works(sandbox, line):
    words = shlex.split(line, comments=True)[1:]
    method, body, url = "GET", None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-d":
            body = words.pop(0).encode()
        else:
            url = word
    if body:
        json.loads(body)
    request = Request(url.replace(":8100", f":{sandbox.port}"), body, method=method)
    with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
        assert answer.status == 200
        assert json.loads(answer.read())


def test_there_are_examples():
    assert len(CALLS) > 10
