"""convc verify, run and bench: the verbs that execute what they compile."""

import json
import math
import os
import re
import signal
import subprocess

from cli import CONVC, EDGES, SMALL, TEXTBOOK, CliTest, main, npy, read_npy

IMAGE = [float((7 * i * i + 3 * i) % 11) for i in range(25)]


def vertical_edges(image):
    """The 3x3 filter 1 0 -1 on a 5x5 image, by hand."""
    return [sum(image[5 * (y + i) + x] - image[5 * (y + i) + x + 2] for i in range(3))
            for y in range(3) for x in range(3)]


class Verify(CliTest):
    def test_all_kernels_pass(self):
        self.write("net.conv", TEXTBOOK + EDGES + SMALL)
        # Plain sums of small integers are exact; winograd's, which fast takes, are within their bound.
        self.check(0, "verify", "net.conv")
        result = self.check(0, "verify", "net.conv", "--accuracy", "strict")
        self.assertEqual(result.err, "")
        self.assertIn("3 kernels: 3 passed, 0 failed, 0 mistrusted", result.out)
        for name in ("textbook", "vertical", "small"):
            self.assertRegex(result.out, rf"\n{name} .* yes +passed\n")

    def test_json_and_one_layer(self):
        self.write("net.conv", EDGES + SMALL)
        document = json.loads(self.check(
            0, "verify", "net.conv", "--layer", "small", "--format", "json", "--seed", "7",
            "--threads", "2,1,5").out)
        self.assertEqual(document["seed"], 7)
        self.assertEqual([k["kernel"] for k in document["kernels"]], ["small"])
        kernel = document["kernels"][0]
        self.assertEqual(kernel["verdict"], "passed")
        data = {entry["kind"]: entry for entry in kernel["data"]}
        self.assertEqual(set(data), {"integers", "reals", "extremes"})
        self.assertTrue(data["integers"]["exact"])
        self.assertEqual(data["integers"]["max_abs_error"], 0)
        self.assertLessEqual(data["reals"]["max_error_over_bound"], 1)

    def test_other_schedules(self):
        self.write("net.conv", SMALL)
        self.check(0, "verify", "net.conv", "--schedule", "naive")
        self.write("my.plan", self.check(0, "plan", "net.conv").out)
        self.check(0, "verify", "net.conv", "--schedule", "my.plan")

    def test_split_sums_and_picked_pixels_do_not_depend_on_the_number_of_threads(self):
        self.write("net.conv", """\
Conv2D(40, 3, padding="same", activation="gelu", input_shape=(9, 7, 60), name="split")
Conv2D(40, 1, strides=2, activation="gelu", input_shape=(33, 31, 24), name="picked")
""")
        algorithms = {"split": "split_channels", "picked": "subsampled"}
        plans = "".join(self.check(0, "plan", "net.conv", "--target", "host", "--layer", layer,
                                   "--algorithms", algorithm).out
                        for layer, algorithm in algorithms.items())
        # Tasks so small that each thread has several, and the last ones are cut.
        self.write("tasks.plan", re.sub(r"row_block=\d+ column_block=0 panel_block=\d+",
                                        "row_block=2 column_block=0 panel_block=1", plans))
        document = json.loads(self.check(0, "verify", "net.conv", "--schedule", "tasks.plan",
                                         "--threads", "1,2,3,4", "--format", "json").out)
        self.assertEqual({k["kernel"]: (k["algorithm"], k["verdict"]) for k in document["kernels"]},
                         {layer: (name, "passed") for layer, name in algorithms.items()})

    def test_an_unknown_layer(self):
        self.write("net.conv", SMALL)
        self.assertIn("there is no `big` in net.conv", self.check(1, "verify", "net.conv", "--layer", "big").err)

    def test_outputs_that_are_all_zero_are_mistrusted(self):
        self.write("net.conv", "Conv2D(1, 1, kernel=[[-1]], bias=[-300], activation='relu', "
                               "input_shape=(5, 5, 1), name='dead')\n")
        result = self.check(3, "verify", "net.conv")
        self.assertIn("MISTRUSTED", result.out)
        self.assertIn("net.conv:1:1: error: ", result.err)
        self.assertIn("repeat with: convc verify net.conv --layer dead --target ", result.err)


