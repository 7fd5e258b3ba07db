import { ChevronRight } from "lucide-react"
import type { ReactNode } from "react"
import { Link } from "~/components/Link"
import { useTitle } from "~/lib/title"
import css from "./PageHead.module.css"

interface Props {
  title: string
  /** Instead of the title's text, where more than text is there. */
  heading?: ReactNode
  /** Where one is: names and paths, the outermost first. */
  crumbs?: readonly { label: string; to: string }[]
  /** Under the title: a sentence, or facts. */
  about?: ReactNode
  /** Buttons. */
  actions?: ReactNode
}

/** The head of a page: every page has one, and only one. */
export function PageHead({ title, heading, crumbs = [], about, actions }: Props) {
  useTitle(title)
  return (
    <header className={css["head"]}>
      {crumbs.length > 0 && (
        <nav aria-label="Breadcrumbs" className={css["crumbs"]}>
          {crumbs.map((crumb, index) => (
            <span key={crumb.to}>
              {index > 0 && <ChevronRight size={12} aria-hidden />}
              <Link to={crumb.to}>{crumb.label}</Link>
            </span>
          ))}
        </nav>
      )}
      <div className={css["line"]}>
        <h1 className="cut" title={title}>
          {heading ?? title}
        </h1>
        {actions && <div className={css["actions"]}>{actions}</div>}
      </div>
      {about && <div className={css["about"]}>{about}</div>}
    </header>
  )
}
