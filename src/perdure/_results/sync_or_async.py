"""What results say to those who ask: at once, or awaited."""

from typing import Generic, TypeVar

from perdure._model.colour import FetchPolicy, caller_is_async
from perdure._model.states import Fetchable

R = TypeVar("R")


class FetchableResult(Fetchable, Generic[R]):
    """Gives its value, and describes itself."""

    __slots__ = ()
    artifact_type = "result"

    @property
    def artifact_description(self) -> str:
        """What and where it is, for people."""
        return repr(self)

    def get(self) -> R:
        """The value. In coroutines it is awaited where the setting PERDURE_ASYNC_FETCH_STATE_RESULT is on.

        Raises what fetching it raises.
        """
        if caller_is_async() and FetchPolicy.fetch_in_async():
            return self.aget()  # type: ignore[return-value] # as who set it expects
        return self.load()  # type: ignore[no-any-return] # of the state's own protocol
