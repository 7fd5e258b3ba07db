import { useMemo, type ReactNode } from "react"
import Rendered, { type Components } from "react-markdown"
import gfm from "remark-gfm"
import { SafeLink } from "./SafeLink"
import css from "./Markdown.module.css"

/** Markdown that others wrote, as elements: HTML in it is text, links lead to pages, images of elsewhere are links. */
export function Markdown({ text }: { text: string }) {
  const elements = useMemo(() => rendered(text), [text])
  return <div className={css["markdown"]}>{elements ?? <pre>{text}</pre>}</div>
}

/** Null if it is nested deeper than the browser's stack is: there is no limit in markdown. */
function rendered(text: string): ReactNode {
  try {
    return Rendered({ children: text, remarkPlugins: [gfm], components: COMPONENTS, urlTransform: address => address })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <SafeLink to={href ?? ""} text={typeof children === "string" ? children : (href ?? "")} />,
  img: ({ src, alt }) => <SafeLink to={typeof src === "string" ? src : ""} text={alt ?? ""} />,
  // A page has one first heading, and it is not the markdown's.
  h1: ({ children }) => <h3 className={css["first"]}>{children}</h3>,
  h2: ({ children }) => <h4>{children}</h4>,
  h3: ({ children }) => <h5>{children}</h5>,
}
