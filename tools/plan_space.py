"""The plans that tools/planner_study.py measures for a layer: every algorithm that can compute it, every
register tile that does not spill, and blocks of all sizes. As text, as `convc plan` writes them."""
import random
import re

LAYER = re.compile(r"Conv2D\((?P<filters>\d+), (?P<kernel>\d+)(?P<rest>.*?)input_shape=\((?P<height>\d+), "
                   r"(?P<width>\d+), (?P<channels>\d+)\)(?:.*?)name=\"(?P<name>\w+)\"\)(?P<note>.*)")
# Vector registers and f32 lanes.
REGISTERS = {"avx2": (16, 8), "avx512": (32, 16)}
MOST_TILE_ROWS = 4
# split_channels is for images with too few pixels for a tile without parts: up to so many are worth measuring.
MOST_SPLIT_PIXELS = 64
PARTIAL_SUMS = range(2, 13)


class Layer:
    """A square Conv2D of a spec file, from its line."""

    def __init__(self, match):
        self.text = match[0].split("#")[0].strip()
        self.name, self.held_out = match["name"], "held out" in match["note"]
        number = lambda pattern, default: int((re.search(pattern, match["rest"]) or [0, default])[1])
        self.filters, self.kernel, self.channels = (int(match[k]) for k in ("filters", "kernel", "channels"))
        self.height, self.width = int(match["height"]), int(match["width"])
        self.stride, self.pad = number(r"strides=(\d+)", 1), number(r"padding=\(\((\d+)", 0)
        out = lambda size: (size + 2 * self.pad - self.kernel) // self.stride + 1
        self.out_height, self.out_width = out(self.height), out(self.width)

    @property
    def flops(self):
        return 2 * self.out_height * self.out_width * self.filters * self.channels * self.kernel ** 2

    def algorithms(self):
        """Those that can compute it, of the ones that are not for other kinds of layers."""
        found = ["direct"]
        if self.kernel == 1 and self.stride == 1 and self.pad == 0:
            found.append("pointwise")
        if self.kernel == 1 and self.stride > 1 and self.pad == 0:
            found.append("subsampled")
        if self.out_height * self.out_width <= MOST_SPLIT_PIXELS and self.partial_sums():
            found.append("split_channels")
        if self.channels <= 4:
            found.append("few_channels")
        if self.kernel == 3 and self.stride <= 2 and self.filters >= 8:
            found.append("winograd")
        return found

    def partial_sums(self):
        return [parts for parts in PARTIAL_SUMS if self.channels % parts == 0]

    def line(self, name):
        return self.text.replace(f'name="{self.name}"', f'name="{name}"')


def layers_of(path):
    matches = (LAYER.match(line) for line in path.read_text().splitlines())
    return [Layer(match) for match in matches if match]


def up(value, step):
    return (value + step - 1) // step * step


def register_tiles(isa, rows, columns, filters, parts=1):
    """(height, width, vectors) of 12 to 28 accumulators. 16 registers hold 12 at most: there, of 8.
    Each sum has an accumulator for each of its parts."""
    registers, lanes = REGISTERS[isa]
    most = registers - 4
    least = 12 if most > 12 else 8
    for vectors in range(1, -(-filters // lanes) + 1):
        for height in range(1, min(rows, MOST_TILE_ROWS) + 1):
            for width in range(1, columns + 1):
                accumulators = height * width * vectors * parts
                if least <= accumulators <= most and accumulators + vectors + 1 <= registers:
                    yield height, width, vectors


def blocks(total, step, least):
    """Block sizes of whole steps: doubling from `least`, then everything."""
    sizes, size = [], up(least, step)
    while size < total:
        sizes.append(size)
        size = up(2 * size, step)
    return sizes + [total]


def plan_text(algorithm, lanes, tile, channel_block, row_block, panel_block, order, output_tile=0, parts=1):
    text = (f"{algorithm} lanes={lanes} tile={'x'.join(map(str, tile))} channel_block={channel_block} "
            f"row_block={row_block} column_block=0 panel_block={panel_block} order={order}")
    return text + (f" output_tile={output_tile}" if output_tile else "") + (
        f" partial_sums={parts}" if parts > 1 else "")


def tiled_plans(layer, isa, algorithm, parts=1):
    """Per register tile, all blocks and orders: direct, few_channels, pointwise, subsampled, split_channels."""
    flat = algorithm in ("pointwise", "subsampled")
    lanes = REGISTERS[isa][1]
    rows, columns = (1, layer.out_height * layer.out_width) if flat else (layer.out_height, layer.out_width)
    channel_blocks = [0]
    if algorithm == "direct":
        channel_blocks += [c for c in (32, 64, 128, 256, 512) if c < layer.channels and layer.channels % c == 0]
    for tile in register_tiles(isa, rows, columns, layer.filters, parts):
        panels = -(-layer.filters // (tile[2] * lanes))
        row_blocks = blocks(columns, tile[1], 24) if flat else blocks(rows, tile[0], 1)
        yield [plan_text(algorithm, lanes, tile, channel_block, row_block, panel_block, order, parts=parts)
               for channel_block in channel_blocks
               if channel_block == 0 or tile[0] == 1
               for row_block in row_blocks
               for panel_block in sorted({0, -(-panels // 2) if panels > 1 else 0})
               for order in ("filters_outer", "pixels_outer")]


def winograd_plans(layer, isa):
    lanes = REGISTERS[isa][1]
    for output_tile in (2, 4, 6) if layer.stride == 1 else (2, 4):
        tiles_per_row = -(-layer.out_width // output_tile)
        tiles = tiles_per_row * -(-layer.out_height // output_tile)
        for tile in register_tiles(isa, 1, tiles, layer.filters):
            panels = -(-layer.filters // (tile[2] * lanes))
            row_blocks = [block if block < layer.out_height else 0
                          for block in blocks(layer.out_height, output_tile, output_tile)]
            yield [plan_text("winograd", lanes, tile, 0, row_block, panel_block, order, output_tile)
                   for row_block in row_blocks
                   for panel_block in sorted({0, panels // 2 if panels % 2 == 0 else 0})
                   for order in ("filters_outer", "pixels_outer")]


def plans_by_tile(layer, isa, algorithm):
    if algorithm == "winograd":
        return list(winograd_plans(layer, isa))
    if algorithm == "split_channels":
        return [of_tile for parts in layer.partial_sums()
                for of_tile in tiled_plans(layer, isa, algorithm, parts)]
    return list(tiled_plans(layer, isa, algorithm))


def plans_of(layer, isa, count):
    """`count` plans, the same each time: in turn one of each algorithm's register tiles, at random."""
    rng = random.Random(layer.name)
    groups = []
    for algorithm in layer.algorithms():
        of_tiles = plans_by_tile(layer, isa, algorithm)
        rng.shuffle(of_tiles)
        for of_tile in of_tiles:
            rng.shuffle(of_tile)
        groups.append(of_tiles)
    chosen = []
    turn = 0
    while len(chosen) < count and any(any(of_tiles) for of_tiles in groups):
        of_tiles = groups[turn % len(groups)]
        turn += 1
        of_tiles[:] = [of_tile for of_tile in of_tiles if of_tile]
        if of_tiles:
            of_tile = of_tiles.pop(0)
            chosen.append(of_tile.pop())
            of_tiles.append(of_tile)
    return chosen
