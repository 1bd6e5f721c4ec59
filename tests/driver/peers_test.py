"""convc bench --peers: peers made for the test, well-behaved and not."""

import json
import os

from cli import CliTest, SMALL, main

QUICK = ("--min-time", "0.001", "--rounds", "5", "--format", "json")

# Answers as bench/peers/peer.h says. Keeps what it was asked in `requests`.
GOOD = """\
#!/usr/bin/env python3
import json, sys
print(json.dumps({"peer": "Good", "version": "1.2"}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    with open("requests", "a") as file:
        file.write(line)
    if "layer" in request:
        print('{"forms": ["slow", "fast"]}', flush=True)
    else:
        print('{"slow": 2.0, "fast": 1.0}', flush=True)
"""
UNWILLING = """\
#!/usr/bin/env python3
import sys
print('{"peer": "Unwilling", "version": "0"}', flush=True)
for line in sys.stdin:
    print('{"skip": "too hot today"}', flush=True)
"""
# Dies when it is asked.
CRASHING = "#!/bin/sh\necho '{\"peer\": \"Crashing\", \"version\": \"0\"}'\n"
SILENT = "#!/bin/sh\nexit 1\n"
BABBLING = "#!/bin/sh\nwhile echo '{[nonsense'; do read line || exit; done\n"


class PeersTest(CliTest):
    def setUp(self):
        super().setUp()
        self.write("net.conv", SMALL)

    def environment(self):
        return {**super().environment(), "PATH": self.directory + os.pathsep + os.environ["PATH"]}

    def peer(self, name, program):
        os.chmod(self.write(f"convc-peer-{name}", program), 0o755)

    def bench(self, *arguments):
        result = self.check(0, "bench", "net.conv", *arguments, *QUICK)
        return json.loads(result.out), result.err

    def test_a_peer_is_measured_beside_the_kernel(self):
        self.peer("good", GOOD)
        document, errors = self.bench("--peers", "good")
        self.assertEqual(document["context"]["peer_good"], "Good 1.2")
        benchmark = document["benchmarks"][0]
        # The faster form counts; a second is much longer than a small kernel takes.
        self.assertGreater(benchmark["over_good"], 100)
        self.assertEqual(benchmark["over_good"], benchmark["over_good/fast"])
        self.assertAlmostEqual(benchmark["over_good/slow"], 2 * benchmark["over_good/fast"], delta=1e-3)
        self.assertIn("good: fast", benchmark["label"])
        self.assertNotIn("skipped", errors)
        asked = json.loads(self.read("requests").splitlines()[0])["layer"]
        self.assertEqual(asked, {
            "batch": 1, "in_channels": 2, "filters": 4, "groups": 1, "rank": 2, "in": [7, 6],
            "out": [7, 6], "kernel_size": [3, 3], "strides": [1, 1], "dilation_rate": [1, 1],
            "pad_before": [1, 1], "pad_after": [1, 1], "use_bias": True, "relu": True})

    def test_peers_that_fail_are_skipped_with_the_reason(self):
        reasons = {"unwilling": (UNWILLING, "too hot today"), "crashing": (CRASHING, "answer"),
                   "silent": (SILENT, "does not greet"), "babbling": (BABBLING, "does not greet")}
        for name, (program, _) in reasons.items():
            self.peer(name, program)
        document, errors = self.bench("--peers", ",".join([*reasons, "absent"]))
        for name, (_, reason) in {**reasons, "absent": ("", "there is no program")}.items():
            line = next(line for line in errors.splitlines() if f"skipped peer {name}" in line)
            self.assertIn(reason, line)
            self.assertNotIn(f"over_{name}", document["benchmarks"][0])

    def test_layers_that_peers_do_not_have(self):
        self.peer("good", GOOD)
        self.write("net.conv", SMALL.replace("relu", "gelu"))
        document, errors = self.bench("--peers", "good")
        self.assertNotIn("over_good", document["benchmarks"][0])
        self.assertIn("skipped peer good for net/small/", errors)


if __name__ == "__main__":
    main()
