"""An ONNX graph that grows by calls, and the layers that generators share.

Arrays are [N, C, H, W] here, as runtimes have them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flax import nnx

from synth2real.gan.networks import LEAKINESS, SIGNED
from synth2real.spec import ImageSpec

IR = 10
OPSET = 20  # the first whose GridSample has four axes and "linear"


class Graph:
    """An ONNX graph that grows by calls: `graph("Relu", x)` adds a node and names its output."""

    def __init__(self, onnx: Any):
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.shapes: dict[str, str] = {}

    def __call__(self, kind: str, *operands: Any, **attributes: Any) -> str:
        (output,) = self.several(kind, 1, *operands, **attributes)
        return output

    def several(self, kind: str, count: int, *operands: Any, **attributes: Any) -> list[str]:
        """Adds a node with so many outputs and names them; "" stands for no operand."""
        names = [o if isinstance(o, str) else self.constant(o) for o in operands]
        outputs = [f"{kind}_{len(self.nodes)}_{number}" for number in range(count)]
        self.nodes.append(self.onnx.helper.make_node(kind, names, outputs, **attributes))
        return outputs

    def constant(self, value: Any) -> str:
        """Adds an array and names it."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.asarray(value), name))
        return name

    def input(self, name: str, kind: str, shape: Sequence[int | str]) -> str:
        """Adds what the graph takes, of a kind like FLOAT; a letter in a shape is any size."""
        self.inputs.append(self._value(name, kind, shape))
        self.shapes[name] = f"{kind.lower()} {list(shape)}".replace("'", "")
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Adds what the graph makes, bytes, under another name."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name]))
        self.outputs.append(self._value(name, "UINT8", shape))

    def _value(self, name: str, kind: str, shape: Sequence[int | str]) -> Any:
        number = getattr(self.onnx.TensorProto, kind)
        return self.onnx.helper.make_tensor_value_info(name, number, list(shape))

    def model(self) -> Any:
        """All of it as a checked ONNX model."""
        helper = self.onnx.helper
        graph = helper.make_graph(
            self.nodes, "generator", self.inputs, self.outputs, self.constants
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], producer_name="synth2real")
        model.ir_version = IR  # else that of the onnx which is installed, too new for some runtimes
        self.onnx.checker.check_model(model)
        return model


def add_signed(graph: Graph, images: str) -> str:
    """Images uint8 [N, H, W, C] as float32 [N, C, H, W] in [-1, 1]."""
    scale, shift = (np.float32(value) for value in SIGNED)
    floats = graph.onnx.TensorProto.FLOAT
    x = graph("Cast", graph("Transpose", images, perm=[0, 3, 1, 2]), to=floats)
    return graph("Add", graph("Mul", x, scale), shift)


def add_conv(graph: Graph, layer: nnx.Conv, x: str) -> str:
    """A convolution of NCHW with "SAME" padding, more of it at the end."""
    kernel_OxIxKxK = np.asarray(layer.kernel[...]).transpose(3, 2, 0, 1)
    bias = [] if layer.bias is None else [np.asarray(layer.bias[...])]
    strides = [stride_of(layer)] * 2
    return graph("Conv", x, kernel_OxIxKxK, *bias, auto_pad="SAME_UPPER", strides=strides)


def stride_of(layer: nnx.Conv) -> int:
    """The stride of a convolution, the same along both sides."""
    return int(np.ravel(np.array(layer.strides))[0])


def add_dense(graph: Graph, layer: nnx.Linear, x: str) -> str:
    product = graph("MatMul", x, np.asarray(layer.kernel[...]))
    return product if layer.bias is None else graph("Add", product, np.asarray(layer.bias[...]))


def add_leaky(graph: Graph, x: str) -> str:
    return graph("LeakyRelu", x, alpha=LEAKINESS)


def add_blocks(graph: Graph, x: str, block: int, spec: ImageSpec) -> str:
    """`synth2real.nn.layers.space_to_depth`."""
    rows, columns = -spec.height % block, -spec.width % block
    if rows or columns:
        pads = np.array([0, 0, 0, 0, 0, 0, rows, columns], np.int64)
        x = graph("Pad", x, pads, mode="edge")
    return graph("SpaceToDepth", x, blocksize=block) if block > 1 else x


def add_pixels(graph: Graph, x: str, block: int, spec: ImageSpec) -> str:
    """`synth2real.nn.layers.depth_to_space`."""
    if block == 1:
        return x
    return add_crop(graph, graph("DepthToSpace", x, blocksize=block, mode="DCR"), spec)


def add_crop(graph: Graph, x: str, spec: ImageSpec) -> str:
    """Leaves out rows and columns that blocks have beyond the image."""
    ends = np.array([spec.height, spec.width], np.int64)
    return graph("Slice", x, np.zeros(2, np.int64), ends, np.array([2, 3], np.int64))
