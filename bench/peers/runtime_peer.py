"""ONNX Runtime or OpenVINO as a peer of `convc bench --peers`; the conversation is that of peer.h.

  runtime_peer.py onnxruntime|openvino --threads N

Two forms each: `whole`, a call of a model of one convolution, with what the runtime adds around it;
and `node`, the runtime's own profile of the convolution in the middle of three, where neither
neighbour nor the change of layout at the model's ends counts.
"""
import json
import os
import pathlib
import statistics
import tempfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

from conversation import Clock, serve


def random_array(shape, seed=1):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape).astype(numpy.float32)


def conv_nodes(name, source, result, weights, layer, initializers):
    """A Conv and, where the layer has one, its ReLU; a 1x1 one where `layer` is None."""
    attributes = {}
    inputs = [source, f"{name}_weights"]
    initializers.append(numpy_helper.from_array(weights, inputs[1]))
    if layer is not None:
        attributes = {"strides": layer["strides"], "dilations": layer["dilation_rate"],
                      "pads": layer["pad_before"] + layer["pad_after"], "group": layer["groups"]}
        if layer["use_bias"]:
            inputs.append(f"{name}_bias")
            initializers.append(numpy_helper.from_array(random_array([layer["filters"]]), inputs[2]))
    relu = layer is not None and layer["relu"]
    end = f"{name}_sum" if relu else result
    nodes = [helper.make_node("Conv", inputs, [end], name=name, **attributes)]
    if relu:
        nodes.append(helper.make_node("Relu", [end], [result], name=f"{name}_relu"))
    return nodes


def model_of(layer, neighbours):
    """The convolution `peer_conv`, alone or between two of 1x1."""
    ones = [1] * layer["rank"]
    in_shape = [layer["batch"], layer["in_channels"], *layer["in"]]
    out_shape = [layer["batch"], layer["filters"], *layer["out"]]
    initializers, nodes = [], []
    source, result = "x", "y"
    if neighbours:
        source, result = "before", "after"
        weights = random_array([in_shape[1], in_shape[1], *ones])
        nodes += conv_nodes("conv_before", "x", source, weights, None, initializers)
    weights = random_array([layer["filters"], layer["in_channels"] // layer["groups"],
                            *layer["kernel_size"]])
    nodes += conv_nodes("peer_conv", source, result, weights, layer, initializers)
    if neighbours:
        weights = random_array([out_shape[1], out_shape[1], *ones])
        nodes += conv_nodes("conv_after", result, "y", weights, None, initializers)
    graph = helper.make_graph(
        nodes, "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, in_shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, out_shape)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString(), in_shape, out_shape


class OnnxRuntime:
    def __init__(self, threads):
        import onnxruntime
        self.library, self.threads = onnxruntime, threads
        self.name, self.version = "ONNX Runtime", onnxruntime.__version__

    def options(self):
        options = self.library.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return options

    def bound_call(self, session, in_shape, out_shape):
        binding = session.io_binding()
        binding.bind_ortvalue_input(
            "x", self.library.OrtValue.ortvalue_from_numpy(random_array(in_shape)))
        binding.bind_ortvalue_output(
            "y", self.library.OrtValue.ortvalue_from_numpy(numpy.empty(out_shape, numpy.float32)))
        return lambda: session.run_with_iobinding(binding)

    def prepare(self, layer):
        cpu = ["CPUExecutionProvider"]
        model, *shapes = model_of(layer, neighbours=False)
        self.whole = self.bound_call(
            self.library.InferenceSession(model, self.options(), providers=cpu), *shapes)
        self.chain_model, *self.chain_shapes = model_of(layer, neighbours=True)

    def node_seconds(self, calls):
        """A profile is written when its session ends, so each has a session of its own."""
        with tempfile.TemporaryDirectory() as folder:
            options = self.options()
            options.enable_profiling = True
            options.profile_file_prefix = os.path.join(folder, "profile")
            session = self.library.InferenceSession(self.chain_model, options,
                                                    providers=["CPUExecutionProvider"])
            call = self.bound_call(session, *self.chain_shapes)
            call()
            for _ in range(calls):
                call()
            events = json.loads(pathlib.Path(session.end_profiling()).read_text())
        # A Conv that gets a layout of its own is called after its result.
        times = [event["dur"] for event in events if event["name"].endswith("_kernel_time")
                 and ("peer_conv" in event["name"] or event["name"].startswith("after"))]
        per_call = len(times) // (calls + 1)  # the Conv, and a ReLU that is not fused
        if per_call == 0:
            return None
        sums = [sum(times[i:i + per_call]) for i in range(per_call, len(times), per_call)]
        return statistics.median(sums) * 1e-6


class OpenVino:
    def __init__(self, threads):
        import openvino
        self.library, self.core = openvino, openvino.Core()
        self.name, self.version = "OpenVINO", openvino.__version__.split("-")[0]
        self.settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                         "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}

    def request(self, layer, neighbours):
        model, in_shape, _ = model_of(layer, neighbours)
        settings = {**self.settings, "PERF_COUNT": neighbours}
        compiled = self.core.compile_model(self.core.read_model(model), "CPU", settings)
        request = compiled.create_infer_request()
        request.set_input_tensor(self.library.Tensor(random_array(in_shape)))
        return request

    def prepare(self, layer):
        self.whole = self.request(layer, neighbours=False).infer
        self.chain = self.request(layer, neighbours=True)

    def node_seconds(self, calls):
        times = []
        for _ in range(calls):
            self.chain.infer()
            times.append(sum(info.real_time.total_seconds() for info in self.chain.profiling_info
                             if "peer_conv" in info.node_name))
        return statistics.median(times) or None


class Samples:
    """The two forms of a runtime that has `whole()` and `node_seconds(calls)`."""

    def __init__(self, runtime, clock):
        self.runtime, self.clock = runtime, clock
        self.name, self.version = runtime.name, runtime.version
        self.forms = {"whole": self.whole, "node": self.node}

    def prepare(self, layer):
        self.runtime.prepare(layer)
        self.runtime.whole()
        self.seconds = max(min(self.clock.seconds_per_call(self.runtime.whole, 2)
                               for _ in range(3)), 1e-7)

    def calls(self, seconds):
        return max(int(seconds / self.seconds), 1)

    def whole(self, seconds):
        return self.clock.seconds_per_call(self.runtime.whole, self.calls(seconds))

    def node(self, seconds):
        return self.runtime.node_seconds(min(self.calls(seconds), 50))


def runtime(kind):
    def start(threads):
        return Samples(kind(threads), Clock(threads))
    return start


if __name__ == "__main__":
    serve({"onnxruntime": runtime(OnnxRuntime), "openvino": runtime(OpenVino)}, __doc__)
