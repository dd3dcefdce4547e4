# Everything is started from here; each target brings what it needs.
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
BOOTSTRAP := python3 tools/bootstrap.py

.DEFAULT_GOAL := help
.PHONY: help run test on-sqlite in-browser on-postgresql quick check faults soak format lock clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

run:  ## start everything for a try-out; Ctrl-C stops it (PORT, SIMULATOR_PORT, DATA_DIR)
	@cd "$${DATA_DIR:-var}" 2>/dev/null && mv -f demo.json .demo-of-the-last-start.json 2>/dev/null || true
	@$(BOOTSTRAP) base
	@exec $(PY) tools/run.py

test:  ## every test: on SQLite, with a browser and on PostgreSQL, two lots at a time
	@$(BOOTSTRAP) dev --browser
	@rm -f .coverage .coverage.*
	@$(PY) tools/beside.py "$(MAKE) -s on-sqlite" "$(MAKE) -s in-browser" \
	  "$(MAKE) -s on-postgresql IN=tests/onboarding" "$(MAKE) -s on-postgresql IN=tests/keyvault"
	@$(PY) -m coverage combine --quiet && $(PY) -m coverage report --skip-covered --fail-under=95

on-sqlite:
	COVERAGE_FILE=.coverage.sqlite $(PYTEST) -m "not faults and not browser" --cov --cov-report=

in-browser:
	COVERAGE_FILE=.coverage.browser $(PYTEST) -m "browser and not faults" --cov --cov-report=

on-postgresql:
	COVERAGE_FILE=.coverage.postgresql.$(notdir $(IN)) $(PY) tools/postgres.py \
	  $(PYTEST) -m "not faults and not browser" $(IN) --cov --cov-report=

quick:  ## the inner loop: tests of what you changed (or of IN=tests/…), no browser, nothing slow
	@$(BOOTSTRAP) dev
	$(PYTEST) -q -m "not faults and not browser and not slow" $(or $(IN),$$($(PY) tools/changed_tests.py))

check:  ## linters, types, contracts
	@$(BOOTSTRAP) dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	.venv/bin/djade --check --target-version 5.2 $$(find templates -name '*.html')
	.venv/bin/djlint templates --lint --quiet
	$(PY) manage.py makemigrations --check --dry-run
	@echo "manage.py check --deploy under production settings"
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export DATA_DIR=$$folder PROMETHEUS_MULTIPROC_DIR=$$folder \
	  LATCHKEY_MODE=production LATCHKEY_HOSTS=latchkey.example.test LATCHKEY_TRUSTED_PROXIES=127.0.0.1 \
	  LATCHKEY_SMTP_URL=smtps://mail.example.test DATABASE_URL=postgresql://latchkey@localhost/latchkey \
	  LATCHKEY_SUPPORT_EMAIL=help@latchkey.example.test LATCHKEY_MAIL_FROM=keys@latchkey.example.test \
	  LATCHKEY_SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(64))') && \
	  env -u DATABASE_URL $(PY) manage.py keyvault init && $(PY) manage.py collectstatic --noinput --verbosity 0 && \
	  $(PY) manage.py check --deploy --fail-level WARNING

faults:  ## kill, cut and fill things for real (slow)
	@$(BOOTSTRAP) dev
	$(PYTEST) -m faults tests/faults

soak:  ## a mixed load on PostgreSQL, and what it left behind (MINUTES=15)
	@$(BOOTSTRAP) dev
	@$(PY) -m tools.soak --minutes $(or $(MINUTES),15)

format:  ## rewrite code and templates in house style
	@$(BOOTSTRAP) dev
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix-only .

lock:  ## resolve requirements/ anew from pyproject.toml
	@$(BOOTSTRAP) dev
	for set in dev prod base; do .venv/bin/uv pip compile pyproject.toml --universal --generate-hashes \
	  --no-header --no-annotate --upgrade --quiet -o requirements/$$set.txt \
	  $$(test $$set = dev && echo --extra prod --extra dev || echo -c requirements/dev.txt) \
	  $$(test $$set = prod && echo --extra prod || true) || exit 1; done

clean:  ## remove the environment and all caches, but no data
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage* htmlcov tests/screenshots
