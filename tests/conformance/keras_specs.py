"""Random specs that are valid Keras as they stand: lines and chains without convc's own arguments.
Nothing here looks at either implementation."""

import dataclasses

# Keras' names for activation=. Those of WHOLE_AXIS are over the last axis in Keras, whatever
# data_format says.
PIECEWISE = ["relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh", "soft_shrink",
             "sparse_plus", "sparse_sigmoid"]
SMOOTH = ["elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "log_sigmoid", "tanh",
          "tanh_shrink", "softplus", "softsign", "exponential", "squareplus", "swish",
          "hard_swish", "linear"]
# Without sparsemax: what Keras computes for it with JAX does not sum to 1.
WHOLE_AXIS = ["softmax", "log_softmax"]
# Where a value jumps, rounding may put it on either side; these come last in a chain.
JUMPS = {"hard_shrink": 0.5, "threshold": 0.7}


@dataclasses.dataclass
class Spec:
    name: str
    kind: str
    text: str
    batch: int
    jump: float | None = None
    shape: tuple = ()  # of the input, without its batch
    bare: bool = True  # a layer by itself, not a Sequential


class SpecMaker:
    """Draws specs from a random generator (numpy.random.Generator). Most are small, with sizes that
    nothing divides; one in ten has the channels of real networks, for which Winograd and the forms
    for many channels are planned."""

    WIDE = [32, 48, 64, 96, 128, 192]

    def __init__(self, random):
        self.random = random
        self.count = 0
        self.is_wide = False

    def one_of(self, items):
        return items[int(self.random.integers(len(items)))]

    def chance(self, probability):
        return self.random.random() < probability

    def between(self, low, high):
        return int(self.random.integers(low, high + 1))

    def channels(self, small):
        return self.one_of(self.WIDE if self.is_wide else small)

    def sizes(self, rank, low, high):
        """A number for all axes, or one for each."""
        if rank == 1 or self.chance(0.4):
            return self.between(low, high)
        return tuple(self.between(low, high) for _ in range(rank))

    def activation(self, last):
        names = PIECEWISE + SMOOTH
        if self.chance(0.15):
            names = WHOLE_AXIS
        elif last and self.chance(0.05):
            names = ["hard_shrink"]
        return self.one_of(names)

    def windows(self, rank, dilates=True):
        """kernel_size, and strides or dilation_rate, of which Keras takes one."""
        if self.is_wide and self.chance(0.7):  # what networks have
            return {"kernel_size": self.one_of([1, 3, 3, 5]), "strides": self.one_of([1, 1, 2])}
        arguments = {"kernel_size": self.sizes(rank, 1, 5 if rank < 3 else 3)}
        if self.chance(0.4):
            arguments["strides"] = self.sizes(rank, 1, 3)
        elif dilates and self.chance(0.35):
            arguments["dilation_rate"] = self.sizes(rank, 1, 3)
        return arguments

    def convolution(self, kind, rank, channels_last, causal=True):
        """The call's name, its arguments, and the channels of its input."""
        arguments, channels = {}, self.channels([1, 2, 3, 4, 6, 8, 12, 16, 20])
        padding = self.one_of(["valid", "same"])
        if kind == "Conv":
            groups = 1 if self.is_wide else self.one_of([1, 1, 1, 2, 3, 4])
            channels = groups * self.channels([1, 2, 3, 4, 5, 8])
            arguments["filters"] = groups * self.channels([1, 2, 3, 5, 8, 16])
            if groups > 1:
                arguments["groups"] = groups
            arguments.update(self.windows(rank))
            if rank == 1 and causal and channels_last and self.chance(0.3):
                padding = "causal"
        elif kind == "DepthwiseConv":
            arguments.update(self.windows(rank))
            if self.chance(0.5):
                arguments["depth_multiplier"] = self.between(1, 3)
        elif kind == "SeparableConv":
            arguments["filters"] = self.channels([1, 3, 8, 16, 20])
            arguments.update(self.windows(rank))
            if self.chance(0.4):
                arguments["depth_multiplier"] = self.between(1, 2)
        else:  # transposed
            arguments["filters"] = self.channels([1, 2, 3, 5, 8, 16])
            arguments.update(self.windows(rank, dilates=False))
            stride = arguments.get("strides", 1)
            least = min(stride) if isinstance(stride, tuple) else stride
            if least > 1 and self.chance(0.3):
                arguments["output_padding"] = self.between(0, least - 1)
        if padding != "valid" or self.chance(0.3):
            arguments["padding"] = padding
        if self.chance(0.2):
            arguments["use_bias"] = False
        if not channels_last:
            arguments["data_format"] = "channels_first"
        transposed = "Transpose" if kind == "Transpose" else ""
        call = f"{'Conv' if transposed else kind}{rank}D{transposed}"
        return call, arguments, channels

    def input_shape(self, rank, channels, channels_last):
        low, high = {1: (6, 40), 2: (5, 14), 3: (4, 8)}[rank]
        if self.is_wide and rank < 3:
            high *= 2
        sizes = tuple(self.between(low, high) for _ in range(rank))
        return (*sizes, channels) if channels_last else (channels, *sizes)

    @staticmethod
    def text_of(call, arguments):
        return f"{call}({', '.join(f'{name}={value!r}' for name, value in arguments.items())})"

    def layer_kind(self):
        if self.is_wide and self.chance(0.5):
            return "Conv", 2
        kind = self.one_of(["Conv", "Conv", "DepthwiseConv", "SeparableConv", "Transpose"])
        return kind, self.between(1, 3 if kind in ("Conv", "Transpose") else 2)

    def bare_layer(self):
        kind, rank = self.layer_kind()
        channels_last = self.chance(0.7)
        call, arguments, channels = self.convolution(kind, rank, channels_last)
        name = f"spec_{self.count}"
        jump = None
        if self.chance(0.6):
            arguments["activation"] = self.activation(last=True)
            jump = JUMPS.get(arguments["activation"])
        shape = self.input_shape(rank, channels, channels_last)
        arguments["input_shape"] = shape
        arguments["name"] = name
        return Spec(name, call, self.text_of(call, arguments), 1, jump, shape)

    def follower(self, rank, channels_last, last):
        """A layer after a convolution, and where it jumps."""
        axis = {} if channels_last else {"axis": 1}
        kinds = ["ReLU", "LeakyReLU", "ELU", "PReLU", "BatchNormalization", "BatchNormalization",
                 "Rescaling", "Activation", "ZeroPadding", "Identity", "Softmax"]
        kind = self.one_of(kinds)
        jump = None
        arguments = {}
        if kind == "ReLU":
            if self.chance(0.5):
                arguments["max_value"] = 6.0
            if self.chance(0.5):
                arguments["negative_slope"] = 0.25
            if last and self.chance(0.3):
                arguments["threshold"] = JUMPS["threshold"]
                jump = JUMPS["threshold"]
        elif kind == "LeakyReLU" and self.chance(0.5):
            arguments["negative_slope"] = 0.125
        elif kind == "ELU" and self.chance(0.5):
            arguments["alpha"] = 0.75
        elif kind == "PReLU":
            axes = list(range(1, rank + 1)) if channels_last else list(range(2, rank + 2))
            arguments["shared_axes"] = axes
        elif kind == "BatchNormalization":
            arguments.update(axis)
            for argument in ("center", "scale"):
                if self.chance(0.2):
                    arguments[argument] = False
            if self.chance(0.3):
                arguments["epsilon"] = 0.01
        elif kind == "Rescaling":
            arguments = {"scale": self.one_of([0.5, 2.0, -1.5]), "offset": self.one_of([0.0, 0.25])}
        elif kind == "Activation":
            arguments["activation"] = self.activation(last)
            jump = JUMPS.get(arguments["activation"])
        elif kind == "ZeroPadding":
            kind = f"ZeroPadding{rank}D"
            arguments["padding"] = self.sizes(rank, 0, 2)
            if not channels_last:
                arguments["data_format"] = "channels_first"
        elif kind == "Softmax" and self.chance(0.7):
            arguments["axis"] = self.one_of([-1, *range(1, rank + 2)])
        return kind, arguments, jump

    def chain(self):
        kind, rank = self.layer_kind()
        channels_last = self.chance(0.7)
        call, arguments, channels = self.convolution(kind, rank, channels_last)
        name = f"spec_{self.count}"
        shape = self.input_shape(rank, channels, channels_last)
        batch = self.one_of([1, 1, 2, 3])
        layers = [(call, arguments)]
        jump = None
        followers = self.between(1, 3)
        second = self.chance(0.3)
        for i in range(followers):
            follower, its_arguments, jump = self.follower(
                rank, channels_last, last=i == followers - 1 and not second)
            layers.append((follower, its_arguments))
        if second:
            its_arguments = {"filters": self.one_of([1, 4, 8]), "kernel_size": 1}
            if not channels_last:
                its_arguments["data_format"] = "channels_first"
            layers.append((f"Conv{rank}D", its_arguments))
        lines = [f"    Input(shape={shape!r}, batch_size={batch}),"]
        for i, (callee, its_arguments) in enumerate(layers):
            its_arguments["name"] = f"layer_{i}"
            lines.append(f"    {self.text_of(callee, its_arguments)},")
        text = f"Sequential(name={name!r}, layers=[\n" + "\n".join(lines) + "\n])"
        return Spec(name, f"Sequential of {call}", text, batch, jump, shape, bare=False)

    def next(self):
        self.is_wide = self.chance(0.1)
        spec = self.bare_layer() if self.chance(0.6) else self.chain()
        self.count += 1
        return spec
