"""Compiles specs or models with convc, links the library and the runtime into a shared object, and
runs its functions from Python: what is tested is the library that users link. Needs NumPy and a C
linker."""

import ctypes
import os
import subprocess

import numpy

ALIGNMENT = 64
ABI_VERSION = 3


class Product(ctypes.Structure):
    """convc_product"""

    _fields_ = [("factor", ctypes.c_int64), ("count", ctypes.c_uint32),
                ("sizes", ctypes.c_uint32 * 4), ("reserved", ctypes.c_uint32)]


class Tensor(ctypes.Structure):
    """convc_tensor"""

    _fields_ = [("name", ctypes.c_char_p), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("rank", ctypes.c_uint32), ("dtype", ctypes.c_uint32), ("bytes", ctypes.c_uint64),
                ("open_shape", ctypes.POINTER(Product)), ("open_elements", Product),
                ("open_gap", Product)]

    def sizes(self):
        return tuple(self.shape[i] for i in range(self.rank))


class Kernel(ctypes.Structure):
    """convc_kernel"""

    _fields_ = [("abi_version", ctypes.c_uint32), ("struct_bytes", ctypes.c_uint32),
                ("name", ctypes.c_char_p), ("inputs", ctypes.POINTER(Tensor)),
                ("outputs", ctypes.POINTER(Tensor)), ("variables", ctypes.POINTER(Tensor)),
                ("variants", ctypes.c_void_p), ("input_count", ctypes.c_uint32),
                ("output_count", ctypes.c_uint32), ("variable_count", ctypes.c_uint32),
                ("variant_count", ctypes.c_uint32), ("sizes", ctypes.c_void_p),
                ("size_count", ctypes.c_uint32), ("open_count", ctypes.c_uint32)]


def aligned(byte_count):
    """A buffer as `packed` and `workspace` need it, filled with what is no number."""
    buffer = numpy.full(byte_count + ALIGNMENT, 0xFF, numpy.uint8)
    skip = -buffer.ctypes.data % ALIGNMENT
    return buffer[skip:skip + byte_count]


class CompileError(Exception):
    """What convc said on stderr."""


def run_convc(convc, arguments, environment=None):
    process = subprocess.run([convc, *arguments], capture_output=True, text=True, check=False,
                             env={**os.environ, "NO_COLOR": "1", **(environment or {})})
    if process.returncode != 0:
        raise CompileError(f"exit {process.returncode}: {process.stderr}{process.stdout}")
    return process


class Library:
    """The functions of `files`, compiled by `convc` for `target` into `directory`."""

    def __init__(self, convc, runtime, files, name, directory, cache, target="host"):
        run_convc(convc, ["compile", *files, "--name", name, "-o", directory, "--cache", cache,
                          "--target", target, "-j2"])
        shared = os.path.join(directory, f"lib{name}.so")
        subprocess.run(
            ["gcc-12", "-shared", "-o", shared, "-Wl,--whole-archive",
             os.path.join(directory, f"lib{name}.a"), "-Wl,--no-whole-archive", runtime,
             "-lm", "-lpthread"], check=True)
        self.name = name
        self.object = ctypes.CDLL(shared)
        self.object.convc_last_error.restype = ctypes.c_char_p
        for function in ("convc_packed_bytes", "convc_workspace_bytes"):
            getattr(self.object, function).restype = ctypes.c_size_t

    def function(self, name):
        return Function(self.object, f"{self.name}_{name}")


class Function:
    """One function of a library."""

    def __init__(self, shared, prefix):
        self.shared = shared
        self.prefix = prefix
        self.kernel = Kernel.in_dll(shared, f"{prefix}_kernel")
        assert self.kernel.abi_version == ABI_VERSION, "convc_kernel has changed"
        assert self.kernel.struct_bytes == ctypes.sizeof(Kernel), "convc_kernel has changed"

    def _tensors(self, array, count):
        return [(array[i].name.decode(), array[i].sizes()) for i in range(count)]

    def inputs(self):
        """Pairs of name and shape."""
        return self._tensors(self.kernel.inputs, self.kernel.input_count)

    def outputs(self):
        return self._tensors(self.kernel.outputs, self.kernel.output_count)

    def variables(self):
        return self._tensors(self.kernel.variables, self.kernel.variable_count)

    def _check(self, status):
        if status != 0:
            raise RuntimeError(f"{self.prefix}: {self.shared.convc_last_error().decode()}")

    def run(self, inputs, variables):
        """The outputs for arrays in the order of `inputs` and `variables`, with their sizes."""
        kernel = ctypes.byref(self.kernel)
        arrays = [numpy.ascontiguousarray(a, numpy.float32) for a in (*inputs, *variables)]
        for array, (name, shape) in zip(arrays, self.inputs() + self.variables(), strict=True):
            assert array.shape == shape, f"{self.prefix} {name}: {array.shape} for {shape}"
        images, weights = arrays[:len(inputs)], arrays[len(inputs):]
        outputs = [numpy.full(shape, numpy.nan, numpy.float32) for _, shape in self.outputs()]
        packed_bytes = ctypes.c_size_t(self.shared.convc_packed_bytes(kernel, None))
        packed = aligned(packed_bytes.value)
        if weights:
            pointers = (ctypes.c_void_p * len(weights))(*(a.ctypes.data for a in weights))
            self._check(getattr(self.shared, f"{self.prefix}_pack")(
                pointers, ctypes.c_void_p(packed.ctypes.data), packed_bytes, None))
        workspace_bytes = ctypes.c_size_t(self.shared.convc_workspace_bytes(kernel, None))
        workspace = aligned(workspace_bytes.value)
        buffers = images + outputs
        io = (ctypes.c_void_p * len(buffers))(*(a.ctypes.data for a in buffers))
        self._check(getattr(self.shared, f"{self.prefix}_run")(
            io, ctypes.c_void_p(packed.ctypes.data), packed_bytes,
            ctypes.c_void_p(workspace.ctypes.data), workspace_bytes, None))
        return outputs
