import { Bell, BellOff, Pin, PinOff } from "lucide-react"
import { IconButton } from "~/components/Button"
import { failed } from "~/components/Toast"
import { canAnnounce, useNames } from "~/lib/watched"

/** Keeps a flow in the menu, and has the browser say when a run of it fails. This browser alone knows of it. */
export function Watch({ flow }: { flow: string }) {
  const [pinned, pin] = useNames("pinned-flows")
  const [announced, announce] = useNames("announced-flows")
  const isPinned = pinned.includes(flow)
  const isAnnounced = announced.includes(flow)
  const toggle = async () => {
    if (!isAnnounced && (await Notification.requestPermission()) !== "granted") {
      failed("Failures are not announced", new Error("Allow notifications of this page in the browser’s settings."))
      return
    }
    announce(flow)
  }
  return (
    <>
      <IconButton
        look="plain"
        label={isPinned ? "Take it off the menu" : "Pin it to the menu"}
        aria-pressed={isPinned}
        onClick={() => pin(flow)}
      >
        {isPinned ? <PinOff size={14} aria-hidden /> : <Pin size={14} aria-hidden />}
      </IconButton>
      {canAnnounce() && (
        <IconButton
          look="plain"
          label={isAnnounced ? "Announce its failures no more" : "Announce its failures in the browser"}
          aria-pressed={isAnnounced}
          onClick={() => void toggle()}
        >
          {isAnnounced ? <BellOff size={14} aria-hidden /> : <Bell size={14} aria-hidden />}
        </IconButton>
      )}
    </>
  )
}
