"""How good is the planner's choice, made without a search? Measures, layer by layer, many plans of each
layer of bench/layers/planner_study.conv beside the one that the planner chooses.

  planner_study.py [--target host] [--plans 180] [--layers REGEX] [--output RESULT.json]

All plans are compiled and screened in short runs. The fastest, and the planner's, are then measured in
turns: the fastest of them is the one of the first half of these rounds, and what the planner's choice
takes compared with it is measured in the second half, so that luck in being chosen does not count.
Times are compared within a round only, of which the median counts.
Layers that the result has already are not measured again: an interrupted study goes on where it was.
"""
import argparse
import array
import ctypes
import datetime
import json
import math
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time

import plan_space

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.003
SCREENINGS = 6
FINALISTS = 12
ROUNDS = 60
ALIGNMENT = 64


class Options(ctypes.Structure):
    """convc_options of runtime/include/convc/convc.h."""
    _fields_ = [("struct_bytes", ctypes.c_size_t), ("threads", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32), ("isa", ctypes.c_char_p), ("pool", ctypes.c_void_p)]


class Memory:
    """Aligned bytes."""

    def __init__(self, size):
        self.size = size
        self.block = ctypes.create_string_buffer(size + ALIGNMENT)
        address = ctypes.addressof(self.block)
        self.address = ctypes.c_void_p(address + -address % ALIGNMENT)

    @classmethod
    def of_numbers(cls, count, rng):
        """Random numbers, the same few thousand again and again."""
        some = array.array("f", (rng.uniform(-1, 1) for _ in range(4099)))
        numbers = (some * (count // len(some) + 1))[:count]
        memory = cls(4 * count)
        ctypes.memmove(memory.address, numbers.buffer_info()[0], memory.size)
        return memory

    def numbers(self, places):
        floats = ctypes.cast(self.address, ctypes.POINTER(ctypes.c_float))
        return [floats[place] for place in places]


class Library:
    """Kernels of the same layer by different plans, in a shared library."""

    def __init__(self, path, layer):
        self.layer = layer
        self.code = ctypes.CDLL(str(path))
        for name in ("convc_packed_bytes", "convc_workspace_bytes"):
            getattr(self.code, name).restype = ctypes.c_size_t
        self.options = Options(struct_bytes=ctypes.sizeof(Options), threads=1)
        rng = random.Random(1)
        outputs = layer.out_height * layer.out_width * layer.filters
        self.input = Memory.of_numbers(layer.height * layer.width * layer.channels, rng)
        self.output = Memory(4 * outputs)
        self.places = [rng.randrange(outputs) for _ in range(64)]
        self.variables = [Memory.of_numbers(layer.kernel ** 2 * layer.channels * layer.filters, rng),
                          Memory.of_numbers(layer.filters, rng)]
        self.expected = None


class Kernel:
    """One of them, with its packed weights, ready to be called."""

    def __init__(self, library, name):
        self.library = library
        code, options = library.code, ctypes.byref(library.options)
        kernel = ctypes.byref(ctypes.c_char.in_dll(code, f"plans_{name}_kernel"))
        self.packed = Memory(code.convc_packed_bytes(kernel, options))
        self.workspace = Memory(code.convc_workspace_bytes(kernel, options))
        pointers = lambda memories: (ctypes.c_void_p * len(memories))(*(m.address.value for m in memories))
        size = ctypes.c_size_t
        if code.convc_pack(kernel, pointers(library.variables), self.packed.address,
                           size(self.packed.size), options) != 0:
            raise RuntimeError(f"{name}: cannot pack")
        self.arguments = (kernel, pointers([library.input, library.output]), self.packed.address,
                          size(self.packed.size), self.workspace.address, size(self.workspace.size), options)
        if code.convc_run(*self.arguments) != 0:
            raise RuntimeError(f"{name}: cannot run")
        self.check(name)
        self.repetitions = max(1, round(SAMPLE_SECONDS / self.seconds(1)))

    def check(self, name):
        """All plans compute the same."""
        numbers = self.library.output.numbers(self.library.places)
        self.library.expected = self.library.expected or numbers
        largest = max(map(abs, self.library.expected))
        if any(abs(a - b) > 1e-3 * largest for a, b in zip(numbers, self.library.expected)):
            raise RuntimeError(f"{name}: computes something else than the first plan")

    def seconds(self, repetitions):
        run, arguments = self.library.code.convc_run, self.arguments
        start = time.perf_counter()
        for _ in range(repetitions):
            run(*arguments)
        return (time.perf_counter() - start) / repetitions


class Study:
    def __init__(self, arguments):
        self.arguments = arguments
        self.convc = str(arguments.convc)
        self.folder = arguments.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        # The target in full, its instruction set, and the machine that plans are made for.
        self.isa, self.target, self.machine = self.described_target()

    def run_convc(self, *words):
        done = subprocess.run([self.convc, *map(str, words), "--target", self.arguments.target],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"convc {words[0]}: {done.stderr}")
        return done.stdout

    def described_target(self):
        spec = self.folder / "target.conv"
        spec.write_text('Conv2D(16, 1, input_shape=(8, 8, 16), name="any")\n')
        return re.search(r"^# (\w+): (\S+), planned for (.*)$", self.run_convc("plan", spec), re.MULTILINE).groups()

    def chosen_plan(self, layer):
        spec = self.folder / f"{layer.name}.conv"
        spec.write_text(layer.text + "\n")
        pattern = rf"^{layer.name} {self.isa}: (.*)$"
        return re.search(pattern, self.run_convc("plan", spec), re.MULTILINE)[1]

    def compile(self, layer, plans):
        """A shared library with a kernel p0, p1, .. for each plan."""
        spec, schedule = self.folder / "plans.conv", self.folder / "plans.plan"
        names = [f"p{i}" for i in range(len(plans))]
        spec.write_text("".join(layer.line(name) + "\n" for name in names))
        schedule.write_text("".join(f"{name} {self.isa}: {plan}\n"
                                    for name, plan in zip(names, plans)))
        self.run_convc("compile", spec, "-o", self.folder, "--schedule", schedule,
                       "--cache", self.folder / "cache")
        shared = self.folder / f"{layer.name}.so"
        subprocess.run([self.arguments.cc, "-shared", "-o", shared, "-Wl,--whole-archive",
                        self.folder / "libplans.a", self.arguments.runtime, "-Wl,--no-whole-archive",
                        "-lpthread"], check=True)
        return Library(shared, layer)

    def plans(self, layer):
        """The planner's choice first."""
        chosen = self.chosen_plan(layer)
        others = plan_space.plans_of(layer, self.isa, self.arguments.plans)
        return [chosen] + [plan for plan in others if plan != chosen]

    def study(self, layer):
        plans = self.plans(layer)
        progress(f"{layer.name}: compiling {len(plans)} plans")
        library = self.compile(layer, plans)
        if self.arguments.compile_only:
            return None
        progress(f"{layer.name}: screening {len(plans)} plans")
        kernels = [Kernel(library, f"p{i}") for i in range(len(plans))]
        screened = measure_in_turns(kernels, SCREENINGS)
        relative = medians_of(samples_over(statistics.median(samples), samples) for samples in screened)
        fastest = sorted(range(1, len(plans)), key=relative.__getitem__)[:FINALISTS]
        progress(f"{layer.name}: measuring {len(fastest) + 1} plans in turns")
        rounds = measure_in_turns([kernels[i] for i in [0] + fastest], ROUNDS)
        first, second = rounds[:ROUNDS // 2], rounds[ROUNDS // 2:]
        over_planner = medians_of(samples_over(samples[0], samples) for samples in first)
        best = min(range(len(over_planner)), key=over_planner.__getitem__)
        ratio = statistics.median(samples[0] / samples[best] for samples in second)
        medians = medians_of(rounds)
        milliseconds = lambda seconds: float(f"{1e3 * seconds:.5g}")
        return {
            "layer": layer.name, "spec": layer.text, "held_out": layer.held_out, "plans": len(plans),
            "planner_over_best": round(max(ratio, 1.0), 4),
            "planner": {"plan": plans[0], "ms": milliseconds(medians[0])},
            "best": {"plan": plans[([0] + fastest)[best]], "ms": milliseconds(medians[best])},
            "finalists": {plans[i]: milliseconds(m) for i, m in zip([0] + fastest, medians)},
            "screened_ms": {plan: milliseconds(s) for plan, s in zip(plans, map(min, zip(*screened)))},
        }


def samples_over(unit, samples):
    """Of one round, so that a machine that is slow for a while is slow for all."""
    return [sample / unit for sample in samples]


def medians_of(rounds):
    return [statistics.median(samples) for samples in zip(*rounds)]


def measure_in_turns(kernels, count):
    """Rounds of the seconds of each kernel; a call before each sample brings its data to the caches."""
    rounds = []
    for _ in range(count):
        rounds.append([])
        for kernel in kernels:
            kernel.seconds(1)
            rounds[-1].append(kernel.seconds(kernel.repetitions))
    return rounds


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def summary(rows):
    ratios = [row["planner_over_best"] for row in rows]
    return {"layers": len(rows), "geometric_mean": round(math.exp(statistics.fmean(map(math.log, ratios))), 4),
            "worst": max(ratios)} if rows else {}


def processor():
    match = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else "unknown"


def result_of(study, rows):
    return {"processor": processor(), "target": study.target, "machine": study.machine, "threads": 1,
            "date": datetime.date.today().isoformat(),
            "all": summary(rows), "held_out": summary([row for row in rows if row["held_out"]]),
            "layers": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--convc", type=pathlib.Path, default=ROOT / "build/bin/convc")
    parser.add_argument("--runtime", type=pathlib.Path, default=ROOT / "build/release/runtime/libconvc_runtime.a")
    parser.add_argument("--cc", default="gcc-12")
    parser.add_argument("--spec", type=pathlib.Path, default=ROOT / "bench/layers/planner_study.conv")
    parser.add_argument("--target", default="host", help="as convc takes it; one that this machine can run")
    parser.add_argument("--plans", type=int, default=180, help="plans of a layer beside the planner's")
    parser.add_argument("--layers", type=re.compile, default=re.compile(""), help="only those that match")
    parser.add_argument("--compile-only", action="store_true", help="fill the cache of kernels")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/planner-study")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "build/planner-study/result.json")
    arguments = parser.parse_args()
    study = Study(arguments)
    rows = json.loads(arguments.output.read_text())["layers"] if arguments.output.exists() else []
    known = {row["layer"] for row in rows}
    for layer in plan_space.layers_of(arguments.spec):
        if layer.name in known or not arguments.layers.search(layer.name):
            continue
        row = study.study(layer)
        if row is None:
            continue
        rows.append(row)
        arguments.output.write_text(json.dumps(result_of(study, rows), indent=1) + "\n")
        progress("")
        print(f"{layer.name:28} {row['planner_over_best']:6.3f}  {row['planner']['plan']}\n{'':36}"
              f"best {row['best']['plan']}", flush=True)
    print(json.dumps({"all": summary(rows), "held_out": summary([r for r in rows if r["held_out"]])}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
