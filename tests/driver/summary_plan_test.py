"""convc summary and convc plan: they compile nothing and give the same on every host."""

import json
import re

from cli import EDGES, SMALL, TEXTBOOK, CliTest, main


class Summary(CliTest):
    def test_the_textbook_network(self):
        spec = self.write("book.conv", TEXTBOOK)
        result = self.check(0, "summary", spec, "--target", "avx2", "--schedule", "naive")
        self.assertEqual(result.out.split("Algorithms for")[0], """\
Model: "textbook"
Layer (type)     Output Shape      Param #   MACs     Bytes  FLOP/B  Algorithm
==============================================================================
first (Conv2D)   (None, 5, 5, 32)      320  7.2 k   4.47 KB    3.14  naive
second (Conv2D)  (None, 5, 5, 64)   18,496  461 k  81.62 KB      11  naive
==============================================================================
Total params: 18,816 (73.50 KB)
Total MACs: 468,000
Total bytes: 79.85 KB (inputs 100 B, weights 73.50 KB, outputs 6.25 KB), 11.4 FLOP/B

""")

    def test_bare_layers_share_a_table_and_a_given_batch_is_shown(self):
        spec = self.write("two.conv", EDGES + SMALL.replace("input_shape", "batch=3, input_shape"))
        out = self.check(0, "summary", spec, "--target", "avx2").out
        self.assertIn('Layers of "two"\n', out)
        self.assertRegex(out, r"vertical \(Conv2D\) +\(None, 3, 3, 1\) +9 ")
        self.assertRegex(out, r"small \(Conv2D\) +\(3, 7, 6, 4\) +76 ")
        self.assertIn("Total params: 85 (", out)

    def test_json(self):
        spec = self.write("book.conv", TEXTBOOK)
        document = json.loads(self.check(0, "summary", spec, "--format=json").out)
        model = document["models"][0]
        self.assertEqual(document["library"], "book")
        self.assertEqual(model["name"], "textbook")
        first = model["layers"][0]
        self.assertEqual(first["output_shape"], [None, 5, 5, 32])
        self.assertEqual((first["parameters"], first["macs"]), (320, 7200))
        self.assertEqual(model["total"]["parameters"], 18816)

    def test_several_files_are_one_library_with_a_name(self):
        one, two = self.write("one.conv", EDGES), self.write("two.conv", SMALL)
        self.assertIn("--name", self.check(1, "summary", one, two).err)
        out = self.check(0, "summary", one, two, "--name", "both").out
        self.assertIn('Layers of "both"', out)
        self.assertIn("vertical", out)
        self.assertIn("small", out)


