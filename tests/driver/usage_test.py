"""Options, help, exit codes, and what goes to which stream."""

import os
import signal
import subprocess

from cli import CONVC, EDGES, SMALL, TEXTBOOK, CliTest, main

VERBS = ["summary", "plan", "compile", "verify", "run", "bench"]


class Usage(CliTest):
    def test_no_arguments_is_a_usage_error_that_shows_the_verbs(self):
        result = self.check(2)
        self.assertEqual(result.out, "")
        for verb in VERBS:
            self.assertIn(f"\n  {verb} ", result.err)

    def test_help_is_an_answer(self):
        for arguments in (["--help"], ["-h"], ["help"]):
            result = self.check(0, *arguments)
            self.assertEqual(result.err, "")
            self.assertIn("Exit codes", result.out)

    def test_each_verb_has_help_with_its_options(self):
        common = ["--target", "--schedule", "--name", "--dim", "--help"]
        own = {
            "summary": ["--format"],
            "plan": ["--format", "--layer"],
            "compile": ["-o <dir>", "--depfile", "-j <n>", "--cache", "--no-cache"],
            "verify": ["--threads", "--seed", "--layer", "--format", "--cache"],
            "run": ["--input", "--output", "--weights", "--kernel", "--bias", "--layer"],
            "bench": ["--filter", "--min-time", "--rounds", "--threads", "--format"],
        }
        for verb in VERBS:
            for arguments in ([verb, "--help"], ["help", verb], [verb, "-h", "--nonsense"]):
                result = self.check(0, *arguments)
                self.assertEqual(result.err, "")
                for option in common + own[verb]:
                    self.assertIn(option, result.out)
        self.assertNotIn("--depfile", self.check(0, "plan", "--help").out)

    def test_version(self):
        for arguments in (["--version"], ["compile", "--version"]):
            result = self.check(0, *arguments)
            self.assertRegex(result.out, r"^convc \d+\.\d+\.\d+ .*\nHalide 21\.0\.0\nLLVM 19\.")

    def test_wrong_usage_is_told_with_the_nearest_right_one(self):
        spec = self.write("a.conv", SMALL)
        for arguments, message in [
            (["sumary", spec], "unknown verb `sumary`; did you mean `summary`?"),
            (["frobnicate", spec], "unknown verb `frobnicate`"),
            (["tune", spec], "`convc tune` is not supported yet"),
            (["report", spec], "`convc report` is not supported yet"),
            (["--target", "avx2"], "unknown option `--target` before the verb"),
            (["compile", spec, "--tarqet=avx2"],
             "unknown option `--tarqet=avx2` for `convc compile`; did you mean `--target`?"),
            (["compile", spec, "--tarqet", "avx2"], "did you mean `--target`?"),
            (["plan", spec, "--depfile", "x"],
             "unknown option `--depfile` for `convc plan`: only other verbs have it"),
            (["plan", spec, "-o", "x"], "unknown option `-o` for `convc plan`"),
            (["plan", spec, "--help=yes"], "unknown option `--help=yes`"),
            (["plan"], "no input file"),
            (["plan", spec, "--dim", "N=1"], "`--dim` is for ONNX models"),
            (["plan", "a.onnx", "--dim", "N"], "is `N`; it takes NAME=NUMBER or NAME=MIN:MAX"),
            (["plan", "a.onnx", "--dim", "=1"], "it takes NAME=NUMBER or NAME=MIN:MAX"),
            (["plan", "a.onnx", "--dim", "N=0"], "takes a number from 1 to 2147483647"),
            (["plan", "a.onnx", "--dim", "N=1:2:3"], "option `--dim` is `2:3`"),
            (["plan", "a.onnx", "--dim", "N=4:2"], "the least size comes first"),
            (["plan", "a.onnx", "--dim", "N=4", "--dim=N=4"], "has `N` twice"),
            (["plan", "a.conv", "--algorithms", "direct,winograd,direct"], "has `direct` twice"),
            (["plan", spec, "--target"], "option `--target` needs a value"),
            (["plan", spec, "--target", ","], "option `--target` has an empty item"),
            (["plan", spec, "--format", "xml"],
             "option `--format` is `xml`; known: console, json"),
            (["compile", spec], "`-o DIR` is missing"),
            (["compile", spec, "-o"], "option `-o` needs a value"),
            (["compile", spec, "-o", "x", "-j", "0"],
             "option `-j` is `0`; it takes a number from 1 to 4096"),
            (["compile", spec, "-o", "x", "-j", "many"], "option `-j` is `many`"),
            (["compile", spec, "-o", "x", "--cache", "c", "--no-cache"], "exclude each other"),
            (["compile", spec, "-o", "x", "--schedule", "auto,naive"], "takes one schedule here"),
            (["verify", spec, "--threads", "1,,2"], "option `--threads` is ``"),
            (["verify", spec, "--threads", "257"], "a number from 1 to 256"),
            (["verify", spec, "--seed", "-1"], "option `--seed` is `-1`"),
            (["bench", spec, "--rounds", "4"], "a number from 5 to"),
            (["bench", spec, "--min-time", "fast"], "option `--min-time` is `fast`"),
            (["bench", spec, "--filter", "("], "--filter `(`"),
            (["summary", spec, "--target", "avx2,avx512"], "summary takes one target"),
            (["run", spec], "`--input x.npy` is missing"),
            (["run", spec, "--input", "x"], "`--output y.npy` is missing"),
            (["run", spec, spec, "--input", "x", "--output", "y"], "run takes one input file"),
            (["run", spec, "--input", "x", "--output", "y", "--weights", "d", "--kernel", "k"],
             "exclude each other"),
        ]:
            with self.subTest(arguments=arguments):
                result = self.check(2, *arguments)
                self.assertIn(message, result.err)
                self.assertEqual(result.out, "")

    def test_a_repeated_option_is_the_last_one_and_lists_add_up(self):
        spec = self.write("a.conv", SMALL)
        result = self.check(0, "plan", spec, "--format", "json", "--format=console", "--target",
                            "avx2", "--target=avx512")
        self.assertIn("\nsmall avx2: ", result.out)
        self.assertIn("\nsmall avx512: ", result.out)

    def test_after_two_dashes_everything_is_a_file(self):
        self.write("-o", SMALL)
        self.assertIn("small", self.check(0, "summary", "--name", "x", "--", "-o").out)

    def test_targets(self):
        spec = self.write("a.conv", SMALL)
        for target, message in [
            ("pdp11", "`pdp11` is not a Halide target string"),
            ("x86-64-linux-avx9000", "not a Halide target string"),
            ("x86-64-linux-cuda", "`cuda` is not supported yet"),
            ("wasm-32-wasmrt", "is not supported yet"),
            ("avx2,avx2", "has `avx2` twice"),
            ("avx2,x86-64-linux-avx-avx2-f16c-fma-sse41", "are both the variant `avx2`"),
        ]:
            with self.subTest(target=target):
                self.assertIn(message, self.check(2, "plan", spec, "--target", target).err)

    def test_a_target_that_cannot_run_here(self):
        spec = self.write("a.conv", SMALL)
        self.check(0, "plan", spec, "--target", "arm-64-linux")
        for verb in (["verify"], ["bench"], ["run", "--input", "x", "--output", "y"]):
            result = self.check(4, *verb, spec, "--target", "arm-64-linux")
            self.assertIn("cannot run on this machine", result.err)
            self.assertIn("`convc compile` can make code for it", result.err)

    def test_summary_and_plan_say_nothing_on_stderr(self):
        spec = self.write("a.conv", TEXTBOOK)
        for verb in ("summary", "plan"):
            self.assertEqual(self.check(0, verb, spec, "--target", "avx2").err, "")


