import { Tag } from "./Card"
import { Hint } from "./Button"
import css from "./Tags.module.css"

/** As many of a run's tags as `most`, and how many more there are; all of them on hover. */
export function Tags({ tags, most = 2 }: { tags: readonly string[]; most?: number }) {
  const rest = tags.slice(most)
  return (
    <span className={css["tags"]}>
      {tags.slice(0, most).map(tag => (
        <Tag key={tag}>{tag}</Tag>
      ))}
      {rest.length > 0 && (
        <Hint text={rest.join(", ")}>
          <span className={css["more"]}>+{rest.length}</span>
        </Hint>
      )}
    </span>
  )
}
