#!/usr/bin/env bash
# Run the tests of the compiled kernels with kernels under AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   tests/sanitized.sh [pytest arguments]
#
# The Python that is active needs kmcodec's build and test requirements. Nothing is built in place: a copy of this
# tree is. Exit code 77 where the compiler has no sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CC:-gcc}
runtime=$("$compiler" -print-file-name=libasan.so 2>/dev/null || true)
if [ ! -e "$runtime" ]; then
    echo "$compiler has no AddressSanitizer"
    exit 77
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/tree"
# Some tests use real images where they lie beside the checkout.
[ ! -d ../shared ] || ln -s "$(cd ../shared && pwd)" "$copy/shared"
tar --exclude=./.git --exclude=./.venv --exclude='*.so' --exclude=./build -cf - . | tar -xf - -C "$copy/tree"
cd "$copy/tree"
flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
CFLAGS="$flags" LDFLAGS="-fsanitize=address,undefined" KMC_OPTIMIZATION=-O1 \
    python setup.py --quiet build_ext --inplace
# Python and NumPy keep memory until they end: leaks are not looked for.
export ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD="$runtime" PYTHONPATH="$copy/tree" KMC_REQUIRE_COMPILED=1
python -c "
import kmcodec, kmcodec.coding.context._max as kernel
assert kmcodec.__file__.startswith('$copy') and kernel.__file__.startswith('$copy'), kernel.__file__
assert b'__asan_' in open(kernel.__file__, 'rb').read()
print('sanitized:', kernel.__file__)"
cd tests
# Not what compares with the twins in Python: that is slow, and says nothing about memory. Fuzzing reaches the rest.
[ $# -gt 0 ] || set -- -n auto test_damage.py test_labels_coder.py test_regressions.py test_reader.py test_choice.py \
    -k "not twin and not third_reader"
python -m pytest -q -p no:cacheprovider "$@"
