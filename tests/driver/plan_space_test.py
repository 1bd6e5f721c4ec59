"""The plans that tools/planner_study.py measures are plans that convc accepts."""

import collections
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cli  # noqa: E402
import plan_space  # noqa: E402

PLANS = 180
LEAST_PLANS = 150  # distinct ones of a layer that a study is made of


class PlanSpace(cli.CliTest):
    def of_the_study(self, isa):
        """{layer: its plans}."""
        layers = plan_space.layers_of(ROOT / "bench/layers/planner_study.conv")
        return {layer: plan_space.plans_of(layer, isa, PLANS) for layer in layers}

    def test_every_plan_is_accepted(self):
        for isa in ("avx2", "avx512"):
            for layer, plans in self.of_the_study(isa).items():
                names = [f"p{i}" for i in range(len(plans))]
                spec = self.write("plans.conv", "".join(layer.line(name) + "\n" for name in names))
                schedule = self.write("plans.plan", "".join(
                    f"{name} {isa}: {plan}\n" for name, plan in zip(names, plans)))
                result = self.check(0, "plan", spec, "--target", isa, "--schedule", schedule)
                for name, plan in zip(names, plans):
                    self.assertIn(f"{name} {isa}: {plan}\n", result.out)

    def test_layers_have_many_plans_of_every_algorithm(self):
        layers_with = collections.Counter()
        for isa in ("avx2", "avx512"):
            for layer, plans in self.of_the_study(isa).items():
                self.assertGreaterEqual(len(set(plans)), LEAST_PLANS, layer.name)
                found = {plan.split()[0] for plan in plans}
                self.assertEqual(found, set(layer.algorithms()), layer.name)
                layers_with.update(found)
        self.assertEqual(set(layers_with), {"direct", "pointwise", "subsampled", "few_channels",
                                            "split_channels", "winograd"})


if __name__ == "__main__":
    cli.main()
