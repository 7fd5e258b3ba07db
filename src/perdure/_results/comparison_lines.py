"""The lines in which two texts differ, in bounded time: whoever wrote the texts does not choose how long it takes."""

from collections.abc import Iterator, Sequence

from perdure._results.comparison_changes import MAX_LINES

_CONTEXT = 2  # lines before and after those that differ
_WIDTH = 500  # characters of a line
_MOST_STEPS = 200_000  # of a search for the fewest lines that differ: about 0.1 s
Block = tuple[int, int, int, int]  # lines of the one and of the other that differ: begin and end of each


def differing_lines(a: str, b: str) -> tuple[str, ...]:
    """A unified diff without its head; at most its first lines.

    Where the fewest differing lines are not found soon, what lies between the common beginning and end is shown as one
    change.
    """
    one, other = a.splitlines(), b.splitlines()
    lines: list[str] = []
    for hunk in _hunks(_blocks(one, other), len(one), len(other)):
        lines.extend(_shown(hunk, one, other, MAX_LINES - len(lines)))
        if len(lines) >= MAX_LINES:
            break
    return tuple(line[:_WIDTH] for line in lines[:MAX_LINES])


def _blocks(one: Sequence[str], other: Sequence[str]) -> list[Block]:
    numbers: dict[str, int] = {}  # comparing numbers takes the same time whatever the lines have in common
    a = [numbers.setdefault(line, len(numbers)) for line in one]
    b = [numbers.setdefault(line, len(numbers)) for line in other]
    start = _common(a, b)
    end = _common(a[start:][::-1], b[start:][::-1])
    inner_a, inner_b = a[start : len(a) - end], b[start : len(b) - end]
    if not inner_a and not inner_b:
        return []
    found = _fewest(inner_a, inner_b) or [(0, len(inner_a), 0, len(inner_b))]
    return [(start + a1, start + a2, start + b1, start + b2) for a1, a2, b1, b2 in found]


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many items at the start are the same."""
    return next((place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _fewest(a: Sequence[int], b: Sequence[int]) -> list[Block] | None:
    """The blocks of the shortest edit from one sequence to the other; None if that takes too many steps.

    By Myers (1986): with each further edit, how far each diagonal gets.
    """
    far, trace, steps = {1: 0}, [], 0
    for edits in range(len(a) + len(b) + 1):
        trace.append(dict(far))
        steps += 2 * edits + 2  # for the copy, too
        for diagonal in range(-edits, edits + 1, 2):
            x = _step(far, diagonal, edits)
            begin = x
            while x < len(a) and x - diagonal < len(b) and a[x] == b[x - diagonal]:
                x += 1
            steps += x - begin
            far[diagonal] = x
            if x >= len(a) and x - diagonal >= len(b):
                return _joined(_edits(trace, len(a), len(b)))
        if steps > _MOST_STEPS:
            return None
    return None


def _step(far: dict[int, int], diagonal: int, edits: int) -> int:
    """Where a diagonal begins: from the neighbour that got further."""
    down = diagonal == -edits or (diagonal != edits and far[diagonal - 1] < far[diagonal + 1])
    return far[diagonal + 1] if down else far[diagonal - 1] + 1


def _edits(trace: list[dict[int, int]], x: int, y: int) -> Iterator[Block]:
    """The single edits, the last one first."""
    for edits in range(len(trace) - 1, 0, -1):
        far, diagonal = trace[edits], x - y
        down = diagonal == -edits or (diagonal != edits and far[diagonal - 1] < far[diagonal + 1])
        before = diagonal + 1 if down else diagonal - 1
        x, y = far[before], far[before] - before
        yield (x, x, y, y + 1) if down else (x, x + 1, y, y)


def _joined(edits: Iterator[Block]) -> list[Block]:
    """Edits that touch each other as one, in order."""
    blocks: list[Block] = []
    for a1, a2, b1, b2 in list(edits)[::-1]:
        if blocks and blocks[-1][1] == a1 and blocks[-1][3] == b1:
            blocks[-1] = (blocks[-1][0], a2, blocks[-1][2], b2)
        else:
            blocks.append((a1, a2, b1, b2))
    return blocks


def _hunks(blocks: list[Block], count_a: int, count_b: int) -> Iterator[tuple[Block, list[Block]]]:
    """Blocks that are near each other, with what is shown around them."""
    group: list[Block] = []
    for block in [*blocks, None]:
        if group and (block is None or block[0] - group[-1][1] > 2 * _CONTEXT):
            first, last = group[0], group[-1]
            lead, rest = min(_CONTEXT, first[0], first[2]), min(_CONTEXT, count_a - last[1], count_b - last[3])
            yield (first[0] - lead, last[1] + rest, first[2] - lead, last[3] + rest), group
            group = []
        if block is not None:
            group.append(block)


def _shown(hunk: tuple[Block, list[Block]], one: Sequence[str], other: Sequence[str], most: int) -> list[str]:
    (a1, a2, b1, b2), blocks = hunk
    lines = [f"@@ -{_range(a1, a2)} +{_range(b1, b2)} @@"]
    at = a1
    for x1, x2, y1, y2 in blocks:
        lines += [f" {line}" for line in one[at:x1]]
        lines += [f"-{line}" for line in one[x1 : min(x2, x1 + most)]]
        lines += [f"+{line}" for line in other[y1 : min(y2, y1 + most)]]
        at = x2
        if len(lines) >= most:
            return lines
    return lines + [f" {line}" for line in one[at:a2]]


def _range(begin: int, end: int) -> str:
    count = end - begin
    return f"{begin + 1}" if count == 1 else f"{begin + (count > 0)},{count}"
