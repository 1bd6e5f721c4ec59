"""ONNX' backend test data against convc: every case whose operators are all of convc's family is
compiled, linked and run, and compared with the outputs it comes with.

    onnx_cases.py --directory DIR [--document docs/conformance.md [--update]]

CONVC and CONVC_RUNTIME name the compiler and libconvc_runtime.a. With --document the table of cases
must be the one in the document; --update writes it."""

import argparse
import dataclasses
import os
import re
import shutil
import subprocess
import sys

import numpy
import onnx
from onnx import numpy_helper

from compiled import Library

FOLDERS = ["node", "pytorch-converted", "pytorch-operator"]
# What ONNX' own runner takes where a case says nothing else.
RTOL, ATOL = 1e-3, 1e-7

FAMILY = set("""Add BatchNormalization Celu Clip Conv ConvTranspose Div Dropout Elu Exp Gelu
    HardSigmoid HardSwish Identity LeakyRelu LogSoftmax Mish Mul Neg PRelu Pad Relu Selu Shrink
    Sigmoid Softmax Softplus Softsign Sub Sum Tanh ThresholdedRelu""".split())
# These may stand beside them, where they fold.
CONSTANTS = set("""Cast Ceil Concat Constant ConstantOfShape Floor Gather Reshape Shape Slice
    Squeeze Transpose Unsqueeze""".split())
# Inputs that convc needs when it compiles: the case's own numbers become part of the model.
BOUND = {"Clip": (1, 2), "Dropout": (1, 2), "Pad": (1, 2, 3)}
WEIGHTS = {"Conv": (1, 2), "ConvTranspose": (1, 2), "BatchNormalization": (1, 2, 3, 4),
           "PRelu": (1,)}
BEGIN, END = "<!-- cases: begin -->\n", "<!-- cases: end -->\n"


@dataclasses.dataclass
class Case:
    folder: str
    name: str
    model: onnx.ModelProto
    images: list  # arrays, in the order of the model's inputs
    weights: list  # arrays, in the order of the nodes and their inputs
    expected: list
    result: str = "passed"
    reason: str = ""

    @property
    def function(self):
        return f"{self.folder}_{self.name}".replace("-", "_")

    @property
    def must_pass(self):
        operators = {node.op_type for node in self.model.graph.node}
        return bool(operators & {"Conv", "ConvTranspose"})


def positions(graph, table):
    """Names of the graph that nodes read only where `table` says."""
    inside, outside = set(), {output.name for output in graph.output}
    for node in graph.node:
        for index, name in enumerate(node.input):
            (inside if index in table.get(node.op_type, ()) else outside).add(name)
    return inside - outside


def read_tensor(path):
    """The array; None for what is no tensor."""
    tensor = onnx.TensorProto()
    try:
        with open(path, "rb") as file:
            tensor.ParseFromString(file.read())
        return numpy_helper.to_array(tensor)
    except Exception:  # a sequence or an optional, which the case's type says too
        return None


def load_case(folder, name, directory):
    """The case with its numbers; None when its operators are not of the family."""
    model = onnx.load(os.path.join(directory, "model.onnx"))
    graph = model.graph
    operators = {node.op_type for node in graph.node}
    if not operators & FAMILY or operators - FAMILY - CONSTANTS:
        return None
    initialized = {initializer.name for initializer in graph.initializer}
    bound, weights = positions(graph, BOUND), positions(graph, WEIGHTS)
    data = os.path.join(directory, "test_data_set_0")
    arrays, images = {}, []
    free = [entry.name for entry in graph.input if entry.name not in initialized]
    for index, entry in enumerate(free):
        array = read_tensor(os.path.join(data, f"input_{index}.pb"))
        arrays[entry] = array
        if entry in bound and array is not None:
            graph.initializer.append(numpy_helper.from_array(array, entry))
        elif entry not in weights:
            images.append(array)
    variables = [arrays[name] for node in graph.node
                 for index, name in enumerate(node.input)
                 if name in arrays and index in WEIGHTS.get(node.op_type, ())]
    expected = [read_tensor(os.path.join(data, f"output_{index}.pb"))
                for index in range(len(graph.output))]
    return Case(folder, name, model, images, variables, expected)


