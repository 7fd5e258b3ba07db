/** A line of two texts that are compared: of one of them, or of both. Places count from 0. */
export interface DiffLine {
  kind: "same" | "removed" | "added"
  before: number | null
  after: number | null
}

const MOST = 1_000_000 // pairs of lines that are looked at

/** Which lines two texts have in common, in order; what differs is first removed, then added. */
export function diffLines(before: readonly string[], after: readonly string[]): DiffLine[] {
  let from = 0
  while (from < before.length && from < after.length && before[from] === after[from]) from += 1
  let left = before.length
  let right = after.length
  while (left > from && right > from && before[left - 1] === after[right - 1]) {
    left -= 1
    right -= 1
  }
  const same = (one: number, other: number, count: number) =>
    Array.from({ length: count }, (_, at): DiffLine => ({ kind: "same", before: one + at, after: other + at }))
  return [...same(0, 0, from), ...middle(before, after, from, left, right), ...same(left, right, before.length - left)]
}

function middle(before: readonly string[], after: readonly string[], from: number, left: number, right: number) {
  const [rows, columns] = [left - from, right - from]
  const lines: DiffLine[] = []
  // How many lines the rest of one and the rest of the other have in common.
  const isShort = rows * columns <= MOST
  const common = new Uint32Array(isShort ? (rows + 1) * (columns + 1) : 0)
  const at = (row: number, column: number) => row * (columns + 1) + column
  for (let row = isShort ? rows - 1 : -1; row >= 0; row -= 1) {
    for (let column = columns - 1; column >= 0; column -= 1) {
      common[at(row, column)] =
        before[from + row] === after[from + column]
          ? (common[at(row + 1, column + 1)] ?? 0) + 1
          : Math.max(common[at(row + 1, column)] ?? 0, common[at(row, column + 1)] ?? 0)
    }
  }
  let [row, column] = [0, 0]
  while (row < rows || column < columns) {
    if (isShort && row < rows && column < columns && before[from + row] === after[from + column]) {
      lines.push({ kind: "same", before: from + row++, after: from + column++ })
    } else if (row < rows && (common[at(row + 1, column)] ?? 0) >= (common[at(row, column + 1)] ?? 0)) {
      lines.push({ kind: "removed", before: from + row++, after: null })
    } else if (column < columns) {
      lines.push({ kind: "added", before: null, after: from + column++ })
    } else lines.push({ kind: "removed", before: from + row++, after: null })
  }
  return lines
}

/** The lines with at most so many equal ones round each change; a number stands for how many are left out. */
export function hunks(lines: readonly DiffLine[], round = 3): (DiffLine | number)[] {
  const near = new Set<number>()
  lines.forEach((line, at) => {
    if (line.kind === "same") return
    for (let place = at - round; place <= at + round; place += 1) near.add(place)
  })
  const shown: (DiffLine | number)[] = []
  lines.forEach((line, at) => {
    const last = shown.at(-1)
    if (near.has(at)) shown.push(line)
    else if (typeof last === "number") shown[shown.length - 1] = last + 1
    else shown.push(1)
  })
  return shown
}