class Run(CliTest):
    def write_edges(self):
        self.write("edge.conv", EDGES)
        self.write("x.npy", npy((5, 5, 1), IMAGE))
        return ["run", "edge.conv", "--input", "x.npy", "--output", "y.npy"]

    def test_the_textbook_image_with_and_without_batch_axis(self):
        command = self.write_edges()
        self.assertEqual(self.check(0, *command).err, "")
        self.assertEqual(read_npy(self.read("y.npy", "rb")), ((3, 3, 1), vertical_edges(IMAGE)))
        self.write("x.npy", npy((1, 5, 5, 1), IMAGE))
        self.check(0, *command, "--threads", "2")
        self.assertEqual(read_npy(self.read("y.npy", "rb")), ((1, 3, 3, 1), vertical_edges(IMAGE)))

    def test_other_number_types_and_orders_are_converted(self):
        command = self.write_edges()
        self.write("x.npy", npy((5, 5, 1), [int(v) for v in IMAGE], "|u1", code="B"))
        self.check(0, *command)
        self.assertEqual(read_npy(self.read("y.npy", "rb"))[1], vertical_edges(IMAGE))
        columns = [IMAGE[5 * y + x] for x in range(5) for y in range(5)]
        self.write("x.npy", npy((5, 5, 1), columns, "<f8", True, "d"))
        self.check(0, *command)
        self.assertEqual(read_npy(self.read("y.npy", "rb"))[1], vertical_edges(IMAGE))

    def test_weights_of_a_single_layer(self):
        self.write("one.conv", "Conv2D(2, 1, input_shape=(1, 2, 3), name='mix')\n")
        self.write("x.npy", npy((1, 2, 3), [1, 2, 3, 4, 5, 6]))
        kernel, bias = npy((1, 1, 3, 2), [1, 10, 2, 20, 3, 30]), npy((2,), [0.5, -0.5])
        self.write("k.npy", kernel)
        self.write("b.npy", bias)
        expected = ((1, 2, 2), [14.5, 139.5, 32.5, 319.5])
        command = ["run", "one.conv", "--input", "x.npy", "--output", "y.npy"]
        self.check(0, *command, "--kernel", "k.npy", "--bias", "b.npy")
        self.assertEqual(read_npy(self.read("y.npy", "rb")), expected)
        os.mkdir(self.path("w"))
        self.write("w/mix.kernel.npy", kernel)
        self.write("w/mix.bias.npy", bias)
        self.check(0, *command, "--weights", "w")
        self.assertEqual(read_npy(self.read("y.npy", "rb")), expected)

        for options, message in [
            ([], "--kernel: error: `mix` needs its kernel, (1, 1, 3, 2)\n"),
            (["--kernel", "k.npy"], "--bias: error: `mix` needs its bias, (2,)\n"),
            (["--kernel", "b.npy", "--bias", "b.npy"],
             "b.npy: error: kernel of layer `mix` has shape (2,), expected (1, 1, 3, 2)"),
            (["--weights", "absent"], "absent/mix.bias.npy: error: cannot read this file: No such file"),
        ]:
            error = self.check(1, *command, *options).err
            self.assertIn(message, error)
            self.assertEqual(error.count("error: "), error.count("      = help: "))

    def test_weights_of_a_network(self):
        self.write("net.conv", "Sequential(name='net', layers=[Input(shape=(1, 1, 1)),\n"
                               "  Conv2D(1, 1, name='a'), Conv2D(1, 1, use_bias=False, name='b')])\n")
        self.write("x.npy", npy((1, 1, 1), [3]))
        os.mkdir(self.path("w"))
        self.write("w/a.kernel.npy", npy((1, 1, 1, 1), [5]))
        self.write("w/a.bias.npy", npy((1,), [2]))
        self.write("w/b.kernel.npy", npy((1, 1, 1, 1), [-2]))
        command = ["run", "net.conv", "--input", "x.npy", "--output", "y.npy"]
        self.check(0, *command, "--weights", "w")
        self.assertEqual(read_npy(self.read("y.npy", "rb")), ((1, 1, 1), [-34]))
        self.assertIn("`net` has more than a kernel and a bias: its numbers come from --weights DIR",
                      self.check(1, *command, "--kernel", "w/a.kernel.npy").err)

    def test_weights_that_are_not_finite_or_no_variances(self):
        self.write("net.conv", "Sequential(name='net', layers=[Input(shape=(1, 1, 2)),\n"
                               "  ReLU(), BatchNormalization(name='bn')])\n")
        self.write("x.npy", npy((1, 1, 2), [3, 4]))
        os.mkdir(self.path("w"))
        for name in ["gamma", "beta", "moving_mean", "moving_variance"]:
            self.write(f"w/bn.{name}.npy", npy((2,), [1, 1]))
        self.write("w/bn.beta.npy", npy((2,), [float("nan"), 0]))
        command = ["run", "net.conv", "--input", "x.npy", "--output", "y.npy", "--weights", "w"]
        self.assertEqual(
            self.check(0, *command).err,
            "w/bn.beta.npy: warning: beta of layer `bn` has 1 number that is not finite [W003]\n"
            "      = note: what they are multiplied with becomes infinite or no number at all\n"
            "      = help: if that is not meant, look where the numbers were made\n")
        self.write("w/bn.moving_variance.npy", npy((2,), [1, -0.5]))
        self.write("w/bn.beta.npy", npy((3,), [0, 0, 0]))
        self.assertEqual(
            self.check(1, *command).err,
            "w/bn.beta.npy: error: beta of layer `bn` has shape (3,), expected (2,)\n"
            "      = help: its axes: channels\n"
            "w/bn.moving_variance.npy: error: moving_variance of layer `bn` has a negative "
            "number, -0.5, for channel 1 [E055]\n"
            "      = note: a variance is a mean of squares\n"
            "      = help: give variances of 0 or more; of standard deviations s, give s * s\n")

    def test_wrong_arrays(self):
        command = self.write_edges()
        good = npy((5, 5, 1), IMAGE)
        for content, message in [
            (npy((5, 5), IMAGE), "x.npy: error: the input of `vertical` has shape (5, 5), expected (1, 5, 5, 1)"),
            (npy((2, 5, 5, 1), IMAGE * 2), "shape (2, 5, 5, 1), expected (1, 5, 5, 1)"),
            (npy((5, 5, 1), IMAGE, "<c8"), "x.npy: error: element type `<c8` is not supported"),
            (good[:-4], "x.npy: error: truncated: shape (5, 5, 1) of `<f4` needs 100 bytes, the file has 96"),
            (good[:20], "x.npy: error: truncated"),
            (b"P5 5 5 255 ", "x.npy: error: not an .npy file"),
        ]:
            with self.subTest(message=message):
                self.write("x.npy", content)
                error = self.check(1, *command).err
                self.assertIn(message, error)
                self.assertIn("      = help: ", error)
        os.remove(self.path("x.npy"))
        self.assertIn("x.npy: error: cannot read this file: No such file", self.check(1, *command).err)
        self.assertFalse(os.path.exists(self.path("y.npy")))

    def test_an_output_that_cannot_be_written(self):
        command = self.write_edges()
        self.write("file", "")
        result = self.check(4, *command[:-1], "file/y.npy")
        self.assertIn("cannot write `file/y.npy`: Not a directory", result.err)
        self.check(0, *command[:-1], "new/y.npy")
        self.assertEqual(os.listdir(self.path("new")), ["y.npy"])

    def test_which_layer(self):
        self.write("two.conv", EDGES + SMALL)
        self.write("x.npy", npy((5, 5, 1), IMAGE))
        command = ["run", "two.conv", "--input", "x.npy", "--output", "y.npy"]
        self.assertIn("`--layer N` says which to run", self.check(2, *command).err)
        self.check(0, *command, "--layer", "vertical")
        self.assertIn("`vertical` takes no --kernel or --bias",
                      self.check(1, *command, "--layer", "vertical", "--kernel", "x.npy").err)


