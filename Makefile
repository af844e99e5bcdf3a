# make demo: see it. make test: test it. Both set up everything they need.
PYTHON ?= python3
RUN = .venv/bin/python

.PHONY: demo demo-reset test setup setup-test lint lock

demo: setup
	@exec $(RUN) -m bpp_portal.demo

demo-reset: setup
	@exec $(RUN) -m bpp_portal.demo --reset

test: setup-test
	@exec $(RUN) scripts/test.py

lint: setup-test
	@exec $(RUN) scripts/test.py --lint-only

setup:
	@$(PYTHON) scripts/setup.py

setup-test:
	@$(PYTHON) scripts/setup.py --test

lock:
	uv pip compile --universal --fork-strategy fewest --generate-hashes --no-emit-index-url --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile --universal --fork-strategy fewest --generate-hashes --no-emit-index-url --python-version 3.11 --group test -c requirements.txt -o requirements-test.txt
