"""convc compile: files, reproducibility, the cache, and every way in which writing can fail."""

import json
import os
import resource
import signal
import subprocess
import time

from cli import CONVC, EDGES, SMALL, TEXTBOOK, CliTest, main

FILES = ["{}.h", "{}.json", "lib{}.a"]


class Compile(CliTest):
    def outputs(self, directory, name):
        """The bytes of the three files, which must be all there is."""
        names = sorted(pattern.format(name) for pattern in FILES)
        self.assertEqual(sorted(os.listdir(self.path(directory))), names)
        return {file: self.read(os.path.join(directory, file), "rb") for file in names}

    def test_three_files_and_silence(self):
        self.write("net.conv", TEXTBOOK + EDGES)
        result = self.check(0, "compile", "net.conv", "-o", "deep/out", "--target", "avx512,avx2")
        self.assertEqual((result.out, result.err), ("", ""))
        files = self.outputs("deep/out", "net")
        self.assertIn(b"net_textbook_run", files["net.h"])
        self.assertIn(b"net_vertical_run", files["net.h"])
        self.assertTrue(files["libnet.a"].startswith(b"!<arch>\n"))
        json.loads(files["net.json"])

    def steps(self, *options):
        """The steps of the only kernel, and the manifest's words on the whole."""
        self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2", *options)
        variant = json.loads(self.read("out/net.json"))["kernels"][0]["variants"][0]
        return variant["steps"], variant

    def test_bytes_of_each_step_and_a_limit_of_its_workspace(self):
        self.write("net.conv", 'Conv2D(64, 3, padding="same", input_shape=(28, 28, 64), name="a")\n')
        (step,), variant = self.steps()
        self.assertIn("winograd", step["plan"])
        self.assertGreater(step["code_bytes"], 0)
        header = 64
        self.assertEqual(step["packed_bytes"] + header, variant["packed_bytes"])
        self.assertEqual(step["workspace_bytes"]["one_thread"],
                         variant["workspace_bytes"]["one_thread"])
        self.assertEqual(step["workspace_bytes"]["per_further_thread"],
                         variant["workspace_bytes"]["per_further_thread"])
        limit = step["workspace_bytes"]["one_thread"] - 1
        (limited,), variant = self.steps("--max-workspace", str(limit))
        self.assertNotEqual(limited["plan"], step["plan"])
        self.assertLessEqual(variant["workspace_bytes"]["one_thread"], limit)
        refused = self.check(1, "compile", "net.conv", "-o", "none", "--max-workspace", "0")
        self.assertIn("more than --max-workspace", refused.err)
        self.assertFalse(os.path.exists(self.path("none")))

    def test_name_and_depfile(self):
        self.write("one.conv", EDGES)
        self.write("two words.conv", SMALL)
        self.check(0, "compile", "one.conv", "two words.conv", "--name", "both", "-o", "out",
                   "--depfile", "out/both.d", "--target", "avx2")
        rule = self.read("out/both.d")
        self.assertIn("out/libboth.a", rule.split(":")[0])
        self.assertIn("one.conv", rule.split(":")[1])
        self.assertIn(r"two\ words.conv", rule.split(":")[1])

    def test_a_plan_file_is_a_dependency(self):
        self.write("one.conv", EDGES)
        self.write("my.plan", self.check(0, "plan", "one.conv", "--target", "avx2").out)
        self.check(0, "compile", "one.conv", "-o", "out", "--schedule", "my.plan", "--target", "avx2",
                   "--depfile", "one.d")
        self.assertIn("my.plan", self.read("one.d"))

    def test_the_same_bytes_whatever_jobs_and_cache(self):
        self.write("net.conv", TEXTBOOK)
        first = None
        for number, options in enumerate([["--no-cache", "-j1"], ["--no-cache", "-j", "4"],
                                          ["--cache", "c"], ["--cache", "c"]]):
            self.check(0, "compile", "net.conv", "-o", f"out{number}", "--target", "avx2", *options)
            files = self.outputs(f"out{number}", "net")
            first = first or files
            self.assertEqual(files, first, options)

    def test_a_damaged_cache_is_compiled_again(self):
        self.write("net.conv", EDGES)
        self.check(0, "compile", "net.conv", "-o", "a", "--target", "avx2", "--cache", "c")
        damaged = 0
        for directory, _, files in os.walk(self.path("c")):
            for file in files:
                path = os.path.join(directory, file)
                with open(path, "rb") as entry:
                    content = entry.read()
                with open(path, "wb") as entry:
                    entry.write(content[: len(content) // 2] + b"\0" * 10)
                damaged += 1
        self.assertGreater(damaged, 0)
        self.check(0, "compile", "net.conv", "-o", "b", "--target", "avx2", "--cache", "c")
        self.assertEqual(self.outputs("a", "net"), self.outputs("b", "net"))

    def test_a_cache_that_cannot_be_written_is_no_error(self):
        self.write("net.conv", EDGES)
        self.write("file", "")
        self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2", "--cache", "file/cache")
        self.outputs("out", "net")

    def test_a_remark_about_a_layer_does_not_locate_what_comes_after_it(self):
        self.write("net.conv", "Conv2D(2, 3, groups=2, padding='same', input_shape=(56, 56, 4), name='slow')\n")
        self.write("file", "")
        result = self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2", "--cache", "file/cache")
        self.assertIn("net.conv:1:1: performance: ", result.err)
        self.assertIn("convc: warning: ", result.err)

    def test_the_phases_of_a_transposed_layer_remark_the_same_thing_once(self):
        self.write("up.conv", 'Conv2DTranspose(6, 4, strides=2, input_shape=(5, 6, 3), name="up")\n')
        remarks = [line for line in self.check(0, "summary", "up.conv", "--target", "avx512").err.splitlines()
                   if ": performance: " in line]
        self.assertGreaterEqual(len(remarks), 1)
        self.assertEqual(len(remarks), len(set(remarks)))

    def test_code_for_another_machine(self):
        self.write("net.conv", EDGES)
        self.check(0, "compile", "net.conv", "-o", "out", "--target", "arm-64-linux")
        self.outputs("out", "net")

    def test_a_directory_that_cannot_be_written(self):
        self.write("net.conv", EDGES)
        self.write("file", "")
        for directory in ("file", "file/out", "/proc/convc"):
            with self.subTest(directory=directory):
                result = self.check(4, "compile", "net.conv", "-o", directory, "--target", "avx2")
                self.assertIn(directory, result.err)
        result = self.check(4, "compile", "net.conv", "-o", "out", "--depfile", "file/net.d",
                            "--target", "avx2")
        self.assertFalse(os.path.exists(self.path("out/libnet.a")), "half of the outputs is there")

    def test_a_full_disk_leaves_what_was_there(self):
        self.write("net.conv", EDGES)
        self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2")
        before = self.outputs("out", "net")

        def files_of_one_kilobyte():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

        result = self.check(4, "compile", "net.conv", "-o", "out", "--target", "avx2", "--schedule",
                            "naive", "--no-cache", preexec_fn=files_of_one_kilobyte)
        self.assertIn("File too large", result.err)
        self.assertEqual(self.outputs("out", "net"), before)

    def test_wrong_input_writes_nothing(self):
        self.write("bad.conv", EDGES + "Conv2D(0, 3, input_shape=(5, 5, 1))\n")
        self.check(1, "compile", "bad.conv", "-o", "out")
        self.assertFalse(os.path.exists(self.path("out")))


def processes_of_session(session):
    """Living processes (no zombies) of a session."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if fields[0] != "Z" and int(fields[3]) == session:
            found.append(int(entry))
    return found


class Interrupt(CliTest):
    def interrupt(self, whole_group):
        layers = "".join(f'Conv2D({i + 1}, 3, input_shape=(32, 32, 8), name="l{i}")\n'
                         for i in range(200))
        self.write("many.conv", layers)
        process = subprocess.Popen(
            [CONVC, "compile", "many.conv", "-o", "out", "-j2", "--no-cache"], cwd=self.directory,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment(),
            start_new_session=True)
        deadline = time.monotonic() + 60
        while len(processes_of_session(process.pid)) < 2:  # until workers compile
            self.assertIsNone(process.poll(), "it ended before it could be interrupted")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        else:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(out, b"")
        self.assertNotIn(b"internal error", err)
        self.assertEqual(processes_of_session(process.pid), [])
        self.assertEqual(os.listdir(self.directory), ["many.conv"])

    def test_interrupted_from_the_terminal(self):
        self.interrupt(whole_group=True)

    def test_interrupted_alone(self):
        self.interrupt(whole_group=False)


if __name__ == "__main__":
    main()
