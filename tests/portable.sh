#!/usr/bin/env bash
# Compile the kernels with clang and without SSE2, as other processors have them, and run what compares their bytes.
#
#   tests/portable.sh
#
# The Python that is active needs kmcodec's build and test requirements. Nothing is built in place: a copy of this
# tree is.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# Each header alone; their functions are static, and not all of them are used.
for compiler in gcc clang; do
    for choice in -UKMC_PORTABLE -DKMC_PORTABLE; do
        for header in kmcodec/*/*.h kmcodec/*/*/*.h; do
            echo "#include \"$PWD/$header\"" >"$copy/one.c"
            "$compiler" -std=c11 -O2 -Wall -Wextra -Wno-unused-function -Werror $choice -c "$copy/one.c" -o "$copy/one.o"
        done
    done
    echo "portable: no warning of $compiler"
done
mkdir "$copy/tree"
tar --exclude=./.git --exclude=./.venv --exclude='*.so' --exclude='*.c' --exclude=./build -cf - . | tar -xf - -C "$copy/tree"
cd "$copy/tree"
CC=clang CFLAGS="-g0 -DKMC_PORTABLE" KMC_OPTIMIZATION=-O1 python setup.py --quiet build_ext --inplace
export PYTHONPATH="$copy/tree" KMC_REQUIRE_COMPILED=1
python -c "
import kmcodec
from kmcodec.coding import COMPILED
assert COMPILED and kmcodec.__file__.startswith('$copy'), kmcodec.__file__"
python -m pytest -q -n auto -p no:cacheprovider tests/test_damage.py tests/test_kernels.py \
    tests/test_additive.py tests/test_context.py tests/test_labels_coder.py tests/test_ssimulacra2.py -k "vector or twin or same"
