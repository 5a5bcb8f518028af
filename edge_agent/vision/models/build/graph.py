"""An ONNX graph written node by node; names count up, so that the same steps give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

OPSET = 17
IR_VERSION = 8
PRODUCER = "tidegate"


class Graph:
    """Nodes and constants in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, values: npt.ArrayLike) -> str:
        """The name of a new constant."""
        from onnx import numpy_helper  # noqa: PLC0415 - of an extra, and slow to import

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, kind: str, inputs: Sequence[str], *, output: str = "", **attributes: Any) -> str:
        """The name of a new node's output.

        A node is named after its kind: insightface knows by nodes called Sub and Mul near the input that a graph
        scales its pixels itself.
        """
        from onnx import helper  # noqa: PLC0415 - of an extra, and slow to import

        name = f"{kind}_{len(self._nodes)}"
        output = output or name.lower()
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=name, **attributes))
        return output

    def serialise(self, given: tuple[str, Sequence[int | str]], made: tuple[str, Sequence[int | str]]) -> bytes:
        """The whole model as bytes, checked by onnx's own checker.

        Args:
            given: the input's name and shape.
            made: the output's name and shape.
        """
        from onnx import TensorProto, checker, helper  # noqa: PLC0415 - of an extra, and slow to import

        graph = helper.make_graph(
            self._nodes,
            self.name,
            [helper.make_tensor_value_info(given[0], TensorProto.FLOAT, list(given[1]))],
            [helper.make_tensor_value_info(made[0], TensorProto.FLOAT, list(made[1]))],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name=PRODUCER, ir_version=IR_VERSION
        )
        checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)
