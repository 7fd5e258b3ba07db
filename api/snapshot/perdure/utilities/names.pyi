__all__ = [
    "generate_slug",
]

def generate_slug(n_words: int = 2) -> str: ...