def load_cases():
    base = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    cases = []
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(base, folder))):
            case = load_case(folder, name, os.path.join(base, folder, name))
            if case:
                cases.append(case)
    return cases


def refusal(convc, path):
    """The first error that convc has for a model; None when it takes it."""
    process = subprocess.run([convc, "summary", path], capture_output=True, text=True, check=False,
                             env={**os.environ, "NO_COLOR": "1"})
    if process.returncode == 0:
        return None
    found = re.search(r"error: (.*) \[E081\]", process.stderr)
    return found.group(1) if found else f"exit {process.returncode}: {process.stderr}"


def fits(array, shape):
    """`array` with the sizes of 1 that convc puts after the model's."""
    return array.reshape(shape) if array.size == numpy.prod(shape, dtype=int) else array


def run(case, library):
    """What is wrong, or None."""
    function = library.function(case.function)
    try:
        images = [fits(array, shape) for array, (_, shape) in
                  zip(case.images, function.inputs(), strict=True)]
        weights = [fits(array, shape) for array, (_, shape) in
                   zip(case.weights, function.variables(), strict=True)]
        outputs = function.run(images, weights)
        for output, expected in zip(outputs, case.expected, strict=True):
            padded = expected.shape + (1,) * (output.ndim - expected.ndim)
            if output.shape != padded:
                return f"shape {output.shape} instead of {expected.shape}"
            numpy.testing.assert_allclose(output.reshape(expected.shape), expected, RTOL, ATOL)
    except (AssertionError, RuntimeError, ValueError) as error:
        return " ".join(str(error).split())
    return None


def table(cases):
    passed = sum(case.result == "passed" for case in cases)
    lines = [f"{len(cases)} cases: {passed} passed, {len(cases) - passed} skipped.", "",
             "| case | result | reason |", "|---|---|---|"]
    for case in cases:
        reason = case.reason.replace("|", "\\|")
        lines.append(f"| {case.folder}/{case.name} | {case.result} | {reason} |")
    return "\n".join(lines) + "\n"


def check_document(path, content, update):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:begin] + content + text[end:])
    elif text[begin:end] != content:
        print(f"FAILED: {path} is not what this run gives; `make conformance` writes it")
        return False
    return True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", required=True)
    parser.add_argument("--document")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--convc", default=os.environ.get("CONVC"))
    parser.add_argument("--runtime", default=os.environ.get("CONVC_RUNTIME"))
    arguments = parser.parse_args()
    models = os.path.join(arguments.directory, "models")
    shutil.rmtree(models, ignore_errors=True)
    os.makedirs(models)
    cases = load_cases()
    paths = []
    for case in cases:
        path = os.path.join(models, f"{case.function}.onnx")
        onnx.save(case.model, path)
        case.reason = refusal(arguments.convc, path) or ""
        if case.reason:
            case.result = "skipped"
        else:
            paths.append(path)
    library = Library(arguments.convc, arguments.runtime, paths, "onnx_cases", arguments.directory,
                      os.path.join(arguments.directory, "cache"))
    failures = 0
    for case in cases:
        wrong = run(case, library) if case.result == "passed" else None
        if case.result == "skipped" and (case.must_pass or "exit" in case.reason[:4]):
            wrong = case.reason
        if wrong:
            failures += 1
            case.result, case.reason = "FAILED", wrong
        if case.result != "passed":
            print(f"{case.result} {case.folder}/{case.name}: {case.reason}")
    skipped = sum(case.result == "skipped" for case in cases)
    if arguments.document and failures == 0:
        failures += not check_document(arguments.document, table(cases), arguments.update)
    passed = len(cases) - skipped - sum(case.result == "FAILED" for case in cases)
    print(f"{passed} passed, {failures} failed, {skipped} skipped")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
