"""What a Dask scheduler knows of batches of calls: who runs one, so that nobody else does.

Dask runs a task again whose worker has died, up to three times, and one that has ended, if the worker that held its
value is gone. A batch of calls must never run again by itself. So each worker asks here before it begins a batch, and
is refused if another one has begun it. The scheduler tells the sender when the worker of a batch is gone, passes on
what a batch has to say while it runs, and tells a worker when a batch is to stop.

It imports nothing of Perdure's. It keeps the names of batches until their sender is gone: until then, Dask may still
have sent one that has ended to another worker.
"""

from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

NAME = "perdure-batches"


class Batches(SchedulerPlugin):
    """Knows which worker runs which batch of calls."""

    name = NAME
    idempotent = True

    async def start(self, scheduler: Any) -> None:
        """Answer senders and workers from now on."""
        self._scheduler = scheduler
        self._claims: dict[str, tuple[str, str]] = {}  # by batch: the worker that runs it, and the client that sent it
        self._withdrawn: dict[str, str] = {}  # batches that are not to begin, with the clients that sent them
        self._clients: set[str] = set()
        scheduler.handlers |= {
            "perdure_hello": self.hello,
            "perdure_claim": self.claim,
            "perdure_holds": self.holds,
            "perdure_keep": self.keep,
            "perdure_resources": self.resources,
            "perdure_say": self.say,
            "perdure_withdraw": self.withdraw,
        }
        scheduler.stream_handlers["perdure-end"] = self.end

    # What senders ask.

    def hello(self, client: str) -> int:
        """A client sends batches from now on; how many calls can run at once."""
        self._clients.add(client)
        return int(self._scheduler.total_nthreads)

    def resources(self) -> list[dict[str, float]]:
        """What each worker has of the resources that Dask counts."""
        return [dict(worker.resources) for worker in self._scheduler.workers.values()]

    def withdraw(self, client: str, batches: list[str]) -> list[str | None]:
        """Have batches not begin, or stop; for each the worker that runs it, or None if it has not begun."""
        workers: list[str | None] = []
        for batch in batches:
            worker, _ = self._claims.get(batch, ("", ""))
            workers.append(worker or None)
            if not worker:
                self._withdrawn[batch] = client
            elif worker in self._scheduler.stream_comms:
                self._scheduler.worker_send(worker, {"op": "perdure-stop", "batch": batch})
        return workers

    def end(self, batch: str, client: str, **_: object) -> None:
        """The sender needs to know nothing more of a batch. It stays claimed: Dask may have sent it to others."""
        self._claims[batch] = "", client

    # What workers ask.

    def claim(self, batch: str, worker: str, client: str) -> str | None:
        """Have a worker run a batch; or why it must not: "begun" by another one, or "withdrawn".

        One that Dask has given up is no worker any more: nobody would say that it is gone, and Dask has others run it.
        """
        if batch in self._claims or worker not in self._scheduler.workers:
            return "begun"
        if batch in self._withdrawn or client not in self._clients:
            return "withdrawn"
        self._claims[batch] = worker, client
        return None

    def holds(self, batch: str, worker: str) -> bool:
        """Whether it is still this worker's to run the batch."""
        return self._claims.get(batch, ("", ""))[0] == worker and worker in self._scheduler.workers

    def keep(self, client: str, worker: str, sizes: dict[str, int]) -> None:
        """A worker has values in its memory that the client gets references of."""
        if client in self._clients and worker in self._scheduler.workers:
            self._scheduler.update_data(who_has={key: [worker] for key in sizes}, nbytes=sizes, client=client)

    def say(self, batch: str, client: str, messages: bytes) -> None:
        """Pass on to the sender what a batch has to say while it runs."""
        self._report(client, about=batch, messages=messages)

    # What Dask calls.

    def add_worker(self, scheduler: Any, worker: str) -> None:  # noqa: ARG002 - as Dask calls it
        """There is room for more calls."""
        self._report_room()

    def remove_worker(self, scheduler: Any, worker: str, **_: object) -> None:  # noqa: ARG002 - as Dask calls it
        """A worker is gone, and with it the batches that it ran."""
        self._report_room()
        for batch, (address, client) in self._claims.items():
            if address == worker:
                self._report(client, about=batch, lost=worker)

    def remove_client(self, scheduler: Any, client: str) -> None:  # noqa: ARG002 - as Dask calls it
        """A sender is gone: what it has sent is to stop."""
        self._clients.discard(client)
        sent = [batch for batch, (_, sender) in self._claims.items() if sender == client]
        self.withdraw(client, sent)
        for batch in sent:
            del self._claims[batch]
        self._withdrawn = {batch: sender for batch, sender in self._withdrawn.items() if sender != client}

    def _report_room(self) -> None:
        for client in tuple(self._clients):
            self._report(client, room=int(self._scheduler.total_nthreads))

    def _report(self, client: str, **fields: object) -> None:
        self._scheduler.report({"op": "perdure", **fields}, client=client)
