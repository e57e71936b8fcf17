.PHONY: run test lock bench clean

run: ## Install what has changed, then start everything; Ctrl-C stops it
	@scripts/bootstrap run
	@.venv/bin/linlitong run

test: ## Every test that this machine can run, in three processes; ARGS="-k word" for some
	@scripts/bootstrap test
	@.venv/bin/python -m pytest -n 3 $(ARGS)

lock: ## Resolve requirements/*.in and package.json anew
	@scripts/bootstrap lock

bench: ## Time turns in a private system, beside an assistant of Rasa's defaults
	@scripts/bootstrap run
	@.venv/bin/linlitong bench turns

clean: ## Remove what was installed; var/, which holds the record, stays
	rm -rf .venv .venv-engine .tools node_modules .pytest_cache .ruff_cache .hypothesis