class PlanVerb(CliTest):
    def test_every_layer_and_target_has_a_plan_and_a_reason(self):
        spec = self.write("book.conv", TEXTBOOK + SMALL)
        out = self.check(0, "plan", spec, "--target", "avx512,avx2").out
        for layer in ("textbook/first", "textbook/second", "small"):
            for isa in ("avx512", "avx2"):
                self.assertRegex(out, rf"\n{layer} {isa}: \w+ lanes=\d+ .*\n#   because: \w")

    def test_json_says_the_same(self):
        spec = self.write("book.conv", TEXTBOOK)
        text = self.check(0, "plan", spec, "--target", "avx512").out
        document = json.loads(self.check(0, "plan", spec, "--target", "avx512", "--format", "json").out)
        self.assertEqual([p["layer"] for p in document["plans"]], ["textbook/first", "textbook/second"])
        for plan in document["plans"]:
            self.assertIn(f"{plan['layer']} avx512: {plan['plan']}\n", text)
            self.assertIn(f"because: {plan['reason']}\n", text)

    def test_only_one_layer(self):
        spec = self.write("two.conv", EDGES + SMALL)
        out = self.check(0, "plan", spec, "--target", "avx2", "--layer", "small").out
        self.assertIn("small avx2:", out)
        self.assertNotIn("vertical avx2:", out)
        self.assertIn("did you mean `small`?", self.check(1, "plan", spec, "--layer", "smal").err)
        self.assertIn("there are: vertical, small", self.check(1, "plan", spec, "--layer", "xyz").err)

    def test_a_plan_file_is_read_back(self):
        spec = self.write("book.conv", TEXTBOOK)
        naive = self.check(0, "plan", spec, "--target", "avx2,avx512", "--schedule", "naive").out
        plans = self.write("naive.plan", naive)
        replayed = self.check(0, "plan", spec, "--target", "avx2,avx512", "--schedule", plans).out

        def lines(text):
            return [line for line in text.splitlines() if line and not line.startswith("#")]

        self.assertEqual(lines(replayed), lines(naive))
        self.assertIn("because: given in ", replayed)

    def test_accuracy(self):
        spec = self.write("a.conv", 'Conv2D(64, 3, padding="same", input_shape=(56, 56, 64), name="a")\n')
        fast = self.check(0, "plan", spec, "--target", "avx2").out
        self.assertIn("a avx2: winograd ", fast)
        self.assertIn("error bound 7.8 times direct's", fast)
        strict = self.check(0, "plan", spec, "--target", "avx2", "--accuracy", "strict").out
        self.assertIn("a avx2: direct ", strict)
        self.assertIn("# accuracy: strict", strict)
        self.write("fast.plan", fast)
        refused = self.check(1, "plan", spec, "--target", "avx2", "--accuracy=strict", "--schedule", "fast.plan")
        self.assertIn("which --accuracy strict forbids", refused.err)
        wrong = self.check(2, "plan", spec, "--accuracy", "exact").err
        self.assertIn("option `--accuracy` is `exact`; known: fast, strict", wrong)

    LIMITED = 'Conv2D(64, 3, padding="same", input_shape=(56, 56, 64), name="a")\n'

    def test_packed_weights_within_a_limit(self):
        spec = self.write("a.conv", self.LIMITED)
        # Plain filters: 9 * 64 * 64 numbers, and 64 biases.
        plain = 4 * (9 * 64 * 64 + 64)
        plan = ("plan", spec, "--target", "avx2", "--max-packed")
        out = self.check(0, *plan, str(plain)).out
        self.assertIn("a avx2: direct ", out)
        self.assertNotIn("winograd", out)
        error = self.check(1, *plan, str(plain - 1)).err
        self.assertIn("no plan of `a` for avx2 is within the limits: ", error)
        self.assertIn(f"direct: its packed weights take {plain} bytes, more than --max-packed", error)
        # Of Winograd's sizes of tiles, the one that takes least.
        self.assertEqual(1, error.count("winograd: its packed weights take "), error)
        self.assertIn("help: allow more by", error)

    def test_workspace_within_a_limit(self):
        spec = self.write("a.conv", self.LIMITED)

        def planned(code, *options):
            return self.check(code, "plan", spec, "--target", "avx2", *options)

        document = json.loads(planned(0, "--max-workspace", "1000000000", "--format", "json").out)
        offered = {one["plan"].split()[0] + " " + one["plan"].split()[-1]:
                   one["workspace_bytes"]["one_thread"]
                   for one in document["plans"][0]["candidates"]}
        winograd = offered["winograd output_tile=4"]
        direct = min(offered.values())
        self.assertLess(direct, winograd)
        self.assertIn("a avx2: winograd ", planned(0, "--max-workspace", str(winograd)).out)
        out = planned(0, "--max-workspace", str(direct)).out
        self.assertIn("a avx2: direct ", out)
        self.assertNotIn("winograd", out)
        error = planned(1, "--max-workspace", str(direct - 1)).err
        self.assertRegex(error, r"no plan of `a` for avx2 is within the limits: .*direct: its "
                         rf"workspace takes 128 \+ \d+ for a thread = {direct} bytes, more than "
                         r"--max-workspace")
        self.assertIn("help: allow more by --accuracy, --algorithms, --max-packed or --max-workspace", error)
        self.assertIn("option `--max-workspace` is `much`", planned(2, "--max-workspace=much").err)
        # What a plan file says was chosen.
        self.write("a.plan", planned(0).out)
        self.assertIn("a avx2: winograd ",
                      planned(0, "--max-workspace", "0", "--schedule", "a.plan").out)
        # Without the option nothing is lowered, and nothing said.
        self.assertNotIn("workspace", planned(0).out)

    def test_wrong_plan_files(self):
        spec = self.write("a.conv", SMALL)
        plan = [line for line in self.check(0, "plan", spec, "--target", "avx2").out.splitlines()
                if line.startswith("small")][0]
        for content, message in [
            (plan.replace("small", "smal"), "p.plan:1:1: error: there is no layer `smal`\n"),
            ("gibberish\n" + plan, "p.plan:1:1: error: expected `LAYER ISA: PLAN`"),
            (plan + "\n" + plan, "p.plan:2:1: error: `small avx2` has a plan already\n"),
            ("small avx2: fastest lanes=8", "p.plan:1:13: error: "),
            (re.sub(r"lanes=\d+", "lanes=3", plan), "p.plan:1:13: error: "),
        ]:
            with self.subTest(content=content):
                self.write("p.plan", content)
                error = self.check(1, "plan", spec, "--target", "avx2", "--schedule", "p.plan").err
                self.assertIn(message, error)
                self.assertRegex(error, r"\n      \| +\^")
                self.assertIn("      = help: ", error)
        missing = self.check(1, "plan", spec, "--schedule", "absent.plan").err
        self.assertIn("--schedule absent.plan: cannot read this plan file: No such file", missing)
        # Plans of other ISAs do no harm, and a layer without a line is planned as ever.
        self.write("p.plan", plan.replace("avx2", "avx512"))
        self.assertIn(plan, self.check(0, "plan", spec, "--target", "avx2", "--schedule", "p.plan").out)

    def test_a_plan_file_of_more_layers_than_are_asked_for(self):
        spec = self.write("a.conv", SMALL + SMALL.replace("small", "other"))
        naive = ("plan", spec, "--target", "avx2", "--schedule", "naive")
        self.write("p.plan", self.check(0, *naive).out)
        out = self.check(0, "plan", spec, "--target", "avx2", "--schedule", "p.plan", "--layer", "small").out
        self.assertIn("small avx2: naive ", out)
        self.assertNotIn("other", out)


if __name__ == "__main__":
    main()
