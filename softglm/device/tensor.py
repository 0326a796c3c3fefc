"""An array of PyTorch that answers NumPy's own protocols: what is written for arrays here runs where it lives.

NumPy asks the operands of its functions whether they know better (NEP 13 and 18). These do for what a pass over rows is
made of; anything else is computed by NumPy from a copy, which is as right, and slower.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any, Self, final

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from softglm.arrays import FloatArray

# Universal functions that go by the same name in torch, or by another.
_SAME = (
    "add subtract multiply divide negative exp expm1 log log1p sqrt square maximum minimum matmul isfinite sign "
    "greater greater_equal less less_equal equal not_equal logical_and logical_or logical_not reciprocal"
).split()
_UFUNCS = {name: name for name in _SAME} | {
    "absolute": "abs",
    "power": "pow",
    "true_divide": "divide",
    "bitwise_and": "bitwise_and",
    "bitwise_or": "bitwise_or",
    "invert": "bitwise_not",
}


# Functions that make arrays like others, and what they put there: an empty one may hold anything.
_MAKERS = {np.empty_like: 0.0, np.ones_like: 1.0, np.zeros_like: 0.0}


def tensor_of(X: Any) -> "Tensor | None":
    """Return a tensor of PyTorch as such an array; None for anything else: whoever has one has imported torch.

    What NumPy has no type for, such as bfloat16, is converted to float32.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(X, torch.Tensor):
        return None
    X = X.detach()
    return Tensor(X.float() if X.dtype in (torch.bfloat16, torch.float16) else X)


