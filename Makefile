# Builds, tests, demonstrates and installs oathbridge. "make help" lists the targets.

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share
UNITDIR ?= $(PREFIX)/lib/systemd/user
RULESDIR ?= $(PREFIX)/lib/udev/rules.d
DOCDIR ?= $(DATADIR)/doc/oathbridge
# Debian's zsh does not look in the usual folder below /usr.
ZSHDIR ?= $(DATADIR)/zsh/$(if $(and $(filter /usr,$(PREFIX)),$(wildcard /etc/debian_version)),vendor-completions,site-functions)
CARGO ?= cargo
CARGO_DENY_VERSION = 0.20.2

NAME = io.github.oathbridge.OathBridge1
BINARIES = oathbridged oathbridgectl
TARGET = $(or $(CARGO_TARGET_DIR),target)/dist

# The programs of packages that are only unpacked, for lack of installed ones; see scripts/unpack-packages.
export PATH := $(PATH):$(abspath $(or $(CARGO_TARGET_DIR),target))/tools/bin

# Modules of tests that also run on the binaries of "make", and the checks of "make accept", each a file of scripts/accept.
SHIPPED_TESTS = contract ctl demo kill secrets
ACCEPT = paths reproducible deb deb-source deb-vm vm desktop fuzz plug hostile kept first-hour

