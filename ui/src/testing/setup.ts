/** How long a component test waits for what is to appear is the machine's affair, which may be busy. */

import { configure } from "@testing-library/react"

configure({ asyncUtilTimeout: 20_000 })
