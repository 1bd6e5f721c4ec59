"""convc explain: the machine code of hot loops, on LLVM's model of a processor."""

import json
import pathlib

from cli import CliTest, SMALL, main

SUITE = pathlib.Path(__file__).resolve().parents[2] / "bench/layers/core_suite.conv"
# A layer of each kind: square filters, strided, pointwise, few channels, small images.
LAYERS = ("resnet50_conv3_56x56", "resnet50_conv7_56x56", "resnet50_pw4_56x56",
          "resnet50_conv17_14x14", "resnet50_conv1_224x224", "resnet50_pw20_7x7")


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

    def test_products_of_winograd_keep_their_tile_in_registers(self):
        for target in ("avx2", "avx512"):
            with self.subTest(target=target):
                plan, loops, accumulators = self.explained("resnet50_conv3_56x56", target, "fast")
                self.assertIn("winograd", plan)
                # The transforms have loops too, with stores.
                products = [loop for loop in loops if loop["vector_stores"] == 0
                            and loop["fmas"] > 0 and loop["fmas"] % accumulators == 0]
                self.assertNotEqual(products, [], plan)
                self.assertEqual([loop["vector_spills"] for loop in products], [0] * len(products))

    def test_the_whole_core_suite_on_avx512_keeps_its_tiles_in_registers(self):
        # Which cannot run where there is no such processor, but is compiled and inspected anywhere.
        out = self.check(0, "explain", str(SUITE), "--target", "avx512", "--format", "json").out
        layers = json.loads(out)["layers"]
        self.assertGreater(len(layers), 60)
        algorithms = set()
        for layer in layers:
            plan = layer["plan"]
            algorithms.add(plan.split()[0])
            height, width, vectors = map(int, plan.split("tile=")[1].split()[0].split("x"))
            products = [loop for loop in layer["loops"] if loop["vector_stores"] == 0
                        and loop["fmas"] > 0 and loop["fmas"] % (height * width * vectors) == 0]
            with self.subTest(layer=layer["layer"], plan=plan):
                self.assertNotEqual(products, [])
                self.assertEqual([loop["vector_spills"] for loop in products], [0] * len(products))
        self.assertLessEqual({"direct", "few_channels", "pointwise", "winograd"}, algorithms)

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