@final
class Tensor(NDArrayOperatorsMixin):
    """A tensor of PyTorch on any device.

    Parameters
    ----------
    tensor : torch.Tensor
        It is not copied.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """As of an array."""
        return int(self.tensor.ndim)

    @property
    def size(self) -> int:
        """As of an array."""
        return int(self.tensor.numel())

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of NumPy by the same name."""
        return np.dtype(str(self.tensor.dtype).removeprefix("torch."))

    @property
    def T(self) -> Self:  # noqa: N802 - NumPy's name
        """The transpose, of the same memory."""
        return self._of(self.tensor.T if self.ndim == 2 else self.tensor)

    def __len__(self) -> int:
        """As of an array."""
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        """Iterate over the first axis."""
        return map(self._of, self.tensor)

    def __float__(self) -> float:
        """As of an array of one number."""
        return float(self.tensor)

    def __bool__(self) -> bool:
        """As of an array of one value."""
        return bool(self.tensor)

    def __array__(self, dtype: npt.DTypeLike = None, copy: bool | None = None) -> npt.NDArray[Any]:  # noqa: FBT001 - NumPy's
        """Copy it to where NumPy is."""
        if copy is False:
            raise ValueError("A tensor on a device cannot be an array of this process without a copy.")
        # Nobody may change the tensor through the array.
        return np.array(self.tensor.cpu().numpy(), dtype=dtype)

    def __getitem__(self, index: Any) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor[self._index(index)])

    def __setitem__(self, index: Any, values: Any) -> None:
        """As of an array."""
        self.tensor[self._index(index)] = self.here(values).to(self.tensor.dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Compute a universal function where this is, if torch has it."""
        name = _UFUNCS.get(ufunc.__name__)
        if method == "reduce" and ufunc.__name__ == "add" and out is None and set(options) <= {"axis"}:
            return inputs[0].sum(**options)
        target = None if out is None else out[0]
        if method != "__call__" or name is None or options:
            return self._by_numpy(getattr(ufunc, method), inputs, options, target)
        result = getattr(sys.modules["torch"], name)(*map(self.here, inputs))
        return self._of(result) if target is None else _stored(result, target)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, arguments: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:  # noqa: ARG002 - of no interest here
        """Compute any other function where this is, if it is known here; else from copies."""
        if function in _MAKERS:
            return self._made(_MAKERS[function], *arguments, **options)
        if function is np.vdot and not options:
            one, other = (self.here(value).reshape(-1) for value in arguments)
            return one.dot(other)
        if function is np.concatenate:
            return self._of(sys.modules["torch"].cat([self.here(part) for part in arguments[0]], options.get("axis", 0)))
        if function is np.einsum and not options:
            return self._of(sys.modules["torch"].einsum(arguments[0], *map(self.here, arguments[1:])))
        return self._by_numpy(function, arguments, options, options.pop("out", None))

    def here(self, value: Any) -> Any:
        """Return a number, an array or such a tensor as a tensor of torch on the device of this one."""
        torch = sys.modules["torch"]
        if isinstance(value, Tensor):
            return value.tensor
        if isinstance(value, np.ndarray):
            return torch.from_numpy(np.array(value, order="C")).to(self.tensor.device)
        # A number takes on the precision of what it meets.
        dtype = self.tensor.dtype if self.tensor.is_floating_point() else None
        return torch.as_tensor(value, dtype=dtype, device=self.tensor.device)

    def astype(self, dtype: npt.DTypeLike, copy: bool = True) -> "Tensor":  # noqa: FBT001, FBT002 - NumPy's
        """As of an array."""
        return self._of(self.tensor.to(getattr(sys.modules["torch"], np.dtype(dtype).name), copy=copy))

    def copy(self) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.clone())

    def reshape(self, *shape: Any) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.reshape(*shape))

    def sum(self, axis: int | None = None, dtype: npt.DTypeLike = None, *, keepdims: bool = False) -> "Tensor":
        """As of an array."""
        kind = None if dtype is None else getattr(sys.modules["torch"], np.dtype(dtype).name)
        axes = tuple(range(self.ndim)) if axis is None else axis
        return self._of(self.tensor.sum(axes, keepdim=keepdims, dtype=kind))

    def max(self, axis: int | None = None, *, initial: float = -np.inf, keepdims: bool = False) -> "Tensor":
        """As of an array; of no numbers the initial one, -inf."""
        return self._of(self._extreme("amax", axis, keepdims=keepdims, initial=initial).clamp_min(initial))

    def min(self, axis: int | None = None, *, initial: float = np.inf, keepdims: bool = False) -> "Tensor":
        """As of an array; of no numbers the initial one, inf."""
        return self._of(self._extreme("amin", axis, keepdims=keepdims, initial=initial).clamp_max(initial))

    def diagonal(self) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.diagonal())

    def take(self, indices: npt.NDArray[np.intp], axis: int) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.index_select(axis, self.here(indices)))

    def any(self, axis: int | None = None) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.any() if axis is None else self.tensor.any(axis))

    def ravel(self) -> "Tensor":
        """As of an array."""
        return self._of(self.tensor.reshape(-1))

    def _extreme(self, name: str, axis: int | None, *, keepdims: bool, initial: float) -> Any:
        if not self.size:
            return self.tensor.new_full((1,) * self.ndim * keepdims, initial)
        return getattr(self.tensor, name)(tuple(range(self.ndim)) if axis is None else axis, keepdim=keepdims)

    def _made(self, value: float, like: "Tensor", *, shape: Any = None, dtype: npt.DTypeLike = None) -> "Tensor":
        kind = like.tensor.dtype if dtype is None else getattr(sys.modules["torch"], np.dtype(dtype).name)
        return self._of(like.tensor.new_full(like.shape if shape is None else shape, value, dtype=kind))

    def _of(self, tensor: Any) -> Any:
        return type(self)(tensor)

    def _index(self, index: Any) -> Any:
        """Return what torch takes for an index."""
        if isinstance(index, tuple):
            return tuple(map(self._index, index))
        return self.here(index) if isinstance(index, np.ndarray | Tensor) else index

    @staticmethod
    def _by_numpy(function: Callable[..., Any], arguments: Any, options: dict[str, Any], out: Any) -> Any:
        """Compute from copies; what is asked for in the memory of a device is put there."""
        copies = _copied(arguments)
        result = function(*copies, **{name: _copied(value) for name, value in options.items()})
        if result is None:  # what returns nothing has changed its first argument
            _stored(copies[0], arguments[0])
            return None
        return result if out is None else _stored(result, out)


def _copied(value: Any) -> Any:
    """Return arguments with tensors as arrays."""
    if isinstance(value, Tensor):
        return np.asarray(value)
    return type(value)(map(_copied, value)) if isinstance(value, tuple | list) else value


def _stored(result: Any, out: Any) -> Any:
    """Put a result, a tensor of torch or an array, where it was asked for."""
    if isinstance(out, Tensor):
        out.tensor.copy_(out.here(result) if isinstance(result, np.ndarray) else result)
    else:
        out[...] = result if isinstance(result, np.ndarray) else np.asarray(Tensor(result))
    return out
