# The virtual homelab. LAB_INVENTORY names another lab than inventory/lab, BENCH_HOSTS the sizes that bench builds.
# The Makefile includes this file; make -f lab/lab.mk reads it first and gets the rest from the Makefile.
ifndef LAB_MK
LAB_MK := 1
# BACKEND=vm makes virtual machines of them, NODE names one.
BACKEND ?=
NODE ?=
LAB_INVENTORY ?= inventory/$(if $(filter vm,$(BACKEND)),vm,lab)
BENCH_HOSTS ?= 25 50
LAB_RUN = .venv/bin/python -m lab

.PHONY: lab lab-down lab-status lab-bench bench twin twin-down
lab: .venv/.stamp-run ## Build the virtual homelab: five machines, site.yml, a second run, what is up; BACKEND=vm with virtual machines
	@$(LAB_RUN) up --inventory $(LAB_INVENTORY)

twin: .venv/.stamp-run ## Start one machine as a virtual machine with its real disks and names: NODE=k3s3
	@test -n "$(NODE)" || { echo "name a machine: make twin NODE=k3s3" >&2; exit 1; }
	@$(LAB_RUN) machines up --inventory inventory/vm --node $(NODE)

twin-down: .venv/.stamp-run ## Remove every trace of the virtual machines; their image stays for the next time
	@$(LAB_RUN) down --keep-image --inventory inventory/vm

lab-down: .venv/.stamp-run ## Remove every trace of the lab; KEEP_IMAGE=1 keeps the node image
	@$(LAB_RUN) down --inventory $(LAB_INVENTORY) $(if $(KEEP_IMAGE),--keep-image)

lab-status: .venv/.stamp-run ## Say what is up in the lab
	@$(LAB_RUN) status --inventory $(LAB_INVENTORY)

bench: .venv/.stamp-run ## Measure a run that changes nothing, on the lab and on 50 hosts
	@$(LAB_RUN) bench --inventory $(LAB_INVENTORY) --hosts $(BENCH_HOSTS)
lab-bench: bench

.PHONY: acceptance
acceptance: .venv/.stamp-test ## Kill, break and spy on builds of a twin (half an hour); ACCEPTANCE_KILLS=3 shortens it
	@.venv/bin/python -m pytest --verbose -s -p no:xdist tests/acceptance

ifeq ($(firstword $(MAKEFILE_LIST)),lab/lab.mk)
include Makefile
endif
endif
