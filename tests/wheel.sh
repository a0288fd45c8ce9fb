#!/usr/bin/env bash
# Install a wheel into a fresh environment, without compiler and sources, and run vectors and quick tests on it.
#
#   tests/wheel.sh WHEEL
#
# Packages come from where pip takes them.
set -euo pipefail
wheel=$(realpath "$1")
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree"
# The tests and what they read: all but the package, so that they find only the installed one.
tar --exclude=./.git --exclude=./.venv --exclude=./kmcodec --exclude=./build --exclude='*.egg-info' -cf - . |
    tar -xf - -C "$work/tree"
python3 -m venv "$work/venv"
export CC=/bin/false
SECONDS=0
"$work/venv/bin/pip" install --quiet --only-binary :all: "$wheel"
echo "wheel: installed in $SECONDS s"
mkdir "$work/home"
env -u XDG_DATA_HOME -u XDG_CONFIG_HOME HOME="$work/home" "$work/venv/bin/kmc" integrate
# All but the last line, a checksum, is the file of the sources.
head -n -1 "$work/home/.local/share/mime/packages/kmcodec-image.xml" | cmp - kmcodec/desktop/kmcodec-image.xml
grep -q "^Exec=$work/venv/bin/kmc thumbnail " "$work/home/.local/share/thumbnailers/kmcodec.thumbnailer"
"$work/venv/bin/pip" install --quiet "$wheel[test]"
cd "$work/tree"
export KMC_REQUIRE_COMPILED=1
"$work/venv/bin/python" -c "
import kmcodec
from kmcodec.coding import COMPILED
assert COMPILED and kmcodec.__file__.startswith('$work/venv'), kmcodec.__file__"
test() {
    "$work/venv/bin/python" -m pytest -q -n auto -p no:cacheprovider "$@"
}
test tests/test_damage.py -k vector
# These two read sources of the package, not what it does.
test tests -m quick --ignore=tests/test_sizes.py --ignore=tests/test_docstrings.py