class Streams(CliTest):
    def test_a_reader_that_leaves_is_no_error(self):
        # Larger than a pipe holds.
        layers = "".join(SMALL.replace("small", f"layer{i}") for i in range(1000))
        spec = self.write("a.conv", layers)
        for restore_signals in (True, False):  # SIGPIPE as shells have it, and ignored
            with self.subTest(restore_signals=restore_signals):
                process = subprocess.Popen(
                    [CONVC, "plan", spec], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env=self.environment(), restore_signals=restore_signals)
                process.stdout.readline()
                process.stdout.close()
                error = process.stderr.read()
                process.stderr.close()
                self.assertIn(process.wait(), (0, -signal.SIGPIPE))
                self.assertEqual(error, b"")

    def test_a_full_disk_behind_stdout_is_an_error(self):
        spec = self.write("a.conv", EDGES)
        for arguments in (["summary", spec], ["plan", spec], ["--help"], ["--version"]):
            with open("/dev/full", "w") as full:
                process = subprocess.run([CONVC, *arguments], stdout=full, stderr=subprocess.PIPE,
                                         text=True, env=self.environment(), check=False)
            self.assertEqual(process.returncode, 4, process.stderr)
            self.assertIn("No space left on device", process.stderr)

    def test_no_colours_and_no_progress_in_a_pipe(self):
        spec = self.write("a.conv", "Conv2D(0, 3, input_shape=(5, 5, 1))\n")
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        process = subprocess.run([CONVC, "summary", spec], capture_output=True, check=False,
                                 env={**environment, "TERM": "xterm-256color"})
        self.assertEqual(process.returncode, 1)
        self.assertNotIn(b"\x1b", process.stdout + process.stderr)


if __name__ == "__main__":
    main()
