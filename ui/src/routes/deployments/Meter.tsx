import css from "~/routes/admin/Admin.module.css"

/** How much of what there is is taken. */
export function Meter({ value, most, label }: { value: number; most: number; label: string }) {
  const share = most === 0 ? 100 : Math.min(100, (value / most) * 100)
  return (
    <svg
      className={[css["meter"], value >= most && css["full"]].join(" ")}
      viewBox="0 0 100 6"
      preserveAspectRatio="none"
      role="img"
      aria-label={`${label}: ${value} of ${most}`}
    >
      <rect width={share} height={6} />
    </svg>
  )
}
