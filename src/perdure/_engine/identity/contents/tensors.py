"""What counts of torch's tensors: not strides, nor the rest of a storage of which a tensor is a part."""

import sys
from typing import Any

from perdure._engine.identity.contents.content import Content, Describe, Raw, attributes, state_of
from perdure._engine.identity.names import name_of
from perdure._platform.finished_imports import imported


def describer_of(kind: type) -> Describe | None:
    """What says of tensors what counts of them."""
    torch = imported("torch")
    return _tensor if torch is not None and issubclass(kind, torch.Tensor) else None


def _tensor(value: Any) -> Content | None:
    torch: Any = sys.modules["torch"]
    parts = {
        "type": str(value.dtype),
        "shape": tuple(value.shape),
        "layout": str(value.layout),
        "device": str(value.device),
        "has gradient": value.requires_grad,
        "gradient": value.grad if value.is_leaf else None,
        "attributes": attributes(state_of(value)),
    }
    bare = value.detach()
    if value.is_quantized or value.is_nested or value.device.type == "meta":
        return None
    if value.layout is torch.strided:
        whole = bare.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
        parts["bytes"] = Raw((memoryview(whole.view(torch.uint8).numpy().data),)) if whole.numel() else Raw(())
    elif value.layout is torch.sparse_coo:
        parts |= {"is coalesced": bare.is_coalesced(), "indices": bare._indices(), "values": bare._values()}
    elif value.layout in (torch.sparse_csr, torch.sparse_bsr):
        parts |= {"rows": bare.crow_indices(), "columns": bare.col_indices(), "values": bare.values()}
    elif value.layout in (torch.sparse_csc, torch.sparse_bsc):
        parts |= {"rows": bare.row_indices(), "columns": bare.ccol_indices(), "values": bare.values()}
    else:
        return None
    return Content(f"tensor {name_of(type(value))}", parts)
