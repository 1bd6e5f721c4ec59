"""Writes the tables of measured speeds from bench/results/*.json, each the output of `convc bench
--format json`, named after the machine: all of them into docs/benchmarks.md; into README.md, of the
runs that measured peers, the means, and one layer of each kind where there was one thread.

  benchmark_tables.py           rewrites both
  benchmark_tables.py --check   exits 1 when either does not say what the results say
"""
import json
import math
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- table: written by tools/benchmark_tables.py -->", "<!-- table: end -->"
PEERS = {"onednn": "oneDNN", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO",
         "xnnpack": "XNNPACK", "iree": "IREE"}
# One layer of each kind that networks have; the means below a table are over all of them.
SHOWN = ("resnet50_conv1_224x224", "resnet50_conv3_56x56", "resnet50_pw4_56x56",
         "resnet50_conv7_56x56", "resnet50_conv17_14x14", "resnet50_pw20_7x7", "vgg16_conv2_224x224",
         "vgg16_conv8_28x28", "mobilenet_v1_pw15_14x14", "mobilenet_v2_pw7_56x56", "yolo9000_Y18",
         "mobilenet_v1_dw6_56x56", "mobilenet_v1_dw4_112x112")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def classes_of_layers():
    """The classes of each layer of the core suite, from the spec."""
    classes = {}
    pattern = re.compile(r'Conv2D\((\d+), \(?(\d+)(.*)input_shape=\((\d+), (\d+), (\d+)\).*name="(\w+)"')
    for spec in ("core_suite.conv", "core_suite_depthwise.conv"):
        for line in (ROOT / "bench/layers" / spec).read_text().splitlines():
            match = pattern.match(line)
            if not match:
                continue
            filters, kernel, rest, height, _, channels, name = match.groups()
            strided = "strides=" in rest
            depthwise = "groups=" in rest or "groups=" in line
            found = ["all layers"]
            if depthwise:
                found.append("depthwise")
            elif strided:
                found.append("strided")
            elif kernel == "1":
                found.append("1x1")
            elif kernel == "3" and min(int(channels), int(filters)) >= 64 and int(height) >= 14:
                found.append("3x3 stride 1, 64 channels and 14 pixels or more")
            classes[name] = found
    return classes


class Row:
    """One benchmark of the schedule auto."""

    def __init__(self, entry, match):
        # Results of older versions have the mean alone.
        mean_ms = entry["real_time"] * {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}[entry["time_unit"]]
        self.layer, self.threads, self.isa = match[1], int(match[2]), match[3]
        self.algorithm = entry.get("label", "").split(";")[0].rsplit(" ", 1)[0]
        self.milliseconds = entry.get("median_ms", mean_ms)
        self.gflops, self.fraction = entry["gflops"], entry["peak_fraction"]
        self.over = {peer: entry[f"over_{peer}"] for peer in PEERS if f"over_{peer}" in entry}
        # Of each form in which a peer computes the layer; the fastest counts. What follows a form's
        # name tells how it does.
        self.forms = {key.removeprefix("over_").split(" ")[0]: value for key, value in entry.items()
                      if key.startswith("over_") and "/" in key}

    def over_best(self):
        return min(self.over.values(), default=None)


def rows_of(path, results):
    rows = []
    for entry in results["benchmarks"]:
        match = re.match(r"[^/]+/([^/]+)/auto/threads:(\d+)/([^/]+)", entry["name"])
        if match and entry.get("run_type", "iteration") == "iteration" and "peak_fraction" in entry:
            rows.append(Row(entry, match))
    if not rows:
        sys.exit(f"{path}: holds no benchmark of the schedule auto")
    return rows


def heading_of(path, context):
    peaks = ", ".join(f"{key.removeprefix('fma_peak_gflops/')} {value}"
                      for key, value in context.items() if key.startswith("fma_peak_gflops/"))
    versions = ", ".join(context[f"peer_{peer}"] for peer in PEERS if f"peer_{peer}" in context)
    conditions = "".join(f"{context[key]}; " for key in ("processor", "accuracy") if key in context)
    return (f"{path.stem}, {context['date'][:10]}; {conditions}FMA peak in GFLOP/s: {peaks}"
            + (f"; beside {versions}" if versions else "") + ".")


