#!/bin/sh
# Builds sanitized.conv with Halide's sanitizer feature asan or tsan, links it with the runtime's
# sources under the same sanitizer, and runs it.
#   run_sanitized.sh CONVC C_COMPILER REPOSITORY SCRATCH asan|tsan address|thread
set -eu
convc=$1 compiler=$2 repository=$3 scratch=$4 feature=$5 sanitizer=$6
if ! grep -qw avx2 /proc/cpuinfo; then
  echo "[SKIP] this processor lacks AVX2"
  exit 77
fi
mkdir -p "$scratch"
"$convc" compile "$repository/tests/kernels/sanitized.conv" -o "$scratch" --no-cache \
  --target "x86-64-linux-avx-avx2-f16c-fma-sse41-$feature"
"$compiler" -std=gnu11 '-DCONVC_VERSION="sanitized"' -O1 -g "-fsanitize=$sanitizer" -fno-omit-frame-pointer \
  -I"$repository/runtime/include" -I"$scratch" \
  "$repository/tests/kernels/sanitized_program.c" "$repository"/runtime/src/*.c \
  "$scratch/libsanitized.a" -lpthread -lm -o "$scratch/sanitized_program"
"$scratch/sanitized_program"
