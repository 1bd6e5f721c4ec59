"""The whole family on the command line: run with every kind of layer, several inputs and outputs,
run-time sizes, layouts; what summary and plan say about fused layers; slow paths."""

import json
import math
import os
import re

from cli import CliTest, main, npy, read_npy


class RunCase(CliTest):
    """Helpers: arrays in, arrays out."""

    def arrays(self, **values):
        for name, (shape, numbers) in values.items():
            self.write(f"{name}.npy", npy(shape, numbers))

    def weights(self, values):
        os.makedirs(self.path("w"), exist_ok=True)
        for name, (shape, numbers) in values.items():
            self.write(f"w/{name}.npy", npy(shape, numbers))

    def result(self, name="y"):
        return read_npy(self.read(f"{name}.npy", "rb"))

    def run_spec(self, spec, *options, code=0):
        self.write("net.conv", spec)
        return self.check(code, "run", "net.conv", *options)


X = ["--input", "x.npy", "--output", "y.npy", "--weights", "w"]


class Kinds(RunCase):
    def test_depthwise_has_keras_names(self):
        self.arrays(x=((1, 2, 2), [1, 2, 3, 4]))
        self.weights({"d.kernel": ((1, 1, 2, 2), [1, 10, 2, 20]),
                      "d.bias": ((4,), [0, 0.5, 0, 0.5])})
        self.run_spec("DepthwiseConv2D(1, depth_multiplier=2, input_shape=(1, 2, 2), name='d')\n", *X)
        self.assertEqual(self.result(), ((1, 2, 4), [1, 10.5, 4, 40.5, 3, 30.5, 8, 80.5]))

    def test_separable_1d(self):
        self.arrays(x=((3, 1), [1, 2, 3]))
        self.weights({"s.depthwise_kernel": ((2, 1, 1), [1, -1]),
                      "s.pointwise_kernel": ((1, 1, 2), [3, 5]), "s.bias": ((2,), [1, 0])})
        self.run_spec("SeparableConv1D(2, 2, input_shape=(3, 1), name='s')\n", *X)
        self.assertEqual(self.result(), ((2, 2), [-2, -5, -2, -5]))

    def test_a_transposed_layer_shares_its_kernel_over_the_phases(self):
        self.arrays(x=((1, 2, 1), [1, 2]))
        self.weights({"t.kernel": ((1, 3, 1, 1), [1, 10, 100]), "t.bias": ((1,), [0.5])})
        self.run_spec("Conv2DTranspose(1, (1, 3), strides=(1, 2), input_shape=(1, 2, 1), name='t')\n",
                      *X)
        self.assertEqual(self.result(), ((1, 5, 1), [1.5, 10.5, 102.5, 20.5, 200.5]))

    def test_three_axes(self):
        self.arrays(x=((2, 2, 2, 1), list(range(8))))
        self.weights({"c.kernel": ((2, 2, 2, 1, 1), [1] * 8), "c.bias": ((1,), [2])})
        self.run_spec("Conv3D(1, 2, input_shape=(2, 2, 2, 1), name='c')\n", *X)
        self.assertEqual(self.result(), ((1, 1, 1, 1), [30]))

    def test_a_kernel_in_onnx_order(self):
        self.arrays(x=((1, 2, 2), [1, 2, 3, 4]))
        self.weights({"c.kernel": ((3, 2, 1, 1), [1, 2, 3, 4, 5, 6])})
        self.run_spec("Conv2D(3, 1, kernel_layout='OIHW', use_bias=False, input_shape=(1, 2, 2), "
                      "name='c')\n", *X)
        self.assertEqual(self.result(), ((1, 2, 3), [5, 11, 17, 11, 25, 39]))

    def test_normalization_is_folded(self):
        self.arrays(x=((1, 1, 1), [3]))
        self.weights({"c.kernel": ((1, 1, 1, 2), [2, 4]),
                      "n.gamma": ((2,), [3, 1]), "n.beta": ((2,), [0.5, 0]),
                      "n.moving_mean": ((2,), [2, 8]), "n.moving_variance": ((2,), [4, 16]),
                      "p.alpha": ((1, 1, 2), [0.25, 0.25])})
        self.run_spec("Sequential(name='net', layers=[Input(shape=(1, 1, 1)),\n"
                      "  Conv2D(2, 1, use_bias=False, name='c'),\n"
                      "  BatchNormalization(epsilon=0, name='n'), Rescaling(-1, 0, name='r'),\n"
                      "  PReLU(shared_axes=[1, 2], name='p')])\n", *X)
        self.assertEqual(self.result(), ((1, 1, 2), [-6.5 * 0.25, -0.25]))
        missing = self.check(1, "run", "net.conv", *X[:4], "--kernel", "w/c.kernel.npy").err
        self.assertIn("more than a kernel and a bias", missing)
        os.remove(self.path("w/n.moving_variance.npy"))
        self.assertIn("w/n.moving_variance.npy: error: cannot read", self.check(1, "run", "net.conv", *X).err)

    def test_depthwise_kernel_of_a_single_layer(self):
        self.arrays(x=((1, 1, 1), [3]), k=((1, 1, 1, 1), [2]))
        self.run_spec("DepthwiseConv2D(1, use_bias=False, input_shape=(1, 1, 1), name='d')\n",
                      "--input", "x.npy", "--output", "y.npy", "--kernel", "k.npy")
        self.assertEqual(self.result(), ((1, 1, 1), [6]))


