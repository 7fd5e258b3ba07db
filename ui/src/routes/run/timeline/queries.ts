import { queryOptions } from "@tanstack/react-query"
import { client, unwrap, type Schemas } from "~/api/client"
import { LIVE } from "../queries"
import { isWhole, merged } from "./bars"

/** How far back it is looked for changes, in ms: clocks differ, and what is reported is written a little later. */
const OVERLAP = 1_000
const MANY = 2_000 // runs, of which changes are asked for half as often

/** A timeline, and whether nothing had changed when it was last looked at. */
type Known = Schemas["Timeline"] & { isStill?: boolean }

/** All that a flow run called, as columns. `live`: look again while it runs, for what has changed alone. */
export const timeline = (id: string, live: boolean) =>
  queryOptions({
    queryKey: ["timeline", id],
    queryFn: async ({ client: queries }): Promise<Known> => {
      const fetched = (changed_since?: number) => {
        const query = { limit: 20_000, ...(changed_since === undefined ? {} : { changed_since }) }
        return unwrap(client.GET("/api/flow-runs/{id}/timeline", { params: { path: { id }, query } }))
      }
      const known = queries.getQueryData<Known>(["timeline", id])
      if (!live || known?.changed == null) return fetched()
      const changes = await fetched(known.isStill === true ? known.changed + 0.001 : known.changed - OVERLAP)
      const isStill = (changes.changed ?? 0) <= known.changed
      const next: Known = { ...merged(known, changes), isStill }
      // What still changes may do so between the server's two looks; what has come to rest has to add up.
      return isStill && !isWhole(next) ? fetched() : next
    },
    structuralSharing: false, // it would compare all columns, value by value
    refetchInterval: ({ state: { data } }) => {
      if (!live) return false
      return (data?.id.length ?? 0) > MANY ? 2 * LIVE : LIVE
    },
  })
