import { Tooltip } from "radix-ui"
import type { ComponentProps, ReactNode } from "react"
import css from "./Button.module.css"
import { Link } from "./Link"

interface Props extends ComponentProps<"button"> {
  /** "plain" by default; "primary" once on a page at most; "danger" for what destroys. */
  look?: "plain" | "primary" | "danger" | "quiet"
  icon?: ReactNode
  /** Why it cannot be used: it stays reachable, and says so. */
  because?: string | undefined
}

export function Button({ look = "plain", icon, because, children, className, onClick, ...rest }: Props) {
  const button = (
    <button
      type="button"
      {...rest}
      aria-disabled={because !== undefined || undefined}
      onClick={because === undefined ? onClick : undefined}
      className={[css["button"], css[look], className].join(" ")}
    >
      {icon}
      {children}
    </button>
  )
  return because === undefined ? button : <Hint text={because}>{button}</Hint>
}

/** A link within the page that looks like a button. */
export function ButtonLink({ className, ...rest }: ComponentProps<typeof Link>) {
  return <Link {...rest} className={[css["button"], className].join(" ")} />
}

interface IconProps extends Omit<ComponentProps<"button">, "aria-label"> {
  /** What it does: its name, and its tooltip. */
  label: string
  look?: "plain" | "quiet"
}

export function IconButton({ label, look = "quiet", className, ...rest }: IconProps) {
  return (
    <Hint text={label}>
      <button
        type="button"
        aria-label={label}
        {...rest}
        className={[css["button"], css["icon"], css[look], className].join(" ")}
      />
    </Hint>
  )
}

/** A tooltip on hover and focus. */
export function Hint({ text, children }: { text: string; children: ReactNode }) {
  return (
    <Tooltip.Root delayDuration={350}>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className={css["hint"]} sideOffset={6} collisionPadding={8}>
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