INFINITY, NAN = math.inf, math.nan


class NonFinite(RunCase):
    """Numbers of the spec, or products of them, that are infinite or NaN; as Keras computes them."""

    def of(self, spec, numbers):
        """What a layer of one channel makes of a row of numbers."""
        self.arrays(x=((1, len(numbers), 1), numbers))
        self.run_spec(spec % f"1, {len(numbers)}, 1", *X[:4])
        return [repr(number) for number in self.result()[1]]

    def test_literal_filters(self):
        spec = "Conv2D(1, 1, kernel=[[%s]], use_bias=False, input_shape=(%%s), name='k')\n"
        self.assertEqual(self.of(spec % "float('inf')", [1, -1, 0, 2]), ["inf", "-inf", "nan", "inf"])
        self.assertEqual(self.of(spec % "float('nan')", [1, 0]), ["nan", "nan"])

    def test_literal_biases(self):
        spec = ("Conv2D(1, 1, kernel=[[2]], bias=[float('-inf')], activation='sigmoid', "
                "input_shape=(%s), name='k')\n")
        self.assertEqual(self.of(spec, [1, INFINITY]), ["0.0", "nan"])

    def test_scalings_in_turn_are_not_made_one(self):
        spec = "Sequential([Input(shape=(%%s)), %s], name='k')\n"
        for layers in ("Rescaling(1e30), Rescaling(1e30)", "Rescaling(1e30), Rescaling(1e30, 7)",
                       "Conv2D(1, 1, kernel=[[1e38]], use_bias=False), Rescaling(1e3)",
                       "Rescaling(2, 3e38), Rescaling(10)"):
            self.assertEqual(self.of(spec % layers, [1e9, INFINITY]), ["inf", "inf"], layers)
        self.assertEqual(self.of(spec % "Rescaling(1e30), Rescaling(1e30), Rescaling(1e-30)",
                                 [1, -1]), ["inf", "-inf"])

    def test_logarithms_of_softmax(self):
        spec = "Activation('%s', input_shape=(1, 1, 16), name='k')\n"
        ordinary = [float(i) for i in range(15)]
        for function in ("softmax", "log_softmax"):
            for odd, expected in ((NAN, {"nan"}), (INFINITY, {"nan"})):
                self.arrays(x=((1, 1, 16), [odd, *ordinary]))
                self.run_spec(spec % function, *X[:4])
                self.assertEqual({repr(y) for y in self.result()[1]}, expected, function)
        self.arrays(x=((1, 1, 16), [-INFINITY, *ordinary]))
        self.run_spec(spec % "log_softmax", *X[:4])
        self.assertEqual(repr(self.result()[1][0]), "-inf")
        self.assertEqual(sum(map(math.isfinite, self.result()[1])), 15)