def iter_until(stream, text):
    """The first line of a stream that holds `text`; empty when it ends before."""
    return next((line for line in stream if text in line), b"")


class Bench(CliTest):
    QUICK = ["--min-time", "0.01", "--rounds", "5"]

    def test_json_is_google_benchmarks(self):
        self.write("net.conv", SMALL + EDGES)
        result = self.check(0, "bench", "net.conv", "--format", "json", "--threads", "1,2",
                            "--schedule", "auto,naive", "--filter", "small", *self.QUICK)
        document = json.loads(result.out)
        names = [b["name"] for b in document["benchmarks"]]
        self.assertEqual(len(names), 4)
        for benchmark, (schedule, threads) in zip(
                document["benchmarks"],
                [("auto", 1), ("auto", 2), ("naive", 1), ("naive", 2)]):
            self.assertTrue(benchmark["name"].startswith(f"net/small/{schedule}/threads:{threads}"), names)
            # How large they are depends on what else the machine does.
            for counter in ("median_ms", "gflops", "peak_fraction", "roofline_fraction", "bytes_per_second"):
                self.assertGreater(benchmark[counter], 0)
                self.assertTrue(math.isfinite(benchmark[counter]), benchmark)
            self.assertIn("naive" if schedule == "naive" else "L1", benchmark["label"])
        self.assertEqual(document["context"]["executable"], "convc")
        for key in ("fma_peak_gflops", "bandwidth_L1_gbytes", "bandwidth_memory_gbytes"):
            self.assertGreater(float(document["context"][key]), 0)
        self.assertEqual(document["context"]["accuracy"], "fast")
        self.assertNotEqual(document["context"]["processor"], "")

    def test_console(self):
        self.write("net.conv", EDGES)
        out = self.check(0, "bench", "net.conv", *self.QUICK).out
        self.assertRegex(out, r"net/vertical/auto/threads:1\S* .*peak_fraction=")

    def test_interrupted_while_it_measures(self):
        self.write("net.conv", EDGES)
        process = subprocess.Popen(
            [CONVC, "bench", "net.conv", "--min-time", "100"], cwd=self.directory,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.environment())
        self.assertIn(b"fma_peak_gflops", iter_until(process.stderr, b"fma_peak_gflops"))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertNotIn(b"internal error", err)

    def test_filters(self):
        self.write("net.conv", SMALL + EDGES)
        self.assertIn("matches no benchmark", self.check(2, "bench", "net.conv", "--filter", "zzz").err)
        out = self.check(0, "bench", "net.conv", "--filter=-small", *self.QUICK).out
        self.assertIn("net/vertical", out)
        self.assertNotIn("net/small", out)

    def test_sizes(self):
        self.write("net.conv", "DepthwiseConv2D(3, input_shape=(Dim(min=8, max=64), None, 8), name='open')\n")
        out = self.check(0, "bench", "net.conv", "--sizes", "16", *self.QUICK).out
        self.assertRegex(out, r"net/open/auto/threads:1/\w+/size:16\S* .*time_over_fixed=")
        err = self.check(2, "bench", "net.conv", "--sizes", "16,65", *self.QUICK).err
        self.assertIn("--sizes 65: `open` has a height from 8 to 64", err)
        self.assertIn("help: ", err)
        self.check(0, "bench", "net.conv", "--sizes", "16,65", "--filter", "size:16", *self.QUICK)


if __name__ == "__main__":
    main()
