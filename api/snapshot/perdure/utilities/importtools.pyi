__all__ = [
    "from_qualified_name",
    "import_object",
    "load_module",
    "load_script_as_module",
    "to_qualified_name",
]

def from_qualified_name(name: str) -> Any: ...

def import_object(import_path: str) -> Any: ...

def load_module(module_name: str) -> ModuleType: ...

def load_script_as_module(path: str) -> ModuleType: ...

def to_qualified_name(obj: Any) -> str: ...