# Each keeps its folder, so that the links between them lead somewhere.
DOCUMENTS = README.md SECURITY.md CHANGELOG.md CONTRIBUTING.md $(wildcard docs/*.md examples/*.rs examples/*.py) config/oathbridge.toml
LICENSES = LICENSE-APACHE LICENSE-MIT

# DIRECTORY:FILE of everything except the binaries and the unit.
FILES = \
	$(RULESDIR):udev/70-oathbridge.rules \
	$(DATADIR)/dbus-1/services:data/dbus-1/services/$(NAME).service \
	$(DATADIR)/metainfo:data/metainfo/$(NAME).metainfo.xml \
	$(DATADIR)/icons/hicolor/scalable/apps:data/icons/$(NAME).svg \
	$(foreach file,udev/70-oathbridge-keyboard.rules $(LICENSES),$(DOCDIR):$(file)) \
	$(foreach file,$(DOCUMENTS),$(patsubst %/.,%,$(DOCDIR)/$(patsubst %/,%,$(dir $(file)))):$(file)) \
	$(foreach file,$(wildcard data/dbus-1/interfaces/*.xml),$(DATADIR)/dbus-1/interfaces:$(file)) \
	$(foreach file,$(wildcard man/*.1),$(DATADIR)/man/man1:$(file)) \
	$(foreach file,$(wildcard man/*.5),$(DATADIR)/man/man5:$(file)) \
	$(foreach file,$(wildcard man/*.8),$(DATADIR)/man/man8:$(file)) \
	$(foreach file,$(wildcard completions/*.bash),$(DATADIR)/bash-completion/completions:$(file)) \
	$(foreach file,$(wildcard completions/_*),$(ZSHDIR):$(file)) \
	$(foreach file,$(wildcard completions/*.fish),$(DATADIR)/fish/vendor_completions.d:$(file))

directory = $(firstword $(subst :, ,$(1)))
source = $(lastword $(subst :, ,$(1)))
# bash-completion finds a file by the command's bare name.
installed = $(DESTDIR)$(call directory,$(1))/$(patsubst %.bash,%,$(notdir $(call source,$(1))))
FOLDERS = $(sort $(UNITDIR) $(foreach entry,$(FILES),$(call directory,$(entry))))

.PHONY: build help demo test fuzz test-vm shipped broker bench accept check fmt clippy doc deny deb install uninstall

build: ## Build the daemon and the user's tool
	scripts/check-rust
	scripts/install-packages build
	scripts/build

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## Run a demo with a virtual token and a fake Cognito; KEEP=1 keeps them running
	scripts/check-rust
	scripts/install-packages build demo
	scripts/demo

test: ## Run every test
	scripts/check-rust
	scripts/install-packages build test
	scripts/test

fuzz: ## Run each fuzz target for 30 s with AddressSanitizer
	scripts/check-rust
	scripts/install-packages build fuzz
	scripts/fuzz

shipped: build ## Run the tests of the contract, the tool, the demo, kills and secrets on the binaries of "make"
	umask 022 && missing=$$(scripts/skipped) && \
	printf '%s\n' "$$missing" | sed -n 's/^\(.*\)\t\(.*\)$$/Skipped, because \2 is not installed: \1/p' && \
	OATHBRIDGE_BINARIES=$(TARGET) $(CARGO) test --release --workspace --test daemon --test programs -- \
		$(addsuffix ::,$(SHIPPED_TESTS)) $$(printf '%s\n' "$$missing" | sed -n 's/^\(.*\)\t.*/--skip=\1/p')

test-vm: ## Run the tests on real nodes and with real services, in a virtual machine; as root
	scripts/check-rust
	scripts/install-packages build vm
	scripts/test-vm $(or $(VM),bookworm)

broker: ## Run the tests of the bus with dbus-broker
	scripts/check-rust
	scripts/install-packages build test broker
	umask 022 && OATHBRIDGE_TEST_BUS=dbus-broker $(CARGO) test --release --workspace --test daemon -- \
		$(addsuffix ::,access challenge contract operations)

bench: ## Run the benchmarks; OLD=DIR also measures the older programs in that folder
	scripts/check-rust
	scripts/install-packages build test
	scripts/figures $(if $(OLD),--old $(abspath $(OLD))) $(FIGURES)

accept: $(addprefix accept-,$(ACCEPT)) ## Run the checks that take too long for each change; accept-NAME runs one

accept-paths accept-hostile accept-desktop: build
accept-deb accept-deb-source accept-deb-vm: deb

accept-%:
	scripts/accept/$*

# One part of a check: accept-fuzz-TARGET, and accept-first-hour-RELEASE-USER-GOAL.
accept-fuzz-%:
	scripts/accept/fuzz $*

accept-first-hour-%:
	scripts/accept/first-hour $(subst -, ,$*)

check: fmt clippy doc deny ## Check format, lints, documentation and dependencies

fmt:
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

clippy:
	$(CARGO) clippy --release --workspace --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --locked

deny:
	command -v cargo-deny || $(CARGO) install --locked --version $(CARGO_DENY_VERSION) cargo-deny
	$(CARGO) deny --locked check bans licenses sources

deb: build ## Make the Debian package, in the folder debian of cargo's target folder
	scripts/install-packages deb
	scripts/deb

install: ## Install the built files; PREFIX and DESTDIR work as usual
	@for binary in $(BINARIES); do test -x $(TARGET)/$$binary || { echo "run make first" >&2; exit 1; }; done
	@# Without read permission the kernel protects the daemon from its first instruction on.
	@install -D -m 0711 $(TARGET)/oathbridged $(DESTDIR)$(BINDIR)/oathbridged
	@install -D -m 0755 $(TARGET)/oathbridgectl $(DESTDIR)$(BINDIR)/oathbridgectl
	@install -D -m 644 systemd/oathbridge.service $(DESTDIR)$(UNITDIR)/oathbridge.service
	@$(foreach entry,$(FILES),install -D -m 644 $(call source,$(entry)) $(call installed,$(entry)) &&) true
	@sed -i 's,/usr/bin/oathbridged,$(BINDIR)/oathbridged,' $(DESTDIR)$(UNITDIR)/oathbridge.service
	@sed -i 's,/usr/local/share/doc/oathbridge/,$(DOCDIR)/,' $(DESTDIR)$(DOCDIR)/README.md

# An empty folder goes too, up to those that every system has.
uninstall: ## Remove the installed files
	@rm -f $(foreach binary,$(BINARIES),$(DESTDIR)$(BINDIR)/$(binary)) $(DESTDIR)$(UNITDIR)/oathbridge.service
	@rm -f $(foreach entry,$(FILES),$(call installed,$(entry)))
	@for folder in $(addprefix $(DESTDIR),$(FOLDERS)); do \
		while rmdir "$$folder" 2>/dev/null; do \
			folder=$${folder%/*}; \
			case $$folder in */bin|*/lib|*/share|*/man|$(DESTDIR)$(PREFIX)) break ;; esac; \
		done; \
	done
