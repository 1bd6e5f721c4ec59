"""Shows that no shape falls off a cliff: random shapes near the core suite's against the next larger
shape whose sizes are multiples of 16. Prints time per multiply-add of the one over the other.

  no_cliffs.py [--convc build/bin/convc] [--count 100] [--seed 1] [--target T]

A size of 1 stays 1: a fully connected layer has no pixels to round up. Pairs whose smaller shape
moves more bytes per operation than a cache delivers at full speed (fewer than 8 operations per
compulsory byte) are listed apart: memory sets their time, not the plan. Exits 1 when one of the
others is above the limit of 1.6.
"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT = 1.6
MEMORY_BOUND_FLOP_PER_BYTE = 8
MOST_MACS = 600_000_000
LAYER = re.compile(r"Conv2D\((\d+), (\d+)(?:, strides=(\d+))?(?:, padding=\(\((\d+).*?\)\))?, "
                   r"input_shape=\((\d+), (\d+), (\d+)\)")


def core_suite():
    """(filters, kernel, stride, pad, height, width, channels) of each layer."""
    for line in (ROOT / "bench/layers/core_suite.conv").read_text().splitlines():
        match = LAYER.match(line)
        if match:
            k, s, stride, pad, h, w, c = (int(group or 0) for group in match.groups())
            yield k, s, stride or 1, pad, h, w, c


def out_size(size, kernel, stride, pad):
    return (size + 2 * pad - kernel) // stride + 1


def macs(shape):
    k, s, stride, pad, h, w, c = shape
    return out_size(h, s, stride, pad) * out_size(w, s, stride, pad) * k * c * s * s


def flop_per_byte(shape):
    k, s, stride, pad, h, w, c = shape
    outputs = out_size(h, s, stride, pad) * out_size(w, s, stride, pad) * k
    return 2 * macs(shape) / (4 * (h * w * c + outputs + k * c * s * s))


def near(shape, rng):
    """Sizes at most 15 away, and the same rounded up to multiples of 16."""
    k, s, stride, pad, h, w, c = shape
    k, h, w, c = (max(1, size + rng.randint(-15, 15)) if size > 1 else 1 for size in (k, h, w, c))
    up = lambda size: size if size == 1 else (size + 15) // 16 * 16
    return (k, s, stride, pad, h, w, c), (up(k), s, stride, pad, up(h), up(w), up(c))


def spec_line(shape, name):
    k, s, stride, pad, h, w, c = shape
    return (f"Conv2D({k}, {s}, strides={stride}, padding=(({pad}, {pad}), ({pad}, {pad})), "
            f"input_shape=({h}, {w}, {c}), name=\"{name}\")")


def measure(convc, pairs, target):
    lines = [spec_line(shape, f"{kind}{i}") for i, pair in enumerate(pairs)
             for kind, shape in zip("ab", pair)]
    with tempfile.TemporaryDirectory() as directory:
        spec = pathlib.Path(directory) / "cliffs.conv"
        spec.write_text("\n".join(lines) + "\n")
        command = [convc, "bench", str(spec), "--format", "json", "--min-time", "0.05"]
        if target:
            command += ["--target", target]
        results = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {entry["name"].split("/")[1]: entry["peak_fraction"] for entry in results["benchmarks"]
            if "peak_fraction" in entry}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--convc", default=str(ROOT / "build/bin/convc"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    suite = list(core_suite())
    pairs = []
    while len(pairs) < arguments.count:
        pair = near(rng.choice(suite), rng)
        k, s, stride, pad, h, w, c = pair[0]
        if min(h, w) + 2 * pad >= s and macs(pair[1]) <= MOST_MACS:
            pairs.append(pair)
    fractions = measure(arguments.convc, pairs, arguments.target)
    rows = sorted(((fractions[f"b{i}"] / fractions[f"a{i}"], pair) for i, pair in enumerate(pairs)),
                  reverse=True)
    failures = 0
    for ratio, (shape, rounded) in rows:
        bound = flop_per_byte(shape) < MEMORY_BOUND_FLOP_PER_BYTE
        if ratio > LIMIT and not bound:
            failures += 1
        if ratio > 1.3:
            print(f"{ratio:.2f} {'memory' if bound else 'plan  '} {spec_line(shape, 'shape')}")
    plans = [ratio for ratio, (shape, _) in rows if flop_per_byte(shape) >= MEMORY_BOUND_FLOP_PER_BYTE]
    print(f"seed {arguments.seed}: {len(rows)} shapes, {len(plans)} not bound by memory; "
          f"of these the worst is {max(plans):.2f} times the time per multiply-add of its rounded "
          f"shape, {failures} above {LIMIT}")
    sys.exit(1 if failures else 0)


main()
