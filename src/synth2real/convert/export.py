"""A generator as an ONNX file, for runtimes that have neither JAX nor this package.

Its inputs are `images`, uint8 [N, H, W, C], `labels`, int64 [N], `noise`, float32 [N, Z] in
[-1, 1], and of a generator that bends `strength`, float32 [N] in [0, 1]; its output is
`converted`, uint8 [N, H, W, C]. Converters of JAX programs (jax2onnx 0.17) need older packages than
training does.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from synth2real.convert.converter import Converter
from synth2real.errors import InputError
from synth2real.gan.bend import BRIGHTEST, EPSILON, PAINT, REACH, BendGenerator, StyledNorm
from synth2real.gan.networks import BN_EPSILON, LEAKINESS, SIGNED, Generator
from synth2real.io.files import check_new, write_atomically
from synth2real.nn.layers import cubic
from synth2real.spec import ImageSpec

OPSET = 20  # the first whose GridSample has four axes and "linear"


def export_onnx(converter: Converter, path: Path) -> dict[str, str]:
    """Writes a GAN's generator; returns its inputs and their shapes.

    Raises:
        InputError: the package onnx is not there, or the file is there already.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise InputError("onnx is not installed; `.venv/bin/pip install onnx` adds it") from error
    check_new(path)
    generator, spec = converter.generator, converter.gan.spec
    module = nnx.merge(converter.gan.generator, generator.params, generator.stats, copy=True)
    graph = _Graph(onnx)
    images = graph.input("images", "UINT8", ["N", *spec.shape])
    labels = graph.input("labels", "INT64", ["N"])
    noise = graph.input("noise", "FLOAT", ["N", converter.gan.config.noise_dim])
    scale, shift = (np.float32(value) for value in SIGNED)
    x = graph("Cast", graph("Transpose", images, perm=[0, 3, 1, 2]), to=onnx.TensorProto.FLOAT)
    x = graph("Add", graph("Mul", x, scale), shift)
    if isinstance(module, BendGenerator):
        strength = graph.input("strength", "FLOAT", ["N"])
        converted = _bend_and_paint(graph, module, spec, x, labels, noise, strength)
    else:
        converted = _paint(graph, module, spec, x, noise)
    pixels = graph("Round", graph("Mul", graph("Add", converted, np.float32(1)), np.float32(127.5)))
    pixels = graph("Cast", pixels, to=onnx.TensorProto.UINT8)
    graph.output("converted", graph("Transpose", pixels, perm=[0, 2, 3, 1]), ["N", *spec.shape])
    with write_atomically(path) as temporary:
        onnx.save(graph.model(), temporary)
    return {name: str(shape) for name, shape in graph.shapes.items()}


class _Graph:
    """An ONNX graph that grows by calls: `graph("Relu", x)` adds a node and names its output."""

    def __init__(self, onnx: Any):
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.shapes: dict[str, str] = {}

    def __call__(self, kind: str, *operands: Any, **attributes: Any) -> str:
        names = [o if isinstance(o, str) else self.constant(o) for o in operands]
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, names, [output], **attributes))
        return output

    def constant(self, value: Any) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def input(self, name: str, kind: str, shape: Sequence[int | str]) -> str:
        self.inputs.append(self._value(name, kind, shape))
        self.shapes[name] = f"{kind.lower()} {list(shape)}".replace("'", "")
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))
        self.outputs.append(self._value(name, "UINT8", shape))

    def _value(self, name: str, kind: str, shape: Sequence[int | str]) -> Any:
        number = getattr(self.onnx.TensorProto, kind)
        return self.onnx.helper.make_tensor_value_info(name, number, list(shape))

    def model(self) -> Any:
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, "generator", self.inputs, self.outputs, self.constants
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="synth2real")
        model.ir_version = 10
        self.onnx.checker.check_model(model)
        return model


def _conv(graph: _Graph, layer: nnx.Conv, x: str) -> str:
    """A convolution of NCHW with "SAME" padding, more of it at the end."""
    kernel_OxIxKxK = np.asarray(layer.kernel[...]).transpose(3, 2, 0, 1)
    bias = [] if layer.bias is None else [np.asarray(layer.bias[...])]
    strides = [_stride(layer)] * 2
    return graph("Conv", x, kernel_OxIxKxK, *bias, auto_pad="SAME_UPPER", strides=strides)


def _stride(layer: nnx.Conv) -> int:
    """The stride of a convolution, the same along both sides."""
    return int(np.ravel(np.array(layer.strides))[0])


