import { Compass } from "lucide-react"
import { Empty } from "~/components/Feedback"
import { Link } from "~/components/Link"
import { useTitle } from "~/lib/title"

/** For an address that leads nowhere. */
export function Missing() {
  useTitle("Not found")
  return (
    <Empty icon={Compass} title="There is no such page">
      <Link to="/">Go to the overview</Link>, or search with Ctrl K.
    </Empty>
  )
}
