"""The installed package as users meet it. Each function below named test_X is the CTest test package.X;
test_install makes the install tree that the others use.
"""
import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time


class Failure(Exception):
    pass


def expect(condition, message):
    if not condition:
        raise Failure(message)


def run(*command, cwd=None, env=None, must_fail=False):
    """Runs a command; returns its output. Its success, or with must_fail its failure, is expected."""
    result = subprocess.run([str(word) for word in command], cwd=cwd, text=True,
                            env={**os.environ, **(env or {})},
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    expect((result.returncode != 0) == must_fail,
           f"{' '.join(map(str, command))}\nended with status {result.returncode}:\n{result.stdout}")
    return result.stdout


def fresh(path):
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Package:
    def __init__(self, options):
        self.source, self.build = options.source, options.build
        self.scratch, self.cmake = options.scratch, options.cmake
        self.c_compiler = options.c_compiler
        self.prefix = options.scratch / "prefix"

    def copy_of_consumer(self, name):
        """The example in a folder of its own, so that its spec can be touched and edited."""
        folder = fresh(self.scratch / name)
        shutil.copytree(self.source / "examples/cmake_consumer", folder / "source")
        return folder / "source", folder / "build"

    def configure(self, source, build, *arguments, must_fail=False):
        return run(self.cmake, "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
                   f"-DCMAKE_C_COMPILER={self.c_compiler}", *arguments, must_fail=must_fail)

    # ---- the tests

    def test_install(self):
        fresh(self.prefix)
        run(self.cmake, "--install", self.build, "--prefix", self.prefix)
        for path in ("bin/convc", "include/convc/convc.h", "lib/libconvc_runtime.a",
                     "lib/libconvc_reference.a", "lib/convc/libHalide.so", "lib/cmake/convc/convcConfig.cmake",
                     "lib/cmake/convc/ConvcAddLibrary.cmake", "lib/pkgconfig/convc.pc",
                     "share/doc/convc/LICENSE"):
            expect((self.prefix / path).exists(), f"{path} is not installed")

    def test_self_contained(self):
        """The tool loads its libraries from beside itself, wherever the tree is put."""
        moved = self.scratch / "moved"
        shutil.rmtree(moved, ignore_errors=True)
        shutil.copytree(self.prefix, moved, symlinks=True)
        system = re.compile(r"^(linux-vdso|ld-linux[\w-]*|lib(c|m|dl|rt|pthread|gcc_s|stdc\+\+))\.so")
        for line in run("ldd", moved / "bin/convc").splitlines():
            name, _, place = line.strip().partition(" => ")
            if system.match(os.path.basename(name.split(" ")[0])):
                continue
            expect(place.startswith(str(moved)), f"not from the install tree: {line.strip()}")
        binary = (moved / "bin/convc").read_bytes()
        expect(str(self.build).encode() not in binary, "bin/convc knows its build directory")
        spec = self.source / "examples/cmake_consumer/textbook.conv"
        run(moved / "bin/convc", "compile", spec, "-o", fresh(self.scratch / "moved_output"))
        run(moved / "bin/convc", "verify", spec)
        shutil.rmtree(moved)

    def check_consumer(self, generator):
        source, build = self.copy_of_consumer("find_package " + generator)
        log = self.configure(source, build, "-G", generator)
        expect("CXX" not in log, f"only C may be enabled:\n{log}")
        run(self.cmake, "--build", build)
        program, archive = build / "textbook_net", build / "convc/textbook/libtextbook.a"
        run(program)

        def rebuild():
            """Which of library and program a build makes anew."""
            before = archive.stat().st_mtime_ns, program.stat().st_mtime_ns
            # Make compares times by the file system's tick.
            time.sleep(0.1)
            run(self.cmake, "--build", build)
            after = archive.stat().st_mtime_ns, program.stat().st_mtime_ns
            return [old != new for old, new in zip(before, after)]

        expect(rebuild() == [False, False], "nothing was touched, yet something was rebuilt")
        (source / "textbook.conv").touch()
        expect(rebuild() == [True, True], "the spec was touched: library and program must be rebuilt")
        expect(rebuild() == [False, False], "the second build after a touch must do nothing")
        tool = self.prefix / "bin/convc"
        tool.touch()
        expect(rebuild()[0], "the compiler is newer: the library must be rebuilt")
        run(program)

        spec = source / "textbook.conv"
        spec.write_text(spec.read_text().replace("kernel=[[1, 0, -1]", "kernel=[[2, 0, -1]"))
        rebuild()
        run(program, must_fail=True)  # It checks its results, which now are others.
        spec.write_text("Conv2D(0, 3, input_shape=(5, 5, 1))\n")
        log = run(self.cmake, "--build", build, must_fail=True)
        expect(re.search(r"textbook\.conv:1:\d+: error", log), f"no diagnostic in:\n{log}")

    def test_find_package_ninja(self):
        self.check_consumer("Ninja")

    def test_find_package_make(self):
        self.check_consumer("Unix Makefiles")

    def test_pkg_config(self):
        folder = fresh(self.scratch / "pkg_config")
        for path in ("tests/package/pkg_config/Makefile", "examples/cmake_consumer/main.c",
                     "examples/cmake_consumer/textbook.conv"):
            shutil.copy(self.source / path, folder)
        environment = {"PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig"), "MAKEFLAGS": ""}
        make = ("make", f"CC={self.c_compiler}")
        run(*make, cwd=folder, env=environment)
        run(folder / "textbook_net")
        log = run(*make, cwd=folder, env=environment)
        expect("up to date" in log, f"nothing was touched, yet:\n{log}")
        (folder / "textbook.conv").touch()
        log = run(*make, cwd=folder, env=environment)
        expect("compile textbook.conv" in log, f"the spec was touched, yet:\n{log}")

    def test_wrong_arguments(self):
        """Each wrong call stops CMake with a sentence."""
        folder = fresh(self.scratch / "wrong arguments")
        (folder / "good.conv").write_text("Conv2D(1, 3, input_shape=(5, 5, 1))\n")
        (folder / "notes.txt").write_text("\n")
        for call, message in {
            "good SPECS good.conv OPTIMIZE fast":
                "unknown arguments: OPTIMIZE. Known are: SPECS, TARGETS, SCHEDULE.",
            "good SPECS good.conv TARGETS host FAST": "unknown arguments: FAST.",
            "good SPECS good.conv SCHEDULE auto naive": "unknown arguments: naive.",
            "good good.conv": "unknown arguments: good.conv.",
            "good": "SPECS is missing",
            "good SPECS": "SPECS has no value",
            "good SPECS good.conv TARGETS": "TARGETS has no value",
            "good SPECS absent.conv": "there is no file",
            "good SPECS notes.txt": "does not end in .conv",
            "good SPECS good.conv SCHEDULE fastest": "neither auto nor naive nor a plan file",
            "my-lib SPECS good.conv": "letters, digits and underscores",
            "taken SPECS good.conv": "already a target",
        }.items():
            (folder / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.20)\nproject(wrong LANGUAGES C)\n"
                "find_package(convc REQUIRED)\nadd_custom_target(taken)\n"
                f"convc_add_library({call})\n")
            log = self.configure(folder, fresh(folder / "build"), must_fail=True)
            expect(message in re.sub(r"\s+", " ", log), f"{call}: no '{message}' in:\n{log}")

    def test_versions(self):
        folder = fresh(self.scratch / "versions")
        for version, found in {"0.1": True, "0.1.0": True, "0.2": False, "1.0": False}.items():
            (folder / "CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.20)\nproject(versions LANGUAGES C)\n"
                f"find_package(convc {version} REQUIRED)\n")
            self.configure(folder, fresh(folder / "build"), must_fail=not found)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("test")
    for path in ("--source", "--build", "--scratch"):
        parser.add_argument(path, type=pathlib.Path, required=True)
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--c-compiler", required=True)
    options = parser.parse_args()
    try:
        getattr(Package(options), "test_" + options.test)()
    except Failure as failure:
        sys.exit(f"package.{options.test}: {failure}")


if __name__ == "__main__":
    main()
