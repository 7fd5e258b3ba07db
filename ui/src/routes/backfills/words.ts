import type { StateType } from "~/components/State"
import type { Backfill } from "./queries"

/** Its first and last partition. */
export function rangeOf({ first, last }: Backfill): string {
  return first === last ? first : `${first} to ${last}`
}

/** How many of its runs failed. */
export function failuresOf({ counts }: Backfill): number {
  return (counts["FAILED"] ?? 0) + (counts["CRASHED"] ?? 0)
}

/** How many of its runs are in which state. */
export function countsOf({ counts }: Backfill): Partial<Record<StateType, number>> {
  return counts
}
