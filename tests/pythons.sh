#!/usr/bin/env bash
# The fast tests on one Python: `tests/pythons.sh 3.14 [PINS]`.
#
# An interpreter that the machine has is taken: one on the PATH, or one of pyenv's or uv's. For 3.14 and newer, Debian's
# unstable suite has packages; they are unpacked into .cache by debootstrap, which root alone may do. Elsewhere this says
# so, and passes over. PINS is a file of requirements, or "oldest" or "newest": what pyproject.toml allows at its lower
# bounds, or today.
set -euo pipefail
version=$1 pins=${2:-requirements/dev.txt}
cd "$(dirname "$0")/.."
here=$PWD suite=$PWD/.cache/unstable environment=$PWD/.cache/pythons/$version-$(basename "$pins" .txt)

found() {
	for each in "python$version" "$(.venv/bin/uv python find --no-python-downloads "$version" 2>/dev/null)" \
		"${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
		"$each" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null && echo "$each" && return
	done
	return 1
}

unpacked() { # Debian's, in a folder of its own
	[ "${version#3.}" -ge 14 ] && [ "$(id -u)" = 0 ] || return 1
	command -v debootstrap >/dev/null || { apt-get update -qq && apt-get install -y -qq debootstrap >/dev/null; } || return 1
	[ -x "$suite/usr/bin/apt-get" ] || debootstrap --variant=minbase --include=ca-certificates unstable "$suite" >/dev/null ||
		{ rm -rf "$suite" && return 1; } # half of it would be in the way of the next try
	[ -x "$suite/usr/bin/python$version" ] && [ -x "$suite/usr/bin/git" ] || inside apt-get install -y -qq \
		--no-install-recommends "python$version" "python$version-venv" git >/dev/null 2>&1 || return 1
}

inside() { # in Debian's folder, with this checkout, its memory and its network; mounts end with the command
	unshare --mount bash -c '
		suite=$1 here=$2; shift 2
		mount -t tmpfs tmpfs "$suite/tmp" # first: the checkout may be below it
		mkdir -p "$suite$here" "$suite/etc/xdg"
		mount --bind "$here" "$suite$here"
		mount -t proc proc "$suite/proc"
		mount --rbind /dev "$suite/dev"
		cp /etc/resolv.conf "$suite/etc/resolv.conf" 2>/dev/null
		for each in ${SSL_CERT_FILE:-}; do mkdir -p "$suite$(dirname "$each")"; cp "$each" "$suite$each"; done
		exec chroot "$suite" env HOME=/tmp sh -c "cd $here && exec \"\$@\"" sh "$@"' bash "$suite" "$here" "$@"
}

if python=$(found); then
	run() { "$@"; }
	quickly() { .venv/bin/uv --quiet pip install --python "$environment/bin/python" "$@" 2>/dev/null; }
elif unpacked; then
	python=/usr/bin/python$version
	run() { inside "$@"; }
	quickly() { return 1; } # uv is not in that folder
else
	echo "Python $version: passed over. It is not on this machine, and Debian's packages could not be unpacked, which only root can." >&2
	exit 0
fi

echo "Python $version: $python"
[ -x "$environment/bin/python" ] || run "$python" -m venv "$environment"
uv() { .venv/bin/uv --quiet pip "$@"; }
case $pins in
oldest | newest)
	resolution=$([ "$pins" = oldest ] && echo lowest-direct || echo highest)
	uv compile pyproject.toml --all-extras --no-emit-package ray --no-emit-package protobuf --group test --group demo --group build --group docs --group lint --upgrade --resolution "$resolution" --python-version "$version" \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --output-file "$environment/pins.txt"
	options=$([ "$pins" = newest ] || echo --pythonwarnings=default::DeprecationWarning) # of theirs, by newer ones below
	pins=$environment/pins.txt
	;;
esac
install() { quickly "$@" || run "$environment/bin/python" -m pip --quiet --disable-pip-version-check install "$@"; }
install --no-deps --requirement "$pins"
install --no-deps --no-build-isolation --editable .
run env TMPDIR="$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" PYTHONDONTWRITEBYTECODE= \
	"$environment/bin/pytest" ${options:-} --quiet -m "not slow" --numprocesses "${WORKERS:-2}" --override-ini cache_dir="$environment/.pytest_cache"
