"""convc explain: the machine code of hot loops, on LLVM's model of a processor."""

import json
import pathlib
import re

from cli import CliTest, SMALL, main

LAYER_SPECS = pathlib.Path(__file__).resolve().parents[2] / "bench/layers"
SUITE = LAYER_SPECS / "core_suite.conv"
DEPTHWISE_SUITE = LAYER_SPECS / "core_suite_depthwise.conv"
# A layer of each kind: square filters, strided, pointwise, few channels, small images.
LAYERS = ("resnet50_conv3_56x56", "resnet50_conv7_56x56", "resnet50_pw4_56x56",
          "resnet50_conv17_14x14", "resnet50_conv1_224x224", "resnet50_pw20_7x7")

# Depthwise layers whose tiles do not fit in registers, by decision 0025.
SPILLING = {
    "avx2": {"mobilenet_v1_dw2_112x112", "mobilenet_v1_dw6_56x56", "mobilenet_v2_dw8_56x56",
             "mobilenet_v2_dw13_28x28", "mobilenet_v2_dw18_14x14", "mobilenet_v2_dw22_14x14",
             "mobilenet_v2_dw24_14x14", "mobilenet_v2_dw27_7x7"},
    "avx512": {"mobilenet_v2_dw10_56x56", "mobilenet_v2_dw24_14x14", "mobilenet_v2_dw27_7x7"},
}


def unrolled_channels(channels):
    """As generators/kernels/tap_loop.h has it."""
    if channels <= 4:
        return channels
    return next((n for n in (4, 5, 6, 7, 8, 3, 2) if channels % n == 0), 1)


def expected_fmas(plan, channels):
    """Of the loop of whole tiles: a multiply-add for each accumulator and unrolled channel."""
    fields = dict(word.split("=") for word in plan.split()[1:])
    height, width, vectors = map(int, fields["tile"].split("x"))
    parts = int(fields.get("partial_sums", 1))
    accumulators = height * width * vectors * parts
    most_accumulators = 12  # of tiles whose loop is unrolled
    if plan.startswith("few_channels") or accumulators > most_accumulators:
        return accumulators
    return accumulators * unrolled_channels((int(fields["channel_block"]) or channels) // parts)


class Explain(CliTest):
    def explained(self, layer, target, accuracy):
        out = self.check(0, "explain", str(SUITE), "--layer", layer, "--target", target,
                         "--accuracy", accuracy, "--format", "json").out
        found = json.loads(out)["layers"][0]
        height, width, vectors = map(int, found["plan"].split("tile=")[1].split()[0].split("x"))
        return found["plan"], found["loops"], height * width * vectors

    def test_hot_loops_of_the_core_suite_keep_their_tile_in_registers(self):
        for target in ("avx2", "avx512"):
            for layer in LAYERS:
                with self.subTest(layer=layer, target=target):
                    plan, loops, accumulators = self.explained(layer, target, "strict")
                    loop = loops[0]
                    # One multiply-add for each vector of the tile, for each of the channels that
                    # an iteration takes.
                    self.assertEqual(loop["fmas"] % accumulators, 0, plan)
                    self.assertGreater(loop["fmas"], 0)
                    self.assertEqual(loop["vector_spills"], 0)
                    self.assertEqual(loop["vector_stores"], 0)
                    self.assertGreater(loop["cycles"], 0)
                    self.assertEqual(len(loop["assembly"]), loop["instructions"])

    def explained_suite(self, suite):
        # Code for AVX-512 is compiled and inspected on any processor, whether or not it runs there.
        out = self.check(0, "explain", str(suite), "--target", "avx2,avx512", "--format", "json").out
        return json.loads(out)["layers"]

    def test_the_whole_core_suite_keeps_its_tiles_in_registers(self):
        channels_of = {name: int(channels) for channels, name in re.findall(
            r'input_shape=\(\d+, \d+, (\d+)\).*name="(\w+)"', SUITE.read_text())}
        layers = self.explained_suite(SUITE)
        self.assertGreater(len(layers), 120)
        algorithms = set()
        for layer in layers:
            plan, loops = layer["plan"], layer["loops"]
            algorithms.add(plan.split()[0])
            with self.subTest(layer=layer["layer"], isa=layer["isa"], plan=plan):
                # Sums of products come first; the others are those of tiles at the end of an axis.
                products = [loop for loop in loops if loop["sums_products"]]
                self.assertEqual(loops[:len(products)], products)
                self.assertEqual(loops[0]["fmas"], expected_fmas(plan, channels_of[layer["layer"]]))
                self.assertEqual([loop["vector_spills"] for loop in products], [0] * len(products))
        self.assertLessEqual({"direct", "few_channels", "pointwise", "winograd"}, algorithms)

    def test_depthwise_layers_spill_where_that_is_known(self):
        for layer in self.explained_suite(DEPTHWISE_SUITE):
            with self.subTest(layer=layer["layer"], isa=layer["isa"], plan=layer["plan"]):
                self.assertNotEqual(layer["loops"], [])
                if layer["layer"] not in SPILLING[layer["isa"]]:
                    self.assertEqual(sum(loop["vector_spills"] for loop in layer["loops"]), 0)

    def test_console(self):
        self.write("net.conv", SMALL)
        out = self.check(0, "explain", "net.conv", "--target", "avx2", "--cpu", "znver3").out
        self.assertIn("modelled on znver3", out)
        self.assertIn("bound by", out)
        self.assertRegex(out, r"\n  \d+ bytes of code, \d+ of packed weights, \d+ of workspace and "
                         r"\d+ for each further thread; ")

    def test_unknown_processor(self):
        self.write("net.conv", SMALL)
        error = self.check(2, "explain", "net.conv", "--target", "avx2", "--cpu", "pentium9").err
        self.assertIn("no model of the processor `pentium9`", error)


if __name__ == "__main__":
    main()