class Shapes(RunCase):
    def test_channels_first_in_channels_last_out(self):
        self.arrays(x=((2, 1, 3), [1, 2, 3, 10, 20, 30]))
        self.weights({"c.kernel": ((1, 1, 2, 2), [1, 0, 0, 1])})
        spec = ("Conv2D(2, 1, use_bias=False, data_format='channels_first', {}"
                "input_shape=(2, 1, 3), name='c')\n")
        self.run_spec(spec.format(""), *X)
        self.assertEqual(self.result(), ((2, 1, 3), [1, 2, 3, 10, 20, 30]))
        self.run_spec(spec.format("output_data_format='channels_last', "), *X)
        self.assertEqual(self.result(), ((1, 3, 2), [1, 10, 2, 20, 3, 30]))

    def test_rows_with_a_pitch(self):
        self.arrays(x=((2, 3, 1), [1, 2, 3, 4, 5, 6]))
        self.weights({"c.kernel": ((2, 1, 1, 1), [1, 10])})
        self.run_spec("Conv2D(1, (2, 1), use_bias=False, padding=((0, 1), (0, 0)), input_pitch=7, "
                      "output_pitch=5, input_shape=(2, 3, 1), name='c')\n", *X)
        self.assertEqual(self.result(), ((2, 3, 1), [41, 52, 63, 4, 5, 6]))

    def test_run_time_sizes_come_from_the_array(self):
        self.weights({"c.kernel": ((1, 2, 1, 1), [1, -1])})
        spec = ("Conv2D(1, (1, 2), use_bias=False, batch=None, "
                "input_shape=(Dim(min=1, max=2), None, 1), name='c')\n")
        self.arrays(x=((1, 3, 1), [1, 2, 4]))
        self.run_spec(spec, *X)
        self.assertEqual(self.result(), ((1, 2, 1), [-1, -2]))
        self.arrays(x=((2, 2, 2, 1), [1, 2, 4, 8, 16, 32, 64, 128]))
        self.run_spec(spec, *X)
        self.assertEqual(self.result(), ((2, 2, 1, 1), [-1, -4, -16, -64]))
        self.arrays(x=((3, 2, 1), [0] * 6))
        error = self.run_spec(spec, *X, code=1).err
        self.assertIn("x.npy: error: the input of `c` has shape (3, 2, 1), expected "
                      "(1 or more, 1 to 2, 2 or more, 1)", error)
        self.arrays(x=((1, 1, 1), [0]))
        self.run_spec(spec, *X, code=1)

    def test_too_large_between_steps(self):
        self.arrays(x=((2, 2, 1), [0] * 4))
        self.weights({"c.kernel": ((1, 1, 1, 2), [1, 1]), "c.bias": ((2,), [0, 0])})
        error = self.run_spec("Conv2D(2, 1, activation='softmax', input_shape=(None, None, 1), "
                              "name='c')\n", *X, code=1).err
        self.assertIn("2^31 elements", error)


NET = """\
a = Input(shape=(Dim(max=4), 2, 1), name="left")
b = Input(shape=(Dim(max=4), 2, 1), name="right")
s = Add(name="sum")([a, b])
Model([a, b], [s, ReLU(max_value=5, name="cut")(s)], name="net")
"""


class Graphs(RunCase):
    def test_several_inputs_and_outputs(self):
        self.arrays(a=((1, 2, 1), [1, 2]), b=((1, 2, 1), [10, -20]))
        named = ["--input", "right=b.npy", "--input", "left=a.npy", "--output", "cut=c.npy",
                 "--output", "sum=s.npy"]
        self.run_spec(NET, *named)
        self.assertEqual(self.result("s"), ((1, 2, 1), [11, -18]))
        self.assertEqual(self.result("c"), ((1, 2, 1), [5, 0]))
        for options, message in [
            (["--input", "a.npy", *named[2:]], "--input a.npy: error: which of left, right?"),
            (["--input", "middle=a.npy", *named[2:]], "--input middle=a.npy: error: which of left, right?"),
            (named[2:], "--input: error: right=FILE.npy is missing"),
            (named[:6], "--output: error: sum=FILE.npy is missing"),
            (["--input", "left=b.npy", *named], "--input left=a.npy: error: there is a file for it already"),
        ]:
            with self.subTest(message=message):
                self.assertIn(message, self.check(1, "run", "net.conv", *options).err)
        self.arrays(b=((2, 2, 1), [0] * 4))
        self.assertIn("b.npy: error: the input `right` of `net` has shape (1, 2, 2, 1), but with the other "
                      "inputs it must have (1, 1, 2, 1)", self.check(1, "run", "net.conv", *named).err)

    def test_verify_compile_and_bench(self):
        self.write("net.conv", NET)
        self.check(0, "verify", "net.conv")
        self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2")
        header = self.read("out/net.h")
        for line in ("const float *left;", "const float *right;", "float *sum;", "float *cut;",
                     "int64_t height;", " * height: int64_t, 1 to 4"):
            self.assertIn(line, header)
        kernel = json.loads(self.read("out/net.json"))["kernels"][0]
        self.assertEqual(kernel["sizes"], [{"name": "height", "min": 1, "max": 4}])
        self.assertEqual([t["name"] for t in kernel["inputs"]], ["left", "right"])
        self.assertEqual(kernel["inputs"][0]["shape"], [1, {"min": 1, "max": 4}, 2, 1])
        out = self.check(0, "bench", "net.conv", "--min-time", "0.01", "--rounds", "5").out
        self.assertIn("net/net/auto/threads:1", out)


