"""The house rules that a script can check. Prints file:line: rule; exits 1 when any is broken.

  lint.py --rules     sizes, layering, sources listed in CMake, forbidden words
  lint.py --format    clang-format, nothing changed
  lint.py --tidy      clang-tidy over build/release (built, as some headers are generated); what
                      passed is remembered
  lint.py --tidy-product  the same without the tests, for `make test`
  lint.py --all       the three
  lint.py --reformat  runs clang-format in place
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CODE = {".h", ".c", ".cpp"}
TEXT = CODE | {".py", ".cmake", ".txt", ".md", ".json", ".in", ".conv", ".td", ""}
MAX_LINES = 400

# What each room may include, by the first folders of the path; its own folder is implied. Rooms not
# named here (tests, bench, examples) may include everything.
ROOMS = {
    "dsl": [],
    "generators/plan": ["dsl"],
    "generators/kernels": ["dsl", "generators/plan"],
    "generators/emit": ["dsl", "generators/plan", "generators/kernels", "convc"],
    "generators/driver": ["dsl", "generators/plan", "generators/kernels", "generators/emit", "convc"],
    "runtime": ["convc"],
}
HALIDE_ROOMS = ("generators/kernels", "generators/emit", "tests")
# Halide numbers dimensions innermost first, our text outermost first: one header converts.
DIMENSION_HEADER = "generators/kernels/dims.h"

# Addresses a reader may need; any other (registries, mirrors) has no place in the repository.
KNOWN_ADDRESSES = re.compile(
    r"https?://(www\.apache\.org|keras\.io|halide-lang\.org|keepachangelog\.com|semver\.org|"
    r"json-schema\.org|localhost)\b")
ADDRESS = re.compile(r"https?://[^\s)>\"']+")
MACHINE_PATH = re.compile(r"(?<![\w.$}/])/(?:work|root|home|tmp)/[\w.]")
UNOWNED_TASK = re.compile(r"\b(?:TO[D]O|FIX[M]E|XX[X])\b(?!\(#\d+\))")
NUMBERED_DIMENSION = re.compile(r"\bdim\(\s*\d")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def repository_files():
    """Tracked files and new ones that git does not ignore, as paths relative to the root."""
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for path in sorted(set(listed.split("\0")) - {""}) if (ROOT / path).is_file()]


def is_test_data(path):
    """Inputs of tests break rules on purpose."""
    return path.startswith("tests/") and pathlib.Path(path).suffix not in CODE | {".py", ".cmake"} \
        and pathlib.Path(path).name != "CMakeLists.txt"


def room_of(path):
    return next((room for room in ROOMS if path.startswith(room + "/")), None)


def check_includes(path, lines):
    room = room_of(path)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        if target == "Halide.h" and not path.startswith(HALIDE_ROOMS):
            yield number, f"Halide.h is for {', '.join(HALIDE_ROOMS)} only"
        if target == "HalideRuntime.h" and not path.startswith(("generators/", "tests/")):
            yield number, "HalideRuntime.h is for generators and tests only"
        if room is None:
            continue
        is_ours = target.startswith(("dsl/", "generators/", "runtime/", "tests/", "bench/", "convc/"))
        allowed = [room, *ROOMS[room]]
        if is_ours and not any(target.startswith(folder + "/") for folder in allowed):
            yield number, f"{room} must not include {target}; it may use {', '.join(allowed)}"


def check_lines(path, lines):
    code = pathlib.Path(path).suffix in CODE
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "trailing white space"
        if "\t" in line and path != "Makefile":
            yield number, "tab"
        for address in ADDRESS.findall(line):
            if not KNOWN_ADDRESSES.match(address):
                yield number, f"address not in tools/lint.py's list: {address}"
        if MACHINE_PATH.search(line):
            yield number, "path of one machine"
        if UNOWNED_TASK.search(line):
            yield number, "open task without an issue number, as in (#12)"
        if code and path != DIMENSION_HEADER and NUMBERED_DIMENSION.search(line):
            yield number, f"a dimension by number; name it through {DIMENSION_HEADER}"


def check_listed(path):
    """Every source is named in a CMake list of its folder or one above."""
    folder = (ROOT / path).parent
    while True:
        listing = folder / "CMakeLists.txt"
        relative = re.escape(os.path.relpath(ROOT / path, folder))
        if listing.exists() and re.search(rf"(?<![\w./-]){relative}(?![\w.])", listing.read_text()):
            return True
        if folder == ROOT:
            return False
        folder = folder.parent


def check_rules(files):
    """Yields (path, line, message)."""
    for path in files:
        suffix = pathlib.Path(path).suffix
        if suffix not in TEXT or is_test_data(path) or path == "LICENSE":
            continue
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            yield path, 1, "not UTF-8"
            continue
        lines = text.splitlines()
        if text and not text.endswith("\n"):
            yield path, len(lines), "no newline at the end"
        if suffix not in {".md", ".conv", ".json"} and len(lines) > MAX_LINES:
            yield path, len(lines), f"{len(lines)} lines; at most {MAX_LINES}"
        found = list(check_lines(path, lines))
        if suffix in CODE:
            found += check_includes(path, lines)
            if suffix != ".h" and not check_listed(path):
                found.append((1, "not listed in a CMakeLists.txt of its folder or one above"))
        for number, message in sorted(found):
            yield path, number, message


def run_rules():
    broken = list(check_rules(repository_files()))
    for path, number, message in broken:
        print(f"{path}:{number}: {message}")
    return not broken


def run_format(in_place):
    sources = [path for path in repository_files() if pathlib.Path(path).suffix in CODE]
    mode = ["-i"] if in_place else ["--dry-run", "-Werror"]
    return subprocess.run(["clang-format-14", *mode, *sources], cwd=ROOT).returncode == 0


def commands_by_source():
    """build/release compiles several sources at a time; this gives the command of each alone."""
    commands = {}
    for entry in json.loads((ROOT / "build/release/compile_commands.json").read_text()):
        file = pathlib.Path(entry["file"])
        sources = [entry["file"]]
        if file.parent.name == "Unity":
            sources = re.findall(r'^#include "(.+)"$', file.read_text(), re.MULTILINE)
        for source in sources:
            command = entry["command"].replace(entry["file"], source)
            commands[os.path.relpath(source, ROOT)] = {**entry, "file": source, "command": command}
    return commands


def tidy_one(source, arguments, stamp):
    result = subprocess.run(["clang-tidy-14", "--quiet", "-p", "build/tidy", *arguments, source],
                            cwd=ROOT, capture_output=True, text=True)
    if result.returncode == 0:
        stamp.touch()
        return ""
    return f"{source}: clang-tidy\n{result.stdout}{result.stderr}"


def run_tidy(with_tests):
    """A source is checked again when it, any header of ours, or the list of checks changed."""
    commands = commands_by_source()
    files = repository_files()
    shared = hashlib.sha256()
    for path in [".clang-tidy", *(path for path in files if path.endswith(".h"))]:
        shared.update((ROOT / path).read_bytes())
    stamps = ROOT / "build/tidy"
    stamps.mkdir(parents=True, exist_ok=True)
    (stamps / "compile_commands.json").write_text(json.dumps(list(commands.values())))
    # GCC's headers and warnings, Clang's front end: warnings that only GCC knows are not errors.
    arguments = ["--extra-arg=-Wno-unknown-warning-option"]
    jobs = {}
    for source, entry in commands.items():
        if source not in files or (source.startswith("tests/") and not with_tests):
            continue
        key = shared.copy()
        key.update((ROOT / source).read_bytes())
        key.update(entry["command"].encode())
        stamp = stamps / f"{key.hexdigest()[:24]}"
        if not stamp.exists():
            jobs[source] = stamp
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        reports = [report for report in pool.map(lambda job: tidy_one(job[0], arguments, job[1]),
                                                 jobs.items()) if report]
    print(f"clang-tidy: {len(jobs)} of {len(commands)} sources checked, the others passed before")
    for report in reports:
        print(report)
    return not reports


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--rules", "--format", "--tidy", "--tidy-product", "--all", "--reformat"):
        parser.add_argument(flag, action="store_true")
    chosen = parser.parse_args()
    if not any(vars(chosen).values()):
        parser.error("say what to check")
    good = True
    if chosen.reformat:
        good &= run_format(in_place=True)
    if chosen.rules or chosen.all:
        good &= run_rules()
    if chosen.format or chosen.all:
        good &= run_format(in_place=False)
    if chosen.tidy or chosen.tidy_product or chosen.all:
        good &= run_tidy(with_tests=not chosen.tidy_product)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
