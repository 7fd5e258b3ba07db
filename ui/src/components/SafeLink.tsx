import { ExternalLink } from "lucide-react"
import css from "./SafeLink.module.css"

/** An address that others wrote: a link if it leads to a page or a mailbox, else text. */
export function SafeLink({ to, text }: { to: string; text: string }) {
  if (!/^(https?:|mailto:)/i.test(to.trim())) return <span className="mono">{text || to}</span>
  return (
    <a href={to.trim()} target="_blank" rel="noopener noreferrer nofollow" className={css["link"]}>
      {text || to} <ExternalLink size={12} aria-hidden />
    </a>
  )
}
