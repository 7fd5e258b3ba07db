"""The API for people: a page that is made from its OpenAPI document, and asks for nothing from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse

PATH = "/api/docs"
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_METHODS = ("get", "post", "put", "patch", "delete")
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>Perdure's API</title></head>
<body>
<h1>Perdure's API, version {version}</h1>
<p>The same for programs, with the shapes of all requests and answers: <a href="/api/openapi.json">openapi.json</a>.
A server that has tokens takes one as <code>Authorization: Bearer TOKEN</code>.</p>
{operations}
</body>
</html>
"""


def add_description(app: FastAPI) -> None:
    """Have an application answer its address for people."""

    async def described(_: Request) -> HTMLResponse:
        return HTMLResponse(_page(app.openapi()), headers={"Content-Security-Policy": _POLICY})

    app.add_route(PATH, described, include_in_schema=False)


def _page(document: Mapping[str, Any]) -> str:
    operations = "\n".join(_operations(document["paths"]))
    return _PAGE.format(version=escape(document["info"]["version"]), operations=operations)


def _operations(paths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each method of each path: what it does, its parameters, and what it takes and gives."""
    for path, methods in sorted(paths.items()):
        for method in _METHODS:
            if (operation := methods.get(method)) is not None:
                yield f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
                yield f"<p>{escape(operation.get('description') or operation.get('summary', ''))}</p>"
                yield from _parameters(operation.get("parameters", ()))
                yield f"<p>{'; '.join(_shapes(operation))}</p>"


def _parameters(parameters: Any) -> Iterator[str]:
    if parameters:
        rows = (
            f"<li><code>{escape(each['name'])}</code> ({escape(each['in'])}{', required' if each['required'] else ''})"
            f" {escape(each.get('description', ''))}</li>"
            for each in parameters
        )
        yield f"<ul>{''.join(rows)}</ul>"


def _shapes(operation: Mapping[str, Any]) -> Iterator[str]:
    if "requestBody" in operation:
        yield f"takes {_shape(operation['requestBody'])}"
    for status, answer in operation["responses"].items():
        yield f"{escape(status)}: {escape(answer.get('description', ''))} {_shape(answer)}".strip()


def _shape(holder: Mapping[str, Any]) -> str:
    """The name of a body's model, if it has one."""
    named = (each.get("schema", {}).get("$ref", "") for each in holder.get("content", {}).values())
    names = [escape(each.rpartition("/")[2]) for each in named if each]
    return f"<code>{names[0]}</code>" if names else ""


__all__ = ["PATH", "add_description"]
