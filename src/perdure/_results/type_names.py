"""How results name the types of their values."""

_type_names: dict[type, str] = {}


def type_name(value: object) -> str:
    """A value's type, such as `builtins.dict`."""
    kind = type(value)
    name = _type_names.get(kind)
    if name is None:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if len(_type_names) < 10_000:  # classes made on the fly must not pile up
            _type_names[kind] = name
    return name
