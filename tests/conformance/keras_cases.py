"""Random specs, evaluated by convc and by Keras (JAX backend, CPU), must agree in the shapes of
variables and outputs and in values. Every second hundred is compiled for AVX2 whatever this machine
has.

    keras_cases.py --count 200 --directory DIR

CONVC and CONVC_RUNTIME name the compiler and libconvc_runtime.a; CONVC_SEED sets the seed."""

import argparse
import collections
import json
import os
import shutil
import sys

# Each spec is compiled once by XLA and run once, so compiling is what takes the time.
os.environ.update(
    KERAS_BACKEND="jax", JAX_PLATFORMS="cpu", TF_CPP_MIN_LOG_LEVEL="3",
    XLA_FLAGS="--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

import jax  # noqa: E402
import keras  # noqa: E402
import numpy  # noqa: E402

from compiled import CompileError, Library, run_convc  # noqa: E402
from keras_specs import SpecMaker  # noqa: E402

SPECS_PER_LIBRARY = 100
RTOL, ATOL = 1e-4, 2e-5  # of each value, of the largest one (at least 1)


def zeros(self, shape, dtype=None, **unused):
    """Initial weights are replaced, so making them with a compiled function is a waste."""
    return numpy.zeros(shape, dtype or "float32")


for initializer in ("GlorotUniform", "Zeros", "Ones"):
    getattr(keras.initializers, initializer).__call__ = zeros


def keras_model(spec):
    """The text as Keras reads it. None: Keras refuses it."""
    names = {**vars(keras.layers), "Sequential": keras.Sequential}
    try:
        model = eval(spec.text, names)  # noqa: S307: our own text
        if spec.bare:
            model.build((spec.batch, *spec.shape))
            model.compute_output_shape((spec.batch, *spec.shape))
    except (ValueError, NotImplementedError):
        return None
    return model


def evaluate(model, image):
    def call(weights, others, x):
        return model.stateless_call(weights, others, x)[0]

    weights = [variable.value for variable in model.trainable_variables]
    others = [variable.value for variable in model.non_trainable_variables]
    return numpy.asarray(jax.jit(call)(weights, others, image))


def set_weights(model, random):
    """Random weights of a size that keeps results near 1."""
    for variable in model.variables:
        shape, name = variable.shape, variable.name
        if name == "moving_variance":
            value = random.uniform(0.5, 2, shape)
        elif "kernel" in name:
            value = random.normal(0, 1 / max(numpy.prod(shape[:-1]), 1) ** 0.5, shape)
        else:
            value = random.normal(0, 0.5, shape)
        variable.assign(value.astype(numpy.float32))


def variables_of(spec, model):
    """Name in the generated struct -> array, in convc's order."""
    if spec.bare:
        return {variable.name: numpy.asarray(variable) for variable in model.variables}
    return {f"{layer.name}_{variable.name}": numpy.asarray(variable)
            for layer in model.layers for variable in layer.variables}


def difference(spec, got, expected):
    """What is wrong, or None."""
    if got.shape != expected.shape:
        return f"shape {got.shape}, Keras has {expected.shape}"
    limit = RTOL * abs(expected) + ATOL * max(1.0, float(abs(expected).max(initial=0)))
    wrong = ~(abs(got - expected) <= limit)
    if spec.jump is not None:  # either side of the jump, for values that are next to it
        larger = numpy.maximum(abs(got), abs(expected))
        wrong &= ~(abs(larger - spec.jump) <= 1e-3)
    if not wrong.any():
        return None
    where = tuple(int(i) for i in numpy.argwhere(wrong)[0])
    return (f"{wrong.sum()} of {wrong.size} values, the first at {where}: "
            f"{got[where]!r}, Keras has {expected[where]!r}")


def algorithms_of(manifest):
    """The algorithm of each step of a library: a plan begins with it."""
    with open(manifest, encoding="utf-8") as file:
        kernels = json.load(file)["kernels"]
    return [step["plan"].split()[0]
            for kernel in kernels for variant in kernel["variants"] for step in variant["steps"]]


class Comparison:
    def __init__(self, arguments):
        self.arguments = arguments
        self.failures = 0
        self.by_kind = collections.Counter()
        self.by_algorithm = collections.Counter()

    def fail(self, spec, message):
        self.failures += 1
        print(f"FAILED {spec.name}: {message}\n{spec.text}", flush=True)

    def accepted(self, specs, directory):
        """Those that convc takes; what it refuses though Keras takes it is a failure."""
        path = os.path.join(directory, "specs.conv")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n\n".join(spec.text for spec in specs) + "\n")
        try:
            run_convc(self.arguments.convc, ["summary", path])
            return path, specs
        except CompileError:
            pass
        good = []
        for spec in specs:
            with open(path, "w", encoding="utf-8") as file:
                file.write(spec.text + "\n")
            try:
                run_convc(self.arguments.convc, ["summary", path])
                good.append(spec)
            except CompileError as error:
                self.fail(spec, str(error))
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n\n".join(spec.text for spec in good) + "\n")
        return path, good

    def run(self, models, random, number):
        directory = os.path.join(self.arguments.directory, str(number))
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        path, specs = self.accepted([spec for spec, _ in models], directory)
        library = Library(self.arguments.convc, self.arguments.runtime, [path], "specs",
                          directory, os.path.join(self.arguments.directory, "cache"),
                          target="avx2" if number % 2 else "host")
        self.by_algorithm.update(algorithms_of(os.path.join(directory, "specs.json")))
        keras_models = dict((spec.name, model) for spec, model in models)
        for spec in specs:
            self.by_kind[spec.kind] += 1
            self.compare(spec, keras_models[spec.name], library, random)

    def compare(self, spec, model, library, random):
        set_weights(model, random)
        image = random.normal(0, 1, (spec.batch, *spec.shape)).astype(numpy.float32)
        expected = evaluate(model, image)
        weights = variables_of(spec, model)
        function = library.function(spec.name)
        found = dict(function.variables())
        if found != {name: array.shape for name, array in weights.items()}:
            self.fail(spec, f"variables {found}, Keras has "
                            f"{ {name: array.shape for name, array in weights.items()} }")
            return
        output, = function.run([image], [weights[name] for name in found])
        message = difference(spec, output, expected)
        if message:
            self.fail(spec, message)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--convc", default=os.environ.get("CONVC"))
    parser.add_argument("--runtime", default=os.environ.get("CONVC_RUNTIME"))
    arguments = parser.parse_args()
    seed = int(os.environ.get("CONVC_SEED", "1"))
    print(f"{arguments.count} specs, CONVC_SEED={seed}, Keras {keras.__version__}", flush=True)
    random = numpy.random.default_rng(seed)
    maker = SpecMaker(random)
    comparison = Comparison(arguments)
    done, number = 0, 0
    while done < arguments.count:
        models = []
        while len(models) < min(SPECS_PER_LIBRARY, arguments.count - done):
            spec = maker.next()
            model = keras_model(spec)
            if model is not None:
                models.append((spec, model))
        comparison.run(models, random, number)
        done += len(models)
        number += 1
    for counts in (comparison.by_kind, comparison.by_algorithm):
        for name, count in sorted(counts.items()):
            print(f"{count:5} {name}")
    print(f"{done - comparison.failures} passed, {comparison.failures} failed")
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
