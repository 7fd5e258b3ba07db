import Rendered, { type Components } from "react-markdown"
import gfm from "remark-gfm"
import { SafeLink } from "./ArtifactView"
import css from "./Markdown.module.css"

/** Markdown that others wrote, as elements: HTML in it is text, links lead to pages, images of elsewhere are links. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className={css["markdown"]}>
      <Rendered remarkPlugins={[gfm]} components={COMPONENTS} urlTransform={address => address}>
        {text}
      </Rendered>
    </div>
  )
}

const COMPONENTS: Components = {
  a: ({ href, children }) => <SafeLink to={href ?? ""} text={typeof children === "string" ? children : (href ?? "")} />,
  img: ({ src, alt }) => <SafeLink to={typeof src === "string" ? src : ""} text={alt ?? ""} />,
  // A page has one first heading, and it is not the markdown's.
  h1: ({ children }) => <h3 className={css["first"]}>{children}</h3>,
  h2: ({ children }) => <h4>{children}</h4>,
  h3: ({ children }) => <h5>{children}</h5>,
}
