import { Check, Copy } from "lucide-react"
import { useState } from "react"
import { IconButton } from "./Button"
import css from "./Copyable.module.css"

/** Text with a button that copies it; `shown` stands for it where it is long. */
export function Copyable({ text, shown = text, mono = true }: { text: string; shown?: string; mono?: boolean }) {
  return (
    <span className={css["copyable"]}>
      <span className={mono ? "mono cut" : "cut"} title={text}>
        {shown}
      </span>
      <CopyButton text={text} />
    </span>
  )
}

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    if (!(await copyText(text))) return
    setCopied(true)
    setTimeout(() => setCopied(false), 1_500)
  }
  return (
    <IconButton label={copied ? "Copied" : label} onClick={() => void copy()} className={css["button"]}>
      {copied ? <Check size={13} aria-hidden /> : <Copy size={13} aria-hidden />}
    </IconButton>
  )
}

/** Put text on the clipboard; also where the page is not served over TLS. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement("textarea")
    area.value = text
    document.body.append(area)
    area.select()
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is nothing else on a plain http address
    const done = document.execCommand("copy")
    area.remove()
    return done
  }
}