def columns_of(rows, peers, only_runtimes):
    """A column per form of a peer, in a run that tells them apart; else one per peer. `only_runtimes`:
    of those whose forms are a node and a whole model."""
    columns = {}
    for peer in peers:
        forms = sorted({key for row in rows for key in row.forms if key.startswith(peer + "/")})
        if len(forms) < 2 or (only_runtimes and f"{peer}/node" not in forms):
            columns[peer] = PEERS[peer]
        else:
            columns.update({form: f"{PEERS[peer]} {form.removeprefix(peer + '/')}" for form in forms})
    return columns


def layer_table(rows, peers, only_runtimes):
    columns = columns_of(rows, peers, only_runtimes)
    lines = ["| layer | algorithm | ISA | threads | ms | GFLOP/s | of FMA peak |"
             + "".join(f" × {name} |" for name in columns.values()),
             "|---|---|---|--:|--:|--:|--:|" + "--:|" * len(columns)]
    for row in rows:
        over = {**row.over, **row.forms}
        ratios = "".join(f" {over[column]:.2f} |" if column in over else " - |" for column in columns)
        lines.append(f"| {row.layer} | {row.algorithm} | {row.isa} | {row.threads} "
                     f"| {row.milliseconds:.3g} | {row.gflops:.4g} | {100 * row.fraction:.0f} % |"
                     + ratios)
    return lines


def peer_means(rows, peers, classes):
    """Means by class; "best peer" is the fastest of them on each layer."""
    lines = ["| geometric mean of peer's time over convc's | threads | layers | best peer | least |"
             + "".join(f" {PEERS[peer]} |" for peer in peers), "|---|--:|--:|--:|--:|" + "--:|" * len(peers)]
    kinds = list(dict.fromkeys(kind for found in classes.values() for kind in found))
    for threads in sorted({row.threads for row in rows}):
        for kind in kinds:
            chosen = [row for row in rows if row.threads == threads and row.over
                      and kind in classes.get(row.layer, [])]
            if not chosen:
                continue
            best = [row.over_best() for row in chosen]
            line = (f"| {kind} | {threads} | {len(chosen)} | {geometric_mean(best):.2f} "
                    f"| {min(best):.2f} |")
            for peer in peers:
                ratios = [row.over[peer] for row in chosen if peer in row.over]
                line += f" {geometric_mean(ratios):.2f} |" if ratios else " - |"
            lines.append(line)
    return lines


def peak_means(rows):
    for isa, threads in sorted({(row.isa, row.threads) for row in rows}):
        fractions = [row.fraction for row in rows if (row.isa, row.threads) == (isa, threads)]
        yield (f"All {len(fractions)} layers of the core suite, {isa}, threads {threads}: geometric mean "
               f"{100 * geometric_mean(fractions):.0f} % of FMA peak, least {100 * min(fractions):.0f} %.")


def report(path, only_shown):
    results = json.loads(path.read_text())
    rows = rows_of(path, results)
    peers = [peer for peer in PEERS if any(peer in row.over for row in rows)]
    if only_shown and not peers:
        return None
    shown = [row for row in rows if not only_shown or (row.layer in SHOWN and row.threads == 1)]
    lines = [heading_of(path, results["context"]), ""]
    if shown:
        lines += [*layer_table(shown, peers, only_runtimes=only_shown), ""]
    if peers:
        lines += [*peer_means(rows, peers, classes_of_layers()), ""]
    return "\n".join([*lines, *peak_means(rows)])


def updated(document, only_shown):
    """The document's text, with new tables between the marks."""
    files = sorted(path for path in (ROOT / "bench/results").glob("*.json")
                   if not path.name.startswith("planner-study"))
    reports = [found for found in (report(path, only_shown) for path in files) if found]
    before, rest = document.read_text().split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n" + ("\n\n".join(reports) or "Not measured yet.") + f"\n{END}{after}"


def main():
    stale = []
    for name, only_shown in (("README.md", True), ("docs/benchmarks.md", False)):
        document = ROOT / name
        new = updated(document, only_shown)
        if new != document.read_text():
            stale.append(name)
            if sys.argv[1:] != ["--check"]:
                document.write_text(new)
    if stale and sys.argv[1:] == ["--check"]:
        return f"{', '.join(stale)}: run tools/benchmark_tables.py"
    return 0


if __name__ == "__main__":
    sys.exit(main())
