"""Input that is wrong in every way that has been thought of: told in one run, exit 1, never a crash."""

import os

from cli import SMALL, CliTest, main


class BadInput(CliTest):
    def refuse(self, content, *messages, code=1):
        """`content` is refused with all `messages`, at a place in the file."""
        self.write("bad.conv", content)
        result = self.check(code, "summary", "bad.conv")
        self.assertEqual(result.out, "")
        for message in messages:
            self.assertIn(message, result.err)
        return result

    def test_layers(self):
        for content, message in [
            ("Conv2D(32, 3, kernal_size=3, input_shape=(5, 5, 1))\n", "bad.conv:1:15: error:"),
            ("Conv2D(32, 3, strides=1, strides=2, input_shape=(5, 5, 1))\n", "strides"),
            ('Conv2D("32", 3, input_shape=(5, 5, 1))\n', "bad.conv:1:8: error:"),
            ("Conv2D(0, 3, input_shape=(5, 5, 1))\n", "bad.conv:1:8: error:"),
            ("Conv2D(4, -3, input_shape=(5, 5, 1))\n", "bad.conv:1:11: error:"),
            ("Conv2D(4, 3, input_shape=(5, 0, 1))\n", "error:"),
            ("Conv2D(4, 7, input_shape=(5, 5, 1))\n", "7"),
            ("Conv2D(4, 3, input_shape=(9223372036854775807, 9223372036854775807, 9))\n", "error:"),
            ("Conv2D(1, 1, input_shape=(65536, 32768, 1))\n", "error:"),
            ('Conv2D(4, 3, input_shape=(5, 5, 1), name="while")\n', "while"),
            ('Conv2D(4, 3, input_shape=(5, 5, 1), name="a b")\n'
             'Conv2D(4, 3, input_shape=(5, 5, 1), name="a_b")\n', "error:"),
            ('Conv2D(4, 3, input_shape=(5, 5, 1), dtype="int8")\n', "not supported yet"),
            ("", "holds no layers"),
            ("import keras\n", "error:"),
        ]:
            with self.subTest(content=content):
                self.refuse(content, message)

    def test_all_errors_come_in_one_run(self):
        self.refuse("Conv2D(0, 3, input_shape=(5, 5, 1))\n"
                    "Conv2D(4, 9, input_shape=(5, 5, 1))\n"
                    "Conv2D(4, 3, colour=1, input_shape=(5, 5, 1))\n",
                    "bad.conv:1:", "bad.conv:2:", "bad.conv:3:")

    def test_bytes(self):
        self.refuse(b"Conv2D(4, 3, input_shape=(5, 5, 1), name='\xff\xfe')\n", "UTF-8")
        self.refuse(SMALL.encode("utf-16"), "UTF-16")
        self.refuse(bytes(range(256)) * 10, "error:")
        self.write("crlf.conv", SMALL.replace("\n", "\r\n"))
        self.check(0, "summary", "crlf.conv")

    def test_sizes(self):
        self.refuse("[" * 10000 + "]" * 10000, "error:")
        self.refuse("Conv2D(" * 10000, "error:")
        self.refuse("#" * (50 << 20) + "\n", "holds no layers")
        self.refuse("x" * (50 << 20) + "\n", "error:")
        self.refuse("\n" * (70 << 20), "larger than 64 MiB")

    def test_files(self):
        for path in ("absent.conv", ".", "/dev/null/x.conv"):
            with self.subTest(path=path):
                result = self.check(1, "summary", path, "--name", "x")
                self.assertIn(f"{path}: error: ", result.err)
        if os.geteuid() == 0:
            print("[SKIP] a file without read permission: root may read everything")
        else:
            os.chmod(self.write("secret.conv", SMALL), 0)
            self.assertIn("Permission denied", self.check(1, "summary", "secret.conv").err)
        self.assertIn("net.onnx: error: ", self.check(1, "plan", "net.onnx").err)

    def test_library_names(self):
        spec = self.write("a.conv", SMALL)
        self.write("a-b.conv", SMALL)
        self.assertIn("--name", self.check(1, "summary", spec, "--name", "while").err)
        for verb in (["summary"], ["plan"]):
            result = self.convc(*verb, "a-b.conv")
            self.assertIn(result.code, (0, 1), str(result))


if __name__ == "__main__":
    main()
