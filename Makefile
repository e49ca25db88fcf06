# make music          install, run every notebook, say what to listen to; `make music SEED=7` makes other music
# make test | lab | bench
# make release        what is shipped of notebook 05, the table in the README, and the manifest, made anew

PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3 python; do $$p -c \
  'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin/python
STAMP := .venv/installed-$(shell cat requirements.txt constraints.txt | cksum | tr ' ' '-')
SEED =
JOBS = 2
ONE_CORE_EACH := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
NOTE_STATUS := before=$$(git status --porcelain 2>/dev/null || true)
SAME_STATUS := { [ "$$before" = "$$(git status --porcelain 2>/dev/null)" ] || \
  { echo "These files of the repository changed, which no run may do:"; git status --short; exit 1; }; }

music: $(STAMP)
	@$(NOTE_STATUS); $(if $(SEED),BACH_SEED=$(SEED)) $(VENV) notebooks/run_all.py && $(SAME_STATUS)

test: $(STAMP)
	@$(VENV) -c 'from utils import data; data.pieces()'  # the corpus, once, before the workers would each export it
	@$(NOTE_STATUS); $(ONE_CORE_EACH) $(VENV) -m pytest -n $(JOBS) --dist worksteal tests && \
	$(ONE_CORE_EACH) $(VENV) -m pytest -n $(JOBS) --dist loadfile --nbval-lax notebooks && $(SAME_STATUS)

lab: $(STAMP)
	$(VENV) -m jupyter lab notebooks

bench: $(STAMP)
	$(VENV) -m tests.bench

release: $(STAMP)
	$(VENV) notebooks/release.py

$(STAMP):
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "This needs Python 3.11, 3.12 or 3.13. Install one, or say where it is: make music PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "$(PYTHON) cannot make virtual environments. Install its venv (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	$(PYTHON) -m venv .venv
	$(VENV) -m pip install --quiet --requirement requirements.txt --constraint constraints.txt
	@rm -f .venv/installed-* && touch $@

.PHONY: music test lab bench release
