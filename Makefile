# `make` lists the targets. Set-up comes first where it is needed, and takes no time once it is done.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory --no-builtin-rules

PYTHON := $(or $(SAGEWRIGHT_PYTHON),python3)
WORKERS := 3 # on two cores: what deploys waits for a third of its time
VENV := .venv/bin

# Where Python is told to write no bytecode, every start would compile all packages anew; here it litters nothing.
ifdef PYTHONDONTWRITEBYTECODE
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX := $(CURDIR)/.sagewright/bytecode
endif

# jsii in one process; see tools/jsii-runtime.js.
export JSII_NODE := $(CURDIR)/.sagewright/bin/jsii-node

ifneq ($(filter deploy,$(MAKECMDGOALS)),)
ifneq ($(origin ENV),command line)
$(error name the environment: make deploy ENV=local)
endif
endif

.PHONY: help setup demo deploy down browser test check format lock bench-synth bench-api bench-gate bench-review clean

help: ## List the targets
	@awk -F ': .*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Set the checkout up, inside the checkout; does only what is not done yet
	@$(PYTHON) tools/setup.py

demo: setup ## Deploy environments/local.yaml to the embedded AWS, and say what to try next
	@$(VENV)/sagewright demo

deploy: setup ## Deploy an environment through the plan gate: make deploy ENV=local
	@$(VENV)/sagewright deploy -e '$(ENV)'

down: ## Stop the embedded AWS; what was deployed there is gone
	@if [ -x $(VENV)/sagewright ]; then $(VENV)/sagewright local down; else echo "nothing is set up here"; fi

browser: setup ## Fetch a Chromium into the user's cache for the tests of pages, where PATH has none
	@$(VENV)/python tools/browser.py

test: check browser ## All checks and all tests
	@$(VENV)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: setup ## Format, lint, types, layers, and the freshness of everything generated
	@$(VENV)/ruff format --check --quiet .
	@$(VENV)/ruff check --quiet .
	@$(VENV)/mypy --num-workers 2
	@$(VENV)/pytest -q -p no:cacheprovider tests/test_layers.py
	@$(VENV)/python tools/lock.py --check
	@$(VENV)/python tools/bindings.py --check
	@$(VENV)/python tools/schema.py --check
	@$(VENV)/python tools/policies_page.py --check
	@$(VENV)/python tools/review_schema.py --check
	@$(VENV)/python tools/ssm_page.py --check

format: setup ## Format the code and mend what can be mended
	@$(VENV)/ruff format --quiet .
	@$(VENV)/ruff check --fix .

lock: setup ## Make the lock files from pyproject.toml
	@$(VENV)/python tools/lock.py

bench-synth: setup ## Measure synthesis: slim bindings against the stock provider package
	@$(VENV)/python -m bench.synth

bench-api: setup ## Measure the inference API's handler against calling the endpoint directly
	@$(VENV)/python -m bench.inference_api

bench-gate: setup ## Measure the plan gate against the stock checkov CLI, on a plan of 1,000 resources
	@$(VENV)/python -m bench.gate

bench-review: setup ## Measure the review of a plan of 1,000 resources against terraform show -json on it
	@$(VENV)/python -m bench.review

clean: down ## Stop the embedded AWS and remove all that set-up, synthesis and the demo made
	@rm -rf .venv .sagewright node_modules cdktf.out .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find modules/_aws -mindepth 1 -maxdepth 1 ! -name resources.txt -exec rm -rf {} +
