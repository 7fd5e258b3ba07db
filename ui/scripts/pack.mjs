// Leaves each text of a build packed beside it, so that the server need not do it for every visitor.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { brotliCompressSync, constants, gzipSync } from "node:zlib"

const folder = new URL("../dist", import.meta.url).pathname
const texts = /\.(js|css|svg|json|webmanifest)$/
const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }

for (const name of readdirSync(folder, { recursive: true })) {
  const file = join(folder, name)
  if (!texts.test(name) || !statSync(file).isFile()) continue
  const content = readFileSync(file)
  const packed = { ".br": brotliCompressSync(content, quality), ".gz": gzipSync(content, { level: 9 }) }
  for (const [ending, bytes] of Object.entries(packed)) {
    if (bytes.length < content.length * 0.9) writeFileSync(file + ending, bytes)
  }
}
