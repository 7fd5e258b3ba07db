import { expect, it } from "vitest"
import { parseTraceback } from "./traceback"

const TEXT = `Task run encountered an exception. ValueError: no such city
Traceback (most recent call last):
  File "/home/ada/report.py", line 12, in load
    return table[city]
           ~~~~~^^^^^^
KeyError: 'Ulm'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3.11/concurrent/futures/thread.py", line 58, in run
    result = self.fn(*self.args, **self.kwargs)
  File "/home/ada/report.py", line 20, in main
    load("Ulm")
ValueError: no such city
it has two lines`

it("a traceback has its frames, and the error it ends with", () => {
  const [first, second] = parseTraceback(TEXT)
  expect(first?.frames).toEqual([
    { file: "/home/ada/report.py", line: 12, in: "load", code: "return table[city]", isLibrary: false },
  ])
  expect(first?.error).toBe("KeyError: 'Ulm'")
  expect(second?.link).toBe("During handling of the above exception, another exception occurred:")
  expect(second?.frames.map(frame => frame.isLibrary)).toEqual([true, false])
  expect(second?.error).toBe("ValueError: no such city\nit has two lines")
})

it("a text without a traceback has none", () => expect(parseTraceback("It failed")).toEqual([]))
