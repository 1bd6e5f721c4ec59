"""Writes the table of measured speeds in README.md from bench/results/*.json, between its two marks.
Each file is the output of `convc bench --format json`, named after the machine.

  readme_table.py           rewrites README.md
  readme_table.py --check   exits 1 when README.md does not say what the results say
"""
import json
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table: written by tools/readme_table.py -->", "<!-- table: end -->"
# One layer of each kind that networks have; the mean below the table is over all of them.
SHOWN = ("resnet50_conv1_224x224", "resnet50_conv3_56x56", "resnet50_pw4_56x56",
         "resnet50_conv7_56x56", "resnet50_conv17_14x14", "resnet50_pw20_7x7", "vgg16_conv2_224x224",
         "vgg16_conv8_28x28", "mobilenet_v1_pw15_14x14", "mobilenet_v2_pw7_56x56", "yolo9000_Y18")


def rows_of(results):
    """(layer, threads, isa, algorithm, milliseconds, gflops, fraction of peak) of each benchmark."""
    to_ms = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}
    for entry in results["benchmarks"]:
        match = re.match(r"[^/]+/([^/]+)/auto/threads:(\d+)/([^/]+)", entry["name"])
        if match and entry.get("run_type", "iteration") == "iteration" and "peak_fraction" in entry:
            yield (match[1], int(match[2]), match[3], entry.get("label", "").rsplit(" ", 1)[0],
                   entry["real_time"] * to_ms[entry["time_unit"]], entry["gflops"],
                   entry["peak_fraction"])


def table_of(path):
    results = json.loads(path.read_text())
    rows = list(rows_of(results))
    if not rows:
        sys.exit(f"{path}: holds no benchmark of the schedule auto")
    context = results["context"]
    peaks = ", ".join(f"{key.removeprefix('fma_peak_gflops/')} {value}"
                      for key, value in context.items() if key.startswith("fma_peak_gflops/"))
    lines = [f"{path.stem}, {context['date'][:10]}; FMA peak in GFLOP/s: {peaks}", "",
             "| layer | algorithm | ISA | threads | ms | GFLOP/s | of FMA peak |",
             "|---|---|---|--:|--:|--:|--:|"]
    for layer, threads, isa, algorithm, milliseconds, gflops, fraction in rows:
        if layer in SHOWN:
            lines.append(f"| {layer} | {algorithm} | {isa} | {threads} | {milliseconds:.3g} "
                         f"| {gflops:.4g} | {100 * fraction:.0f} % |")
    lines.append("")
    for key in sorted({row[1:3] for row in rows}):
        fractions = [row[6] for row in rows if row[1:3] == key]
        mean = math.exp(sum(map(math.log, fractions)) / len(fractions))
        lines.append(f"All {len(fractions)} layers of the core suite, {key[1]}, threads {key[0]}: "
                     f"geometric mean {100 * mean:.0f} %, least {100 * min(fractions):.0f} %.")
    return "\n".join(lines)


def main():
    readme = ROOT / "README.md"
    text = readme.read_text()
    files = sorted((ROOT / "bench/results").glob("*.json"))
    tables = "\n\n".join(map(table_of, files)) or "Not measured yet."
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    new = f"{before}{BEGIN}\n{tables}\n{END}{after}"
    if sys.argv[1:] == ["--check"]:
        return 0 if new == text else "README.md: run tools/readme_table.py"
    readme.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
