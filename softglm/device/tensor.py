"""An array of PyTorch that answers NumPy's own protocols: what is written for arrays runs where it lives.

NumPy asks the operands of its functions whether they know better (NEP 13 and 18). These do for what a pass over rows is
made of; anything else is computed by NumPy from a copy, which is as right, and slower.
"""

import sys
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, final

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

# Universal functions that go by the same name in torch.
_UFUNCS = set(
    "absolute add subtract multiply divide negative exp expm1 log log1p sqrt square maximum minimum matmul sign "  # noqa: SIM905
    "greater greater_equal less less_equal equal not_equal logical_and logical_or logical_not bitwise_and bitwise_or "
    "isfinite reciprocal".split()
)
# Functions that make an array like another, and what they fill it with: an empty one may hold anything.
_MAKERS: dict[Any, float] = {np.empty_like: 0.0, np.ones_like: 1.0, np.zeros_like: 0.0}
# Methods that change an array, and are not to change a copy instead.
_CHANGING = {"byteswap", "fill", "itemset", "partition", "put", "resize", "setfield", "setflags", "sort"}


def tensor_of(X: Any) -> "Tensor | None":
    """Return a tensor of PyTorch as such an array; None for anything else, and where it is an array of NumPy itself.

    That are those in this processor's memory of which no gradient is asked. What NumPy has no type for, such as
    bfloat16, is converted to float32.

    Raises
    ------
    ValueError
        If the tensor is sparse.
    """
    torch = sys.modules.get("torch")  # whoever has one has imported that
    if torch is None or not isinstance(X, torch.Tensor):
        return None
    if X.layout is not torch.strided:
        raise ValueError(
            f"A tensor of the layout {X.layout} was given, expected a dense one: X.to_dense(); or, where that is too "
            "large, the same entries as a sparse array of SciPy."
        )
    if X.device.type == "cpu" and not X.requires_grad and X.dtype != torch.bfloat16:
        return None
    X = X.detach()
    return Tensor(X.float() if X.dtype in {torch.bfloat16, torch.float16} else X)


