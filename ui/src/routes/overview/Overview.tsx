import { PageHead } from "~/layout/PageHead"

/** What runs, what happened. */
export function Page() {
  return <PageHead title="Overview" />
}
