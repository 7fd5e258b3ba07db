import { QueryClientProvider } from "@tanstack/react-query"
import { RouterProvider } from "@tanstack/react-router"
import { setNonce } from "get-nonce"
import { Tooltip } from "radix-ui"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import "./app.css"
import { session } from "~/api/queries"
import { Toasts } from "~/components/Toast"
import { applyTheme, followSystemTheme } from "~/lib/theme"
import { queries } from "~/queryClient"
import { router } from "~/router"

applyTheme()
followSystemTheme()
queries.query(session()).catch(() => undefined) // no page is shown before it is known; the shell shows its errors
setNonce(document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? "")

const place = document.getElementById("root")
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Tooltip.Provider>
          <RouterProvider router={router} />
          <Toasts />
        </Tooltip.Provider>
      </QueryClientProvider>
    </StrictMode>,
  )
}
