"""What the command-line tests share: running convc, scratch directories, .npy files without NumPy."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

CONVC = os.environ["CONVC"]

TEXTBOOK = """\
Sequential(name="textbook", layers=[
    Input(shape=(5, 5, 1)),
    Conv2D(32, 3, padding="same", name="first"),
    Conv2D(64, 3, padding="same", name="second"),
])
"""
EDGES = """\
Conv2D(1, 3, kernel=[[1, 0, -1], [1, 0, -1], [1, 0, -1]], use_bias=False,
       input_shape=(5, 5, 1), name="vertical")
"""
SMALL = 'Conv2D(4, 3, padding="same", activation="relu", input_shape=(7, 6, 2), name="small")\n'


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def __str__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class CliTest(unittest.TestCase):
    """Each test has an empty directory, and one kernel cache for the whole run."""

    maxDiff = None
    cache = tempfile.mkdtemp(prefix="convc-test-cache-")

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="convc-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.path(name), mode) as file:
            file.write(content)
        return self.path(name)

    def read(self, name, mode="r"):
        with open(self.path(name), mode) as file:
            return file.read()

    def environment(self):
        # No user's cache or colours may change what is tested.
        return {**os.environ, "XDG_CACHE_HOME": self.cache, "NO_COLOR": "1"}

    def convc(self, *arguments, **keywords):
        process = subprocess.run(
            [CONVC, *arguments], capture_output=True, text=True, errors="replace", timeout=300,
            cwd=self.directory, env=self.environment(), check=False, **keywords)
        return Result(process)

    def check(self, code, *arguments, **keywords):
        """Runs convc, which must end with `code` and without calling it a bug of its own."""
        result = self.convc(*arguments, **keywords)
        self.assertEqual(result.code, code, str(result))
        self.assertNotIn("internal error", result.err)
        self.assertNotIn("terminate called", result.err)
        return result


def npy(shape, values, descr="<f4", fortran=False, code="f"):
    header = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {tuple(shape)!r}, }}"
    header += " " * (63 - (10 + len(header)) % 64) + "\n"
    data = struct.pack(f"<{len(values)}{code}", *values)
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data


def read_npy(content):
    """Shape and values of a float32 file in C order."""
    length = struct.unpack("<H", content[8:10])[0]
    header = eval(content[10 : 10 + length])  # of a file that this test has convc write
    assert header["descr"] == "<f4" and not header["fortran_order"], header
    data = content[10 + length :]
    return header["shape"], list(struct.unpack(f"<{len(data) // 4}f", data))


def main():
    try:
        unittest.main(verbosity=1)
    finally:
        shutil.rmtree(CliTest.cache, ignore_errors=True)
        sys.stdout.flush()
