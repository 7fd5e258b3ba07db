"""Tensors of torch in pickles: their memory goes beside the stream, where torch would copy it."""

import importlib
import pickle
import sys
from collections.abc import Callable
from typing import Any

from perdure._platform.finished_imports import imported
from perdure._serializers.payload import THRESHOLD


def tensor_reducers(spill: Callable[[], None]) -> dict[type, Callable[[Any], Any]]:
    """How tensors are pickled, if this process has torch; `spill` is called with each that is taken in this way."""
    torch = imported("torch")
    if torch is None:
        return {}

    def reduce(tensor: Any) -> Any:
        memory = _memory(tensor)
        if memory is None:
            return tensor.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        spill()
        description = str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), tensor.requires_grad
        return tensor_from_memory, (pickle.PickleBuffer(memory), *description)

    # Of this very class alone: a Parameter is pickled by torch as the tensor that it holds, and other subclasses may
    # hold more.
    return {torch.Tensor: reduce}


def _memory(tensor: Any) -> Any:
    """The bytes of a large tensor that is no more than its shape, type and memory in order, as an array; else None."""
    try:
        # numpy lacks some of torch's types.
        return tensor.detach().reshape(-1).view(sys.modules["torch"].uint8).numpy() if _is_plain(tensor) else None
    except (AttributeError, RuntimeError, TypeError):  # another version of torch, no numpy, no memory
        return None


def _is_plain(tensor: Any) -> bool:
    return (
        tensor.layout is sys.modules["torch"].strided
        and tensor.device.type == "cpu"
        and tensor.numel() * tensor.element_size() >= THRESHOLD
        and tensor.is_contiguous()
        and tensor.is_leaf
        and not (tensor.is_quantized or tensor.is_conj() or tensor.is_neg())
        and not getattr(tensor, "has_names", bool)()  # which newer versions lack
        and not tensor.__dict__
        and not tensor._backward_hooks
    )


def tensor_from_memory(memory: object, dtype: str, shape: tuple[int, ...], requires_grad: bool) -> Any:
    """The tensor that was written, in the memory of its buffer."""
    torch: Any = importlib.import_module("torch")
    kind = getattr(torch, dtype)
    if not isinstance(kind, torch.dtype):
        raise pickle.UnpicklingError(f"{dtype!r} is no type of a tensor")
    return torch.frombuffer(memory, dtype=kind).reshape(shape).requires_grad_(requires_grad)
