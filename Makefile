# make music          install, run every notebook, say what to listen to; `make music SEED=7` makes other music
# make harmonise TUNE=my.mid       harmonise a tune in four voices, three times; OPTIONS="--key G --fermatas 4,8"
# make judge FOLDER=my_folder      any chorales beside Bach: measures, copies, critics, a grade; OPTIONS="--name Mine"
# make play           compose with the network in your browser
# make lab            open the notebooks in Jupyter
# make test | bench   lint, unit tests and every notebook | speed
# make release        run the notebooks and save them with what they ship; `make release NOTEBOOKS="02 05"` some of them;
#                     `make release MODE=train NOTEBOOKS=02` trains the networks of 02 anew first

PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3 python; do $$p -c \
  'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin/python
STAMP := .venv/installed-$(shell cat requirements-colab.txt requirements.txt constraints.txt | cksum | tr ' ' '-')
DEV_STAMP := .venv/installed-dev-$(shell cat requirements*.txt constraints.txt | cksum | tr ' ' '-')
INSTALL := $(VENV) -m pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt --requirement
SEED =
MODE = load
NOTEBOOKS =
TUNE = data/tunes/amazing_grace.abc
FOLDER = my_folder
OPTIONS =
JOBS = 2
ONE_CORE_EACH := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
WHOLE_FILES := --dist loadfile --no-loadscope-reorder  # in the order of conftest.py; a notebook's kernel is one worker's
NOTE_STATUS := before=$$(git status --porcelain 2>/dev/null || true)
SAME_STATUS := { [ "$$before" = "$$(git status --porcelain 2>/dev/null)" ] || \
  { echo "These files of the repository changed, which no run may do:"; git status --short; exit 1; }; }

music: $(STAMP)
	@$(NOTE_STATUS); $(if $(SEED),BACH_SEED=$(SEED)) $(VENV) notebooks/run_all.py && $(SAME_STATUS)

harmonise: $(STAMP)
	@$(VENV) notebooks/compose.py harmonise "$(TUNE)" $(OPTIONS)

judge: $(STAMP)
	@$(VENV) notebooks/judge.py "$(FOLDER)" $(OPTIONS)

play: $(STAMP)
	@$(VENV) notebooks/play.py

lab: $(STAMP)  # from the root, for the links under the players lead from notebooks/ to outputs/
	$(VENV) -m jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks

test: $(DEV_STAMP)
	@$(VENV) -m ruff check .
	@$(VENV) -c 'from utils.music import data; data.pieces()'  # the corpus, once, before the workers would each export it
	@$(NOTE_STATUS); \
	$(ONE_CORE_EACH) $(VENV) -m pytest -n $(JOBS) $(WHOLE_FILES) --nbval-lax tests notebooks && $(SAME_STATUS)

bench: $(DEV_STAMP)
	$(VENV) -m tests.bench

release: $(STAMP)
	$(VENV) notebooks/release.py --mode $(MODE) $(NOTEBOOKS)

$(STAMP):
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	{ echo "This needs Python 3.11, 3.12 or 3.13. Install one, or say where it is: make music PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	{ echo "$(PYTHON) cannot make virtual environments. Install its venv (Debian, Ubuntu: apt install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv .venv
	@echo "installing requirements.txt into .venv, 2.6 GB: a minute or more ..."
	@$(INSTALL) requirements.txt
	@rm -f .venv/installed-* && touch $@

$(DEV_STAMP): $(STAMP)
	@echo "installing requirements-dev.txt, what tests need ..."
	@$(INSTALL) requirements-dev.txt
	@rm -f .venv/installed-dev-* && touch $@

.PHONY: music harmonise judge play lab test bench release
