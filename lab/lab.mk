# The virtual homelab. LAB_INVENTORY names another lab than inventory/lab.
LAB_INVENTORY ?= inventory/lab
LAB_RUN = PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python -m lab

.PHONY: lab lab-down lab-status bench
lab: .venv/.stamp-run ## Build the virtual homelab: five machines, site.yml, a second run, what is up
	@$(LAB_RUN) up --inventory $(LAB_INVENTORY)

lab-down: .venv/.stamp-run ## Remove every trace of the lab; KEEP_IMAGE=1 keeps the node image
	@$(LAB_RUN) down --inventory $(LAB_INVENTORY) $(if $(KEEP_IMAGE),--keep-image)

lab-status: .venv/.stamp-run ## Say what is up in the lab
	@$(LAB_RUN) status --inventory $(LAB_INVENTORY)

bench: .venv/.stamp-run ## Measure a run that changes nothing, on the lab and on 50 hosts
	@$(LAB_RUN) bench --inventory $(LAB_INVENTORY) --large inventory/bench

.PHONY: acceptance
acceptance: .venv/.stamp-test ## Kill, break and spy on builds of a twin (about an hour); ACCEPTANCE_KILLS=3 shortens it
	@.venv/bin/python -m pytest --verbose -s -p no:xdist tests/acceptance
