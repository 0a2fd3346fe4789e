# What can be done with a clone. Everything that is needed and missing is installed on the way:
# Debian packages (as root or through sudo) and, for tests, Python packages in .venv.
# Stamps under .build/stamps make the second time quick.

PYTHON := .venv/bin/python
STAMPS := .build/stamps
WEIR := .build/release/weir
RELEASE_FLAGS := -c release --static-swift-stdlib
PLOTS := slow-endpoint antagonists-above uneven-machines
OUTAGE_PLOTS := outage retry-storm
PREFIX ?= /usr/local
DESTDIR ?=
ZSH_COMPLETIONS ?= $(PREFIX)/share/zsh/site-functions
FISH_COMPLETIONS ?= $(PREFIX)/share/fish/vendor_completions.d
FORMATTED := Package.swift Sources Tests Fuzz/Package.swift Fuzz/Sources perf/micro

.DEFAULT_GOAL := help
.PHONY: help build demo install deb test test-long lint format docs plots pictures clean

help: ## Shows this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

build: $(STAMPS)/build-packages ## Builds the release binary, .build/release/weir
	swift build $(RELEASE_FLAGS)

demo: build ## Shows Weir over three small backends; ARGS='--for 5s' ends it by itself
	@$(WEIR) demo $(ARGS)

install: ## Installs what make build has built below PREFIX, /usr/local; DESTDIR goes before it
	@test -x $(WEIR) || { echo "There is no $(WEIR): run make build first" >&2; exit 1; }
	install -D -m 755 $(WEIR) $(DESTDIR)$(PREFIX)/bin/weir
	install -D -m 644 packaging/weir.1 $(DESTDIR)$(PREFIX)/share/man/man1/weir.1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(ZSH_COMPLETIONS) $(DESTDIR)$(FISH_COMPLETIONS) \
	    $(DESTDIR)$(PREFIX)/lib/systemd/system
	$(WEIR) --generate-completion-script bash \
	    > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weir
	$(WEIR) --generate-completion-script zsh > $(DESTDIR)$(ZSH_COMPLETIONS)/_weir
	$(WEIR) --generate-completion-script fish > $(DESTDIR)$(FISH_COMPLETIONS)/weir.fish
	sed 's,@BINDIR@,$(PREFIX)/bin,' packaging/weir.service.in \
	    > $(DESTDIR)$(PREFIX)/lib/systemd/system/weir.service
	install -D -m 644 packaging/weir.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/weir.conf
	test -e $(DESTDIR)/etc/weir/weir.yaml || \
	    install -D -m 644 packaging/weir.yaml $(DESTDIR)/etc/weir/weir.yaml

deb: build $(STAMPS)/deb-packages ## Packs the release binary for Debian, into .build/deb
	packaging/build_deb.sh $(WEIR) .build/deb

test: $(STAMPS)/test-packages $(STAMPS)/venv ## Runs what must pass before a change goes in
	$(PYTHON) Tests/Support/run_tests.py short

test-long: $(STAMPS)/test-packages $(STAMPS)/venv ## Adds sanitizers end to end, fuzzing, a million requests
	$(PYTHON) Tests/Support/run_tests.py long

lint: ## Checks the formatting
	swift format lint --strict --recursive --parallel $(FORMATTED)

format: ## Formats all Swift files in place
	swift format format --in-place --recursive --parallel $(FORMATTED)

docs: build ## Writes the generated reference pages anew
	Tests/Support/write_docs.sh $(WEIR)

plots: build ## Draws the pictures of docs/explanation anew
	for name in $(PLOTS); do \
	    $(WEIR) simulate --compare --plot docs/explanation/balancing-$$name.svg \
	        examples/simulate/$$name.yaml || exit 1; \
	done
	for name in $(OUTAGE_PLOTS); do \
	    $(WEIR) simulate --plot docs/explanation/resilience-$$name.svg \
	        examples/simulate/$$name.yaml examples/simulate/$$name-without.yaml || exit 1; \
	done

pictures: build $(STAMPS)/test-packages $(STAMPS)/venv ## Takes the picture of docs/how-to anew, shows that of weir top
	mkdir -p .build/pictures
	WEIR_PICTURES=$(CURDIR)/.build/pictures $(PYTHON) -m pytest -q Tests/EndToEnd/admin \
	    -k within_two_seconds
	cp .build/pictures/dashboard.png docs/how-to/dashboard.png
	cat .build/pictures/weir-top.txt

clean: ## Removes everything that was built or installed into the clone
	rm -rf .build .build-* .venv Fuzz/.build

$(STAMPS)/build-packages: Tests/Support/build-packages.txt
	@Tests/Support/install_packages.sh $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/deb-packages: packaging/deb-packages.txt
	@Tests/Support/install_packages.sh $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/test-packages: Tests/Support/test-packages.txt $(STAMPS)/build-packages
	@Tests/Support/install_packages.sh $<
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/venv: Tests/EndToEnd/requirements.txt $(STAMPS)/test-packages
	@echo "Installing the tests' Python packages into .venv"
	@/usr/bin/python3 -m venv --clear .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --requirement $<
	@mkdir -p $(STAMPS) && touch $@
