"""A token of GitHub, and its API."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from perdure._blocks.block import Block
from perdure._model.awaited import awaited_in_async_code
from perdure._model.errors import IntegrationError

if TYPE_CHECKING:
    import httpx

__all__ = ["GitHubCredentials"]

_SECONDS = 30.0  # until a call counts as failed


class GitHubCredentials(Block):
    """A token of GitHub: `GitHubCredentials.load("mine").request("GET", "/user")`."""

    block_type = "github-credentials"

    token: SecretStr | None = None
    api_url: str = "https://api.github.com"  # of GitHub Enterprise, another one

    def get_client(self) -> "httpx.Client":
        """A client of httpx for GitHub's REST API, to be used in a `with` block."""
        import httpx  # programs that call nothing do not pay for it

        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.get_secret_value()}"
        return httpx.Client(base_url=self.api_url, headers=headers, timeout=_SECONDS, follow_redirects=True)

    @awaited_in_async_code
    def request(
        self, method: str, path: str, json: object = None, params: Mapping[str, str | int] | None = None
    ) -> Any:
        """What GitHub's REST API answers, decoded from JSON; None if it answers nothing. In async code, awaited.

        Raises:
            IntegrationError: it refuses, or cannot be reached.
        """
        return self._answer(method, path, json, params)

    @awaited_in_async_code
    def graphql(self, query: str, variables: Mapping[str, object] | None = None) -> Any:
        """The `data` of a query to GitHub's GraphQL API; in async code, awaited.

        Raises what `request` raises.
        """
        answer = self._answer("POST", "/graphql", {"query": query, "variables": variables or {}}, None)
        if answer.get("errors"):
            raise IntegrationError(f"GitHub refuses the query: {answer['errors'][0].get('message')}")
        return answer["data"]

    def _answer(self, method: str, path: str, json: object, params: Mapping[str, str | int] | None) -> Any:
        import httpx

        try:
            with self.get_client() as client:
                answer = client.request(method, path, json=json, params=params)
        except httpx.HTTPError as error:
            raise IntegrationError(f"GitHub was not reached at {self.api_url}: {type(error).__name__}.") from None
        if answer.is_error:
            raise IntegrationError(
                f"GitHub answered {answer.status_code} to {method} {path}: {_said(answer)}. Correct it, or the token."
            )
        return answer.json() if answer.content else None


def _said(answer: "httpx.Response") -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