@final
class Tensor(NDArrayOperatorsMixin):
    """A tensor of PyTorch on any device, with what the arithmetic of this package asks of an array.

    Parameters
    ----------
    tensor : torch.Tensor
        It is not copied.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        return int(self.tensor.ndim)

    @property
    def size(self) -> int:
        return int(self.tensor.numel())

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(str(self.tensor.dtype).removeprefix("torch."))

    @property
    def T(self) -> "Tensor":  # noqa: N802 - NumPy's name
        return Tensor(self.tensor.T if self.ndim == 2 else self.tensor)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        return map(Tensor, self.tensor)

    def __float__(self) -> float:
        return float(self.tensor)

    def __bool__(self) -> bool:
        return bool(self.tensor)

    def __getitem__(self, index: Any) -> "Tensor":
        return Tensor(self.tensor[self._index(index)])

    def __setitem__(self, index: Any, values: Any) -> None:
        self.tensor[self._index(index)] = self.here(values).to(self.tensor.dtype)

    def __getattr__(self, name: str) -> Any:
        """Return anything else that an array has, of a copy."""
        if name.startswith("_") or name in _CHANGING:
            raise AttributeError(f"A tensor has no {name}, which would change a copy of it.")
        return getattr(np.asarray(self), name)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Copy it to where NumPy is."""
        if copy is False:
            raise ValueError("A tensor on a device is no array of this process without a copy.")
        return np.array(self.tensor.cpu().numpy(), dtype=dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        """Compute a universal function where this is, if torch has it."""
        target = None if out is None else out[0]
        if ufunc is np.add and method == "reduce" and target is None and set(options) <= {"axis"}:
            return inputs[0].sum(**options)
        if method != "__call__" or ufunc.__name__ not in _UFUNCS or options:
            return _by_numpy(getattr(ufunc, method), inputs, options, target)
        operands = self._alike(inputs) if ufunc is np.matmul else map(self.here, inputs)
        result = getattr(_torch(), ufunc.__name__)(*operands)
        return Tensor(result) if target is None else _stored(result, target)

    def __array_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        arguments: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Compute any other function where this is, if it is known here."""
        if function in _MAKERS:
            return self._made(_MAKERS[function], **options)
        if function is np.vdot:
            one, other = self._alike(arguments)
            return one.reshape(-1).dot(other.reshape(-1))
        if function is np.einsum and not options:
            return Tensor(_torch().einsum(arguments[0], *self._alike(arguments[1:])))
        return _by_numpy(function, arguments, options, options.pop("out", None))

    def here(self, value: Any) -> Any:
        """Return a number, an array or such a tensor as a tensor of torch on the device of this one."""
        if isinstance(value, Tensor):
            return value.tensor
        if isinstance(value, np.ndarray):
            return _torch().from_numpy(np.array(value, order="C")).to(self.tensor.device)
        # A number takes on the precision of what it meets.
        dtype = self.tensor.dtype if self.tensor.is_floating_point() else None
        return _torch().as_tensor(value, dtype=dtype, device=self.tensor.device)

    def astype(self, dtype: npt.DTypeLike, *, copy: bool = True) -> "Tensor":
        return Tensor(self.tensor.to(_type(dtype), copy=copy))

    def copy(self) -> "Tensor":
        return Tensor(self.tensor.clone())

    def ravel(self) -> "Tensor":
        return Tensor(self.tensor.reshape(-1))

    def take(self, indices: npt.NDArray[np.intp], axis: int) -> "Tensor":
        return Tensor(self.tensor.index_select(axis, self.here(indices)))

    def sum(self, axis: int | None = None, dtype: npt.DTypeLike | None = None, *, keepdims: bool = False) -> "Tensor":
        kind = None if dtype is None else _type(dtype)
        return Tensor(self.tensor.sum(self._axes(axis), keepdim=keepdims, dtype=kind))

    def max(self, axis: int | None = None, *, initial: float = -np.inf, keepdims: bool = False) -> "Tensor":
        if not self.size:
            return self._made(initial, shape=(1,) * self.ndim * keepdims)
        return Tensor(self.tensor.amax(self._axes(axis), keepdim=keepdims).clamp_min(initial))

    def min(self, axis: int | None = None, *, initial: float = np.inf, keepdims: bool = False) -> "Tensor":
        if not self.size:
            return self._made(initial, shape=(1,) * self.ndim * keepdims)
        return Tensor(self.tensor.amin(self._axes(axis), keepdim=keepdims).clamp_max(initial))

    def _axes(self, axis: int | None) -> int | tuple[int, ...]:
        return tuple(range(self.ndim)) if axis is None else axis

    def _made(self, value: float, *, shape: Any = None, dtype: npt.DTypeLike | None = None) -> "Tensor":
        """Return a tensor of one value, on the same device, and like this one in what is not said."""
        kind = self.tensor.dtype if dtype is None else _type(dtype)
        return Tensor(self.tensor.new_full(self.shape if shape is None else shape, value, dtype=kind))

    def _alike(self, values: Any) -> list[Any]:
        """Return values as tensors of one type: torch multiplies no others."""
        tensors = [self.here(value) for value in values]
        common = reduce(_torch().promote_types, (tensor.dtype for tensor in tensors))
        return [tensor.to(common) for tensor in tensors]

    def _index(self, index: Any) -> Any:
        """Return what torch takes for an index."""
        if isinstance(index, tuple):
            return tuple(map(self._index, index))
        return self.here(index) if isinstance(index, np.ndarray | Tensor) else index


def _torch() -> Any:
    """Return the module, which whoever has tensors has imported."""
    return sys.modules["torch"]


def _type(dtype: npt.DTypeLike) -> Any:
    return getattr(_torch(), np.dtype(dtype).name)


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
