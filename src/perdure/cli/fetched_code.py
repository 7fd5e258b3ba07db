"""The code of flows that come from somewhere else than the files of this machine."""

from collections.abc import Mapping

from perdure._rooms.deployments.bundles import is_bundle, unbundled
from perdure._session import session


def placed(entry: Mapping[str, str]) -> dict[str, str]:
    """Where a flow is found on this machine, by its entry point: its code is fetched, if it is not there yet.

    Raises:
        PerdureError: it cannot be had; says why.
    """
    if "source" not in entry:
        return dict(entry)
    if is_bundle(entry):
        return unbundled(entry, session.current().storages.get)
    from perdure._repositories import checkouts  # few flows come from repositories

    return checkouts.placed(entry)
