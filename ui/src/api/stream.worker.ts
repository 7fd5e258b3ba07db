import { openStream, type Message } from "./stream"

declare const self: { onconnect: (event: MessageEvent) => void }

const ports = new Set<MessagePort>()
let close: (() => void) | null = null
let connection: Message | null = null // the first message for a tab that comes later

function say(message: Message): void {
  if (message.kind === "open" || message.kind === "lost") connection = message
  for (const port of ports) port.postMessage(message)
}

function join(port: MessagePort): void {
  ports.add(port)
  if (connection !== null) port.postMessage(connection)
  close ??= openStream(say)
}

function leave(port: MessagePort): void {
  ports.delete(port)
  if (ports.size > 0) return
  close?.()
  close = connection = null
}

self.onconnect = event => {
  const [port] = event.ports
  if (port === undefined) return
  port.onmessage = ({ data }) => (data === "leave" ? leave(port) : join(port))
  join(port)
}
