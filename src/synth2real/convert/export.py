"""A generator as an ONNX file, for runtimes that have neither JAX nor this package.

Its inputs are `images`, uint8 [N, H, W, C], `labels`, int64 [N], `noise`, float32 [N, Z] in
[-1, 1], of a generator that bends `strength`, float32 [N] in [0, 1], and of one that paints over
real images `exemplar`, uint8 [N, H, W, C]. Its output is `converted`, uint8 [N, H, W, C].
Converters of JAX programs (jax2onnx 0.17) need older packages than training does.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from flax import nnx

from synth2real.convert.converter import Converter
from synth2real.convert.graph import (
    Graph,
    add_blocks,
    add_conv,
    add_crop,
    add_dense,
    add_leaky,
    add_pixels,
    add_signed,
    stride_of,
)
from synth2real.errors import InputError
from synth2real.gan.bend import BRIGHTEST, EPSILON, PAINT, REACH, Bend, BendGenerator, StyledNorm
from synth2real.gan.exemplar import MASK, ExemplarGenerator
from synth2real.gan.networks import BN_EPSILON, Generator
from synth2real.io.files import check_new, write_atomically
from synth2real.io.weights import save_weights
from synth2real.nn.layers import cubic
from synth2real.spec import ImageSpec


def export_weights(converter: Converter, path: Path) -> None:
    """Writes the generator's parameters and statistics, named as in the GAN's file.

    Raises:
        InputError: the file is there already.
    """
    check_new(path)
    generator = {"params": converter.generator.params, "stats": converter.generator.stats}
    save_weights(path, {"generator": generator}, converter.gan.about | {"network": "generator"})


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
    graph = Graph(onnx)
    images = graph.input("images", "UINT8", ["N", *spec.shape])
    labels = graph.input("labels", "INT64", ["N"])
    noise = graph.input("noise", "FLOAT", ["N", converter.gan.config.noise_dim])
    x = add_signed(graph, images)
    if isinstance(module, Bend):
        strength = graph.input("strength", "FLOAT", ["N"])
        bent, style = _bend(graph, module, spec, x, labels, noise, strength)
        if isinstance(module, ExemplarGenerator):
            exemplar = add_signed(graph, graph.input("exemplar", "UINT8", ["N", *spec.shape]))
            converted = _paint_over(graph, module, spec, bent, style, exemplar)
        else:
            assert isinstance(module, BendGenerator)
            converted = _paint_ink(graph, module, spec, bent, style, strength)
    else:
        converted = _paint(graph, module, spec, x, noise)
    pixels = graph("Round", graph("Mul", graph("Add", converted, np.float32(1)), np.float32(127.5)))
    pixels = graph("Cast", pixels, to=onnx.TensorProto.UINT8)
    graph.output("converted", graph("Transpose", pixels, perm=[0, 2, 3, 1]), ["N", *spec.shape])
    with write_atomically(path) as temporary:
        onnx.save(graph.model(), temporary)
    return {name: str(shape) for name, shape in graph.shapes.items()}


def _bend(
    graph: Graph, g: Bend, spec: ImageSpec, x: str, labels: str, noise: str, strength: str
) -> tuple[str, str]:
    """`synth2real.gan.bend.Bend`: bent images, and the style."""
    off_on = np.array([0, math.sqrt(g.classes)], np.float32)
    one_hot = graph("OneHot", labels, np.int64(g.classes), off_on, axis=-1)
    wide_noise = graph("Mul", noise, np.float32(math.sqrt(3)))
    style = add_leaky(
        graph, add_dense(graph, g.style, graph("Concat", one_hot, wide_noise, axis=1))
    )
    strength_Nx1x1 = graph("Reshape", strength, np.array([-1, 1, 1], np.int64))
    strength_Nx1x1x1 = graph("Reshape", strength, np.array([-1, 1, 1, 1], np.int64))

    h = add_blocks(graph, x, g.block, spec)
    for conv in g.convs_in:
        h = add_leaky(graph, add_conv(graph, conv, h))
    h = add_leaky(graph, _styled(graph, g.bend_block, h, style))
    size_2 = np.array([spec.height, spec.width], np.float32)
    reach_2x1x1 = (REACH * size_2).reshape(2, 1, 1)
    coarse = graph("Mul", graph("Tanh", add_conv(graph, g.displacement, h)), reach_2x1x1)
    coarse = graph("Mul", coarse, strength_Nx1x1x1)
    # As many places as the strides of the convolutions leave.
    rows, columns = spec.height, spec.width
    for stride in (g.block, *map(stride_of, g.convs_in)):
        rows, columns = -(-rows // stride), -(-columns // stride)
    smooth = graph("MatMul", cubic(rows, spec.height), coarse)
    smooth = graph("MatMul", smooth, cubic(columns, spec.width).T)

    flat = graph("Flatten", graph("Transpose", h, perm=[0, 2, 3, 1]))
    hidden = add_leaky(graph, add_dense(graph, g.dense, flat))
    change = graph("Tanh", add_dense(graph, g.affine, graph("Concat", hidden, style, axis=1)))
    change = graph("Reshape", change, np.array([-1, 2, 3], np.int64))
    scale_2x3 = REACH * size_2[:, None] / np.array([*(size_2 / 2), 1.0], np.float32)
    change = graph("Mul", graph("Mul", change, scale_2x3.astype(np.float32)), strength_Nx1x1)
    maps_Nx2x3 = graph("Add", change, np.eye(2, 3, dtype=np.float32))
    return _resample(graph, g, spec, x, maps_Nx2x3, smooth), style


def _paint_features(graph: Graph, g: Bend, spec: ImageSpec, x: str, style: str) -> str:
    """`Bend.paint_features`."""
    h = add_conv(graph, g.paint_in, add_blocks(graph, x, g.block, spec))
    for block in g.paint_blocks:
        h = _styled(graph, block, h, style)
    return add_leaky(graph, h)


def _paint_ink(
    graph: Graph, g: BendGenerator, spec: ImageSpec, bent: str, style: str, strength: str
) -> str:
    """`BendGenerator.paint`."""
    h = _paint_features(graph, g, spec, bent, style)
    paint = add_pixels(graph, add_conv(graph, g.paint_out, h), g.block, spec)
    strength_Nx1x1x1 = graph("Reshape", strength, np.array([-1, 1, 1, 1], np.int64))
    paint = graph("Mul", graph("Mul", paint, np.float32(PAINT)), strength_Nx1x1x1)
    x, paint = _inside(graph, bent), graph("Tanh", paint)
    divisor = graph("Add", graph("Mul", x, paint), np.float32(1))
    return graph("Div", graph("Add", x, paint), divisor)


def _paint_over(
    graph: Graph, g: ExemplarGenerator, spec: ImageSpec, bent: str, style: str, exemplar: str
) -> str:
    """`ExemplarGenerator.paint`."""
    both = graph("Concat", bent, exemplar, axis=1)
    h = _paint_features(graph, g, spec, both, style)
    h = add_leaky(graph, add_conv(graph, g.narrow, h))
    if g.block > 1:
        scales = np.array([1, 1, g.block, g.block], np.float32)
        h = graph(
            "Resize",
            h,
            "",
            scales,
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )
        h = add_crop(graph, h, spec)
    h = add_leaky(graph, add_conv(graph, g.fine, graph("Concat", h, both, axis=1)))
    sizes = np.array([spec.channels, spec.channels, 1], np.int64)
    out = add_conv(graph, g.paint_out, h)
    gain, paint, mask = graph.several("Split", 3, out, sizes, axis=1)
    share = graph("Sigmoid", graph("Mul", mask, np.float32(MASK)))
    gain = graph("Add", graph("Mul", gain, np.float32(PAINT)), np.float32(1))
    under = graph("Mul", gain, _pixel_logits(graph, exemplar))
    under = graph("Mul", graph("Sub", np.float32(1), share), under)
    over = graph("Mul", share, _pixel_logits(graph, bent))
    paint = graph("Mul", paint, np.float32(PAINT))
    return graph("Tanh", graph("Add", graph("Add", over, under), paint))


def _pixel_logits(graph: Graph, x: str) -> str:
    """`synth2real.gan.bend.pixel_logits`."""
    return graph("Atanh", _inside(graph, x))


def _inside(graph: Graph, x: str) -> str:
    """Pixels that paint can be added to: no brighter or darker than `BRIGHTEST`."""
    return graph("Clip", x, np.float32(-BRIGHTEST), np.float32(BRIGHTEST))


def _resample(graph: Graph, g: Bend, spec: ImageSpec, x: str, maps_Nx2x3: str, smooth: str) -> str:
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


def _styled(graph: Graph, block: Any, x: str, style: str) -> str:
    """`synth2real.gan.bend.StyledBlock`."""
    h = add_conv(graph, block.conv1, add_leaky(graph, _norm(graph, block.norm1, x, style)))
    return graph(
        "Add",
        x,
        add_conv(graph, block.conv2, add_leaky(graph, _norm(graph, block.norm2, h, style))),
    )


def _norm(graph: Graph, norm: StyledNorm, x: str, style: str) -> str:
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
    scale_and_shift = add_dense(graph, norm.dense, style)
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


def _paint(graph: Graph, g: Generator, spec: ImageSpec, x: str, noise: str) -> str:
    """`synth2real.gan.networks.Generator`, as it is after training."""
    plane = graph("Relu", _batch_norm(graph, g.noise_bn, add_dense(graph, g.noise, noise), ()))
    plane = graph("Reshape", plane, np.array([-1, 1, spec.height, spec.width], np.int64))
    h = add_blocks(graph, graph("Concat", x, plane, axis=1), g.block, spec)
    h = graph("Relu", add_conv(graph, g.conv_in, h))
    for block in g.blocks:
        inner = _batch_norm(graph, block.bn1, add_conv(graph, block.conv1, h), (1, 1))
        inner = add_conv(graph, block.conv2, graph("Relu", inner))
        h = graph("Add", h, _batch_norm(graph, block.bn2, inner, (1, 1)))
    return graph("Tanh", add_pixels(graph, add_conv(graph, g.conv_out, h), g.block, spec))


def _batch_norm(graph: Graph, bn: nnx.BatchNorm, x: str, after: tuple[int, ...]) -> str:
    """Batch normalisation by the averages of training; `after` are axes behind the channels."""
    mean, variance, bias = (
        np.asarray(value).reshape(-1, *after) for value in (bn.mean, bn.var, bn.bias)
    )
    factor = 1 / np.sqrt(variance + BN_EPSILON)
    return graph("Add", graph("Mul", x, factor), bias - mean * factor)