def _dense(graph: _Graph, layer: nnx.Linear, x: str) -> str:
    product = graph("MatMul", x, np.asarray(layer.kernel[...]))
    return product if layer.bias is None else graph("Add", product, np.asarray(layer.bias[...]))


def _leaky(graph: _Graph, x: str) -> str:
    return graph("LeakyRelu", x, alpha=LEAKINESS)


def _blocks(graph: _Graph, x: str, block: int, spec: ImageSpec) -> str:
    """`synth2real.nn.layers.space_to_depth`."""
    rows, columns = -spec.height % block, -spec.width % block
    if rows or columns:
        pads = np.array([0, 0, 0, 0, 0, 0, rows, columns], np.int64)
        x = graph("Pad", x, pads, mode="edge")
    return graph("SpaceToDepth", x, blocksize=block) if block > 1 else x


def _pixels(graph: _Graph, x: str, block: int, spec: ImageSpec) -> str:
    """`synth2real.nn.layers.depth_to_space`."""
    if block == 1:
        return x
    x = graph("DepthToSpace", x, blocksize=block, mode="DCR")
    ends = np.array([spec.height, spec.width], np.int64)
    return graph("Slice", x, np.zeros(2, np.int64), ends, np.array([2, 3], np.int64))


def _bend_and_paint(
    graph: _Graph, g: BendGenerator, spec: ImageSpec, x: str, labels: str, noise: str, strength: str
) -> str:
    off_on = np.array([0, math.sqrt(g.classes)], np.float32)
    one_hot = graph("OneHot", labels, np.int64(g.classes), off_on, axis=-1)
    wide_noise = graph("Mul", noise, np.float32(math.sqrt(3)))
    style = _leaky(graph, _dense(graph, g.style, graph("Concat", one_hot, wide_noise, axis=1)))
    strength_Nx1x1 = graph("Reshape", strength, np.array([-1, 1, 1], np.int64))
    strength_Nx1x1x1 = graph("Reshape", strength, np.array([-1, 1, 1, 1], np.int64))

    h = _blocks(graph, x, g.block, spec)
    for conv in g.convs_in:
        h = _leaky(graph, _conv(graph, conv, h))
    h = _leaky(graph, _styled(graph, g.bend_block, h, style))
    size_2 = np.array([spec.height, spec.width], np.float32)
    reach_2x1x1 = (REACH * size_2).reshape(2, 1, 1)
    coarse = graph("Mul", graph("Tanh", _conv(graph, g.displacement, h)), reach_2x1x1)
    coarse = graph("Mul", coarse, strength_Nx1x1x1)
    # As many places as the strides of the convolutions leave.
    rows, columns = spec.height, spec.width
    for stride in (g.block, *map(_stride, g.convs_in)):
        rows, columns = -(-rows // stride), -(-columns // stride)
    smooth = graph("MatMul", cubic(rows, spec.height), coarse)
    smooth = graph("MatMul", smooth, cubic(columns, spec.width).T)

    flat = graph("Flatten", graph("Transpose", h, perm=[0, 2, 3, 1]))
    hidden = _leaky(graph, _dense(graph, g.dense, flat))
    change = graph("Tanh", _dense(graph, g.affine, graph("Concat", hidden, style, axis=1)))
    change = graph("Reshape", change, np.array([-1, 2, 3], np.int64))
    scale_2x3 = REACH * size_2[:, None] / np.array([*(size_2 / 2), 1.0], np.float32)
    change = graph("Mul", graph("Mul", change, scale_2x3.astype(np.float32)), strength_Nx1x1)
    maps_Nx2x3 = graph("Add", change, np.eye(2, 3, dtype=np.float32))
    bent = _resample(graph, g, spec, x, maps_Nx2x3, smooth)

    h = _conv(graph, g.paint_in, _blocks(graph, bent, g.block, spec))
    for block in g.paint_blocks:
        h = _styled(graph, block, h, style)
    paint = _pixels(graph, _conv(graph, g.paint_out, _leaky(graph, h)), g.block, spec)
    paint = graph("Mul", graph("Mul", paint, np.float32(PAINT)), strength_Nx1x1x1)
    limits = np.float32(-BRIGHTEST), np.float32(BRIGHTEST)
    return graph("Tanh", graph("Add", graph("Atanh", graph("Clip", bent, *limits)), paint))


def _resample(
    graph: _Graph, g: BendGenerator, spec: ImageSpec, x: str, maps_Nx2x3: str, smooth: str
) -> str:
    """`synth2real.nn.augment.resample` at the places of `sampling_grid` and a displacement."""
    height, width = spec.height, spec.width
    centre_2x1 = np.array([[height - 1], [width - 1]], np.float32) / 2
    places_2xP = np.indices((height, width), np.float32).reshape(2, -1) - centre_2x1
    turned_and_moved = np.concatenate([places_2xP, np.ones((1, height * width), np.float32)])
    grid = graph("Add", graph("MatMul", maps_Nx2x3, turned_and_moved), centre_2x1)
    grid = graph("Add", graph("Reshape", grid, np.array([-1, 2, height, width], np.int64)), smooth)
    # ONNX has (x, y), and -1 and 1 at the outer edges of the outermost pixels.
    size_2x1x1 = np.array([height, width], np.float32).reshape(2, 1, 1)
    grid = graph("Sub", graph("Mul", grid, 2 / size_2x1x1), 1 - 1 / size_2x1x1)
    grid = graph("Gather", grid, np.array([1, 0], np.int64), axis=1)
    grid = graph("Transpose", grid, perm=[0, 2, 3, 1])
    if g.fill is None:
        return graph("GridSample", x, grid, mode="linear", padding_mode="reflection")
    colour_Cx1x1 = np.array(g.fill, np.float32).reshape(-1, 1, 1)
    difference = graph("Sub", x, colour_Cx1x1)
    sampled = graph("GridSample", difference, grid, mode="linear", padding_mode="zeros")
    return graph("Add", sampled, colour_Cx1x1)


def _styled(graph: _Graph, block: Any, x: str, style: str) -> str:
    """`synth2real.gan.bend.StyledBlock`."""
    h = _conv(graph, block.conv1, _leaky(graph, _norm(graph, block.norm1, x, style)))
    return graph(
        "Add", x, _conv(graph, block.conv2, _leaky(graph, _norm(graph, block.norm2, h, style)))
    )


def _norm(graph: _Graph, norm: StyledNorm, x: str, style: str) -> str:
    """`synth2real.gan.bend.StyledNorm`: a group's moments are means of its channels'."""
    channels = norm.dense.out_features // 2
    group = channels // norm.groups
    means_CxC = np.kron(np.eye(norm.groups), np.full((group, group), 1 / group)).astype(np.float32)
    axes = np.array([2, 3], np.int64)

    def mean(value: str) -> str:
        return graph("MatMul", graph("ReduceMean", value, axes, keepdims=0), means_CxC)

    mean_NxC = mean(x)
    variance = graph("Sub", mean(graph("Mul", x, x)), graph("Mul", mean_NxC, mean_NxC))
    variance = graph("Add", graph("Max", variance, np.float32(0)), np.float32(EPSILON))
    scale_and_shift = _dense(graph, norm.dense, style)
    scale, shift = (
        graph("Slice", scale_and_shift, *(np.array([n], np.int64) for n in (start, end, 1)))
        for start, end in ((0, channels), (channels, 2 * channels))
    )
    factor = graph("Div", graph("Add", scale, np.float32(1)), graph("Sqrt", variance))
    offset = graph("Sub", shift, graph("Mul", mean_NxC, factor))
    factor, offset = (
        graph("Reshape", value, np.array([-1, channels, 1, 1], np.int64))
        for value in (factor, offset)
    )
    return graph("Add", graph("Mul", x, factor), offset)


def _paint(graph: _Graph, g: Generator, spec: ImageSpec, x: str, noise: str) -> str:
    """`synth2real.gan.networks.Generator`, as it is after training."""
    plane = graph("Relu", _batch_norm(graph, g.noise_bn, _dense(graph, g.noise, noise), ()))
    plane = graph("Reshape", plane, np.array([-1, 1, spec.height, spec.width], np.int64))
    h = _blocks(graph, graph("Concat", x, plane, axis=1), g.block, spec)
    h = graph("Relu", _conv(graph, g.conv_in, h))
    for block in g.blocks:
        inner = _batch_norm(graph, block.bn1, _conv(graph, block.conv1, h), (1, 1))
        inner = _conv(graph, block.conv2, graph("Relu", inner))
        h = graph("Add", h, _batch_norm(graph, block.bn2, inner, (1, 1)))
    return graph("Tanh", _pixels(graph, _conv(graph, g.conv_out, h), g.block, spec))


def _batch_norm(graph: _Graph, bn: nnx.BatchNorm, x: str, after: tuple[int, ...]) -> str:
    """Batch normalisation by the averages of training; `after` are axes behind the channels."""
    mean, variance, bias = (
        np.asarray(value).reshape(-1, *after) for value in (bn.mean, bn.var, bn.bias)
    )
    factor = 1 / np.sqrt(variance + BN_EPSILON)
    return graph("Add", graph("Mul", x, factor), bias - mean * factor)
