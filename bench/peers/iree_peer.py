"""IREE as a peer of `convc bench --peers`; the conversation is that of peer.h.

  iree_peer.py iree --threads N

Each layer is compiled for this processor, its weights constants of the module, as channels-last
linalg operations: in the form `direct` as they are, in the form `im2col` rewritten to a matrix
product, which is what IREE does well. Samples are iree-benchmark-module's, a process each.
"""
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy

from conversation import serve

TOOLS = pathlib.Path(sys.executable).parent


def tensor(shape):
    return f"tensor<{'x'.join(map(str, shape))}xf32>"


def constant(shape, seed):
    values = numpy.random.default_rng(seed).uniform(-1, 1, shape).astype(numpy.float32)
    return f'arith.constant dense<"0x{values.tobytes().hex()}"> : {tensor(shape)}'


def pair(values):
    return f"dense<[{', '.join(map(str, values))}]> : tensor<2xi64>"


def padded_source(layer, in_shape):
    """%padded of %x, and its shape."""
    (top, left), (bottom, right) = layer["pad_before"], layer["pad_after"]
    batch, height, width, channels = in_shape
    shape = [batch, top + height + bottom, left + width + right, channels]
    return shape, f"""
  %padded = tensor.pad %x low[0, {top}, {left}, 0] high[0, {bottom}, {right}, 0] {{
  ^bb0(%n: index, %h: index, %w: index, %c: index):
    tensor.yield %zero : f32
  }} : {tensor(in_shape)} to {tensor(shape)}"""


def module_of(layer):
    """func @conv of a 2-D convolution of one group, or of one channel per group."""
    batch, channels, filters = layer["batch"], layer["in_channels"], layer["filters"]
    in_shape = [batch, *layer["in"], channels]
    out_shape = [batch, *layer["out"], filters]
    is_depthwise = layer["groups"] > 1
    if layer["rank"] != 2:
        raise ValueError("only 2-D convolutions are written for it")
    if is_depthwise and not layer["groups"] == channels == filters:
        raise ValueError("no grouped convolutions are written for it")
    operation = "depthwise_conv_2d_nhwc_hwc" if is_depthwise else "conv_2d_nhwc_hwcf"
    filter_shape = [*layer["kernel_size"], channels] + ([] if is_depthwise else [filters])
    bias = constant([filters], 2) if layer["use_bias"] else (
        f"arith.constant dense<0.0> : {tensor([filters])}")
    padded_shape, padded = padded_source(layer, in_shape)
    relu = f"%end = arith.maximumf %sum, %zeros : {tensor(out_shape)}" if layer["relu"] else ""
    return in_shape, f"""
func.func @conv(%x: {tensor(in_shape)}) -> {tensor(out_shape)} {{
  %filter = {constant(filter_shape, 1)}
  %bias = {bias}
  %zero = arith.constant 0.0 : f32
  %zeros = arith.constant dense<0.0> : {tensor(out_shape)}{padded}
  %empty = tensor.empty() : {tensor(out_shape)}
  %start = linalg.broadcast ins(%bias : {tensor([filters])}) outs(%empty : {tensor(out_shape)})
    dimensions = [0, 1, 2]
  %sum = linalg.{operation} {{strides = {pair(layer["strides"])},
                             dilations = {pair(layer["dilation_rate"])}}}
    ins(%padded, %filter : {tensor(padded_shape)}, {tensor(filter_shape)})
    outs(%start : {tensor(out_shape)}) -> {tensor(out_shape)}
  {relu}
  return {"%end" if relu else "%sum"} : {tensor(out_shape)}
}}"""


class Iree:
    name = "IREE"
    unit_seconds = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}

    def __init__(self, threads):
        self.version = importlib.metadata.version("iree-base-compiler")
        self.folder = tempfile.TemporaryDirectory()
        # One thread's time is the process', as that of the other peers.
        self.time = "cpu_time" if threads <= 1 else "real_time"
        self.device = ["--device=local-sync"] if threads <= 1 else [
            "--device=local-task", f"--task_topology_group_count={threads}"]

    def run(self, tool, *arguments):
        done = subprocess.run([TOOLS / tool, *arguments], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise ValueError(f"{tool}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def prepare(self, layer):
        in_shape, text = module_of(layer)
        source = pathlib.Path(self.folder.name, "layer.mlir")
        source.write_text(text)
        rewrites = {"direct": []}
        if max(layer["kernel_size"]) > 1 and layer["groups"] == 1:
            rewrites["im2col"] = ["--iree-global-opt-use-im2col-for-convs"]
        self.forms = {}
        for form, options in rewrites.items():
            module = source.with_name(f"{form}.vmfb")
            self.run("iree-compile", source, "-o", module, "--iree-hal-target-backends=llvm-cpu",
                     "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3", *options)
            self.forms[form] = self.sampler(module, f"--input={'x'.join(map(str, in_shape))}xf32=0.5")

    def sampler(self, module, image):
        def sample(seconds):
            document = json.loads(self.run(
                "iree-benchmark-module", f"--module={module}", "--function=conv", image,
                *self.device, f"--benchmark_min_time={seconds}s", "--benchmark_format=json"))
            measured = document["benchmarks"][0]
            return measured[self.time] * self.unit_seconds[measured["time_unit"]]
        return sample


if __name__ == "__main__":
    serve({"iree": Iree}, __doc__)
