"""The conversation of peer.h for peers in Python, and the clock they share.

A peer has `name`, `version`, `prepare(layer)`, which raises an exception where it cannot compute the
layer, and `forms`: after `prepare`, a function for each form, from the seconds a sample may take to
the seconds of one call, or None.
"""
import argparse
import json
import sys
import time


class Clock:
    """Of one thread the seconds that it had a processor, of several the wall clock's."""

    def __init__(self, threads):
        self.now = time.process_time if threads <= 1 else time.perf_counter

    def seconds_per_call(self, call, calls):
        """After a quarter as many calls that warm the caches up."""
        for _ in range((calls + 3) // 4):
            call()
        start = self.now()
        for _ in range(calls):
            call()
        return (self.now() - start) / calls


def answer(peer, request):
    if "layer" in request:
        peer.prepare(request["layer"])
        return {"forms": list(peer.forms)}
    times = {form: sample(request["sample_seconds"]) for form, sample in peer.forms.items()}
    return {form: seconds for form, seconds in times.items() if seconds is not None}


def serve(peers, description):
    """`peers`: a function from the number of threads for each name."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("name", choices=list(peers))
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    peer = peers[arguments.name](arguments.threads)
    print(json.dumps({"peer": peer.name, "version": peer.version}), flush=True)
    for line in sys.stdin:
        try:
            reply = answer(peer, json.loads(line))
        except Exception as failure:  # whatever a runtime says is the reason
            reply = {"skip": " ".join(str(failure).split())[:300]}
        print(json.dumps(reply), flush=True)