FUSED = """\
Sequential(name="fused", layers=[
    Input(shape=(8, 8, 16)),
    ZeroPadding2D(1, name="pad"),
    Conv2D(16, 3, name="conv"),
    BatchNormalization(name="norm"),
    ReLU(name="act"),
    Identity(name="same"),
    Conv2DTranspose(16, 2, strides=2, name="up"),
])
"""


class Reports(CliTest):
    def test_summary_shows_layers_as_written_and_where_they_went(self):
        self.write("net.conv", FUSED)
        out = self.check(0, "summary", "net.conv", "--target", "avx2").out
        for row in (r"pad \(ZeroPadding2D\) +\(None, 10, 10, 16\) +0 .* in the next layer",
                    r"conv \(Conv2D\) +\(None, 8, 8, 16\) +2,320 .* winograd",
                    r"norm \(BatchNormalization\) +\(None, 8, 8, 16\) +64 .* in conv",
                    r"act \(ReLU\) .* in conv", r"same \(Identity\) .* -",
                    r"up \(Conv2DTranspose\) +\(None, 16, 16, 16\) +1,040 .* \w+"):
            self.assertRegex(out, rf"\n{row}\n")
        self.assertIn("Total params: 3,424 (", out)
        document = json.loads(self.check(0, "summary", "net.conv", "--format", "json").out)
        self.assertEqual([layer["type"] for layer in document["models"][0]["layers"]],
                         ["ZeroPadding2D", "Conv2D", "BatchNormalization", "ReLU", "Identity",
                          "Conv2DTranspose"])

    def test_plan_has_a_line_for_every_step_and_reads_it_back(self):
        self.write("net.conv", FUSED)
        out = self.check(0, "plan", "net.conv", "--target", "avx2").out
        steps = re.findall(r"^(fused/\S+) avx2: ", out, re.MULTILINE)
        self.assertEqual(steps, ["fused/conv", *(f"fused/up.{i}" for i in range(1, 5))])
        self.assertIn("# fused/conv: conv 3x3, batch_normalization(", out)
        self.write("my.plan", out)
        replayed = self.check(0, "plan", "net.conv", "--target", "avx2", "--schedule", "my.plan").out
        self.assertIn("because: given in my.plan", replayed)
        self.check(0, "verify", "net.conv", "--schedule", "my.plan")

    def test_open_sizes_are_none(self):
        self.write("net.conv", "Conv2D(4, 3, strides=2, batch=None, "
                               "input_shape=(None, Dim(max=64), 3), name='c')\n")
        out = self.check(0, "summary", "net.conv", "--target", "avx2").out
        self.assertRegex(out, r"c \(Conv2D\) +\(None, None, None, 4\) +112 ")


class SlowPaths(CliTest):
    # At least one of them has no fast path; which, the planner knows.
    SLOW = "".join(f"{layer}, name='slow{i}')\n" for i, layer in enumerate((
        "Conv2D(2, 3, groups=2, padding='same', input_shape=(56, 56, 4)",
        "Conv2D(1, 9, padding='same', input_shape=(1, 1, 300)",
        "Conv2D(1, 7, strides=7, padding='same', input_shape=(7, 7, 3)",
        "Conv2D(2, 5, groups=2, padding='same', input_shape=(9, 9, 6)")))

    def slow_layers(self, spec):
        self.write("net.conv", spec)
        plans = json.loads(self.check(0, "plan", "net.conv", "--target", "avx2", "--format", "json").out)
        return [plan["layer"] for plan in plans["plans"] if plan["slow_path"]]

    def test_a_slow_path_is_said_and_can_be_an_error(self):
        slow = self.slow_layers(self.SLOW)
        self.assertNotEqual(slow, [])
        place = f"net.conv:{int(slow[0][4:]) + 1}:1: "
        noted = self.check(0, "summary", "net.conv", "--target", "avx2")
        self.assertIn(place + "performance: its plan, ", noted.err)
        compiled = self.check(0, "compile", "net.conv", "-o", "out", "--target", "avx2")
        self.assertIn(place + "performance: its plan, ", compiled.err)
        for verb in (["summary"], ["compile", "-o", "other"]):
            refused = self.check(1, *verb, "net.conv", "--target", "avx2", "--error=slow-path")
            self.assertIn(place + "error: its plan, ", refused.err)
        self.assertFalse(os.path.exists(self.path("other")))

    def test_a_fast_path_is_none(self):
        fast = "Conv2D(64, 3, padding='same', input_shape=(56, 56, 64), name='fast')\n"
        self.assertEqual(self.slow_layers(fast), [])
        self.check(0, "summary", "net.conv", "--target", "avx2", "--error", "slow-path")
        self.assertIn("known: slow-path",
                      self.check(2, "summary", "net.conv", "--error", "warnings").err)


if __name__ == "__main__":
    main()
