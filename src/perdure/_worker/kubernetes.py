"""Runs as Jobs of Kubernetes, by its API over httpx.

A Job is called by its run and start: the API refuses a second one of that name, so that two workers start one. Jobs and
their pods are watched, all of a namespace by one connection each: what is asked of a job is answered by what was seen.
"""

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx

from perdure._model.errors import WorkerError
from perdure._worker.infrastructure import KEPT_LINES, Job, Unreachable, code_of, last_lines, name_of
from perdure._worker.kubernetes_access import Access, access

_LABEL, _START = "perdure/flow-run", "perdure/start"
_JOBS, _PODS, _EVENTS = (
    "/apis/batch/v1/namespaces/{}/jobs",
    "/api/v1/namespaces/{}/pods",
    "/api/v1/namespaces/{}/events",
)
_WATCH_SECONDS = 240  # of one request, after which the next one continues
_RETRY_SECONDS = 1.0
_SYNC_SECONDS = 30.0  # for the first list of a namespace
_DELETED = 1_000  # objects that are remembered after their deletion
_POD_SECONDS = 5.0  # for which the end of a pod may be seen later than that of its Job
_EVENT_SECONDS = 5.0  # between two looks for why a job has no pod
_LOG_SECONDS = 2.0  # until the log's end has been read, once its pod has ended
_LOG_ATTEMPTS = 3
_NEW_SECONDS = 30.0  # in which a job that was made may not have been seen yet
_BUSY = (408, 425, 429, 500, 502, 503, 504)  # answers after which the same request may succeed


class KubernetesInfrastructure:
    """Starts each run as a Job in the cluster of a kubeconfig, or of the pod that the worker is in.

    Raises:
        WorkerError: no cluster is configured.
    """

    type = "kubernetes"
    python = "python"
    is_elsewhere = True
    outlives = True

    def __init__(self, kubeconfig: str | Path | None = None) -> None:
        self.access: Access = access(kubeconfig)
        self._lock = threading.Lock()
        self._views: dict[str, tuple[_View, _View]] = {}

    def start(self, job: Job) -> "KubernetesJob":
        """Make a Job, unless that start of the run has one.

        Raises:
            Unreachable: the API does not answer.
            WorkerError: the API refuses the Job.
        """
        namespace = job.made_of.get("namespace", self.access.namespace)
        jobs, _ = self.views(namespace)
        response = self.request("POST", _JOBS.format(namespace), json=_manifest(job, namespace))
        if response.status_code == httpx.codes.CONFLICT:
            response = self.request("GET", f"{_JOBS.format(namespace)}/{job.name}")
        if response.is_error:
            raise WorkerError(f"Kubernetes refused the job: {_message(response)}")
        jobs.put(response.json())
        return KubernetesJob(self, namespace, job.name, "finished_job_ttl" not in job.made_of)

    def find(self, flow_run_id: str) -> "KubernetesJob | None":
        """The newest Job of a run, in the namespaces that this worker has used, and in its own.

        Raises:
            Unreachable: the API does not answer.
        """
        for namespace in {self.access.namespace, *self._views}:
            chosen = {"labelSelector": f"{_LABEL}={flow_run_id}"}
            response = self.request("GET", _JOBS.format(namespace), params=chosen)
            if response.is_error:
                raise Unreachable(f"Kubernetes does not list jobs: {_message(response)}")
            jobs, _ = self.views(namespace)
            found = [each for each in response.json()["items"] if "deletionTimestamp" not in each["metadata"]]
            newest = max(found, key=lambda each: int(each["metadata"]["labels"][_START]), default=None)
            if newest is not None:
                jobs.put(newest)
                removes = "ttlSecondsAfterFinished" not in newest["spec"]
                return KubernetesJob(self, namespace, newest["metadata"]["name"], removes)
        return None

    def close(self) -> None:
        """Watch nothing any more, and close all connections."""
        views = [each for two in self._views.values() for each in two]
        for view in views:
            view.close()
        for view in views:
            view.thread.join(_RETRY_SECONDS)
        self.access.client.close()

    def views(self, namespace: str) -> "tuple[_View, _View]":
        """The jobs and pods of a namespace, as they were seen last."""
        with self._lock:
            if namespace not in self._views:
                client = self.access.client
                self._views[namespace] = _View(client, _JOBS.format(namespace)), _View(client, _PODS.format(namespace))
        return self._views[namespace]

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """An answer of the API, also one that refuses.

        Raises:
            Unreachable: there is none now.
        """
        try:
            response = self.access.client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(f"Kubernetes does not answer: {error or type(error).__name__}") from error
        if response.status_code in _BUSY:
            raise Unreachable(f"Kubernetes cannot do it now: {_message(response)}")
        return response


def _message(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code} {response.reason_phrase}"


def _manifest(job: Job, namespace: str) -> dict[str, Any]:
    """The Job of a run: that of the template, with what the run needs put into it."""
    made_of, manifest = job.made_of, deepcopy(dict(job.made_of.get("job_manifest", {})))
    manifest |= {"apiVersion": "batch/v1", "kind": "Job"}
    labels = {name: str(value) for name, value in made_of.get("labels", {}).items()}
    labels |= {_LABEL: job.flow_run_id, _START: str(job.start)}
    metadata = manifest.setdefault("metadata", {})
    metadata |= {"name": job.name, "namespace": namespace, "labels": {**metadata.get("labels", {}), **labels}}
    spec = manifest.setdefault("spec", {})
    spec |= {"backoffLimit": 0, "completions": 1, "parallelism": 1}  # who tries a run again is the worker
    if "finished_job_ttl" in made_of:
        spec["ttlSecondsAfterFinished"] = made_of["finished_job_ttl"]
    template = spec.setdefault("template", {})
    of_pod = template.setdefault("metadata", {})
    of_pod["labels"] = {**of_pod.get("labels", {}), **labels}
    pod = template.setdefault("spec", {})
    pod["restartPolicy"] = "Never"
    if "service_account_name" in made_of:
        pod["serviceAccountName"] = made_of["service_account_name"]
    container = pod.setdefault("containers", [{}])[0]
    container |= {"name": container.get("name", "run"), "image": made_of["image"], "args": list(job.command)}
    container["imagePullPolicy"] = made_of.get("image_pull_policy", "IfNotPresent")
    own = [{"name": name, "value": value} for name, value in job.environment.items() if value is not None]
    given = [each for each in container.get("env", []) if each["name"] not in job.environment]
    container["env"] = given + own
    for name, field in (("working_dir", "workingDir"), ("resources", "resources")):
        if name in made_of:
            container[field] = made_of[name]
    return manifest


class _View:
    """The jobs, or the pods, of runs in a namespace: listed once, then watched by a thread."""

    def __init__(self, client: httpx.Client, path: str) -> None:
        self._client = client
        self._path = path
        self._lock = threading.Lock()
        self._objects: dict[str, Mapping[str, Any]] = {}
        self._put: dict[str, float] = {}  # since when objects are here that a list may not have had yet
        self._deleted: dict[str, Mapping[str, Any]] = {}  # of late: as they were at their end
        self._listed = threading.Event()
        self.problem = ""  # why it is not current
        self._over = threading.Event()
        self._stream: Any = None  # of the connection that is being read
        self.thread = threading.Thread(target=self._keep, name="perdure-kubernetes", daemon=True)
        self.thread.start()
        self._listed.wait(_SYNC_SECONDS)

    def close(self) -> None:
        """Watch no more: who reads from the connection finds its end."""
        self._over.set()
        if self._stream is not None:
            with suppress(OSError):
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    def put(self, thing: Mapping[str, Any]) -> None:
        """Take in what the API has answered to another request."""
        with self._lock:
            name = thing["metadata"]["name"]
            if name not in self._objects:
                self._objects[name] = thing
                self._put[name] = time.monotonic()

    def get(self, name: str) -> Mapping[str, Any] | None:
        """One by its name, as it was seen last."""
        return self._objects.get(name)

    def of(self, job: str) -> list[Mapping[str, Any]]:
        """The pods of a job, also those that were deleted of late, those that were made first first."""
        with self._lock:
            known = {**self._deleted, **self._objects}.values()
            found = [each for each in known if _job_of(each["metadata"]["labels"]) == job]
        return sorted(found, key=lambda each: str(each["metadata"].get("creationTimestamp")))

    def _keep(self) -> None:
        while not self._over.is_set():
            try:
                self._watch(self._list())
            except (httpx.HTTPError, WorkerError, ValueError, KeyError) as error:
                self.problem = f"Kubernetes does not answer: {error or type(error).__name__}"
                self._over.wait(_RETRY_SECONDS)

    def _list(self) -> str:
        response = self._client.get(self._path, params={"labelSelector": _LABEL})
        if response.is_error:
            raise ValueError(_message(response))
        listed = response.json()
        found = {each["metadata"]["name"]: each for each in listed["items"]}
        now = time.monotonic()
        with self._lock:
            new = {name for name, since in self._put.items() if now - since < _NEW_SECONDS and name not in found}
            self._objects = {**found, **{name: self._objects[name] for name in new if name in self._objects}}
            self._put = {name: self._put[name] for name in new}
        self.problem = ""
        self._listed.set()
        return str(listed["metadata"]["resourceVersion"])

    def _watch(self, version: str) -> None:
        """Follow what changes, until the API has forgotten where we are: then all is listed again."""
        while not self._over.is_set():
            params = {
                "labelSelector": _LABEL,
                "watch": "1",
                "resourceVersion": version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(_WATCH_SECONDS),
            }
            timeout = httpx.Timeout(10.0, read=_WATCH_SECONDS + 30.0)
            with self._client.stream("GET", self._path, params=params, timeout=timeout) as response:
                self._stream = response.extensions["network_stream"]
                if response.is_error or self._over.is_set():
                    return
                for line in response.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    version = self._take(event)

    def _take(self, event: Mapping[str, Any]) -> str:
        thing = event["object"]
        with self._lock:
            name = thing["metadata"].get("name")
            if event["type"] in ("ADDED", "MODIFIED"):
                self._objects[name] = thing
            elif event["type"] == "DELETED":
                self._objects.pop(name, None)
                self._put.pop(name, None)
                self._deleted[name] = thing
                if len(self._deleted) > _DELETED:
                    del self._deleted[next(iter(self._deleted))]
        return str(thing["metadata"]["resourceVersion"])


class KubernetesJob:
    """A Job, with its pod."""

    has_reported = False  # what it reported, the database has

    def __init__(self, infrastructure: KubernetesInfrastructure, namespace: str, name: str, removes: bool) -> None:
        self._infrastructure = infrastructure
        self._namespace = namespace
        self._name = name
        self._removes = removes
        self._jobs, self._pods = infrastructure.views(namespace)
        self._pod: Mapping[str, Any] | None = None  # as it was seen last
        self._end: tuple[int, str] | None = None
        self._over_since: float | None = None  # when its end was seen, and not that of its pod
        self._event, self._asked = "", float("-inf")
        self._followed: deque[str] = deque(maxlen=KEPT_LINES)  # once it is to end: with its pod, its log is gone
        self._follower: threading.Thread | None = None

    def ended(self) -> int | None:
        """The exit code of its container, once Kubernetes says that the Job has ended."""
        self._look()
        if self._end is None and not self._jobs.problem:
            job = self._jobs.get(self._name)
            if job is None:
                self._end = (-9, "its job was deleted")
            else:
                conditions = job.get("status", {}).get("conditions") or []
                over = [
                    each for each in conditions if each["type"] in ("Complete", "Failed") and each["status"] == "True"
                ]
                if over and self._says_how(over[0]):
                    self._end = self._end_by(over[0])
        return None if self._end is None else self._end[0]

    def _says_how(self, condition: Mapping[str, object]) -> bool:
        """Whether its pod says how it ended; or will not, since it is gone, or there was none.

        What is seen of jobs may be ahead of what is seen of pods: one that ends at once may not have been seen at all.
        """
        phase = None if self._pod is None else self._pod.get("status", {}).get("phase")
        if condition["type"] == "Complete" or phase in ("Succeeded", "Failed"):
            return True
        self._over_since = self._over_since or time.monotonic()
        return time.monotonic() - self._over_since > _POD_SECONDS

    def _look(self) -> None:
        pods = self._pods.of(self._name)
        if pods:
            self._pod = pods[-1]

    def _end_by(self, condition: Mapping[str, object]) -> tuple[int, str]:
        status: Mapping[str, Any] = {} if self._pod is None else self._pod.get("status", {})
        terminated = _state(status).get("terminated")
        said = [status.get("reason"), status.get("message")]  # such as Evicted
        if terminated is not None:
            reason = terminated.get("reason")
            said += [None if reason in ("Completed", "Error") else reason, terminated.get("message")]
        if condition["type"] == "Complete":
            return 0, ""
        code = -9 if terminated is None else code_of(terminated["exitCode"])
        text = ": ".join(part for part in said if part)
        return code or -9, text or ("" if code else f"{condition.get('reason')}: {condition.get('message')}")

    def status(self) -> str:
        """What it waits for: an image, a node, a quota; or why it ended."""
        if self._end is not None:
            return self._end[1]
        if self._jobs.problem or self._pods.problem:
            return self._jobs.problem or self._pods.problem
        self._look()
        if self._pod is None:
            return self._event_of_job()
        status = self._pod.get("status", {})
        waiting = _state(status).get("waiting", {})
        if waiting.get("reason", "ContainerCreating") not in ("ContainerCreating", "PodInitializing"):
            return ": ".join(part for part in (waiting["reason"], waiting.get("message")) if part)
        for each in status.get("conditions") or []:
            if each["type"] == "PodScheduled" and each["status"] == "False":
                return ": ".join(part for part in (each.get("reason"), each.get("message")) if part)
        return ""

    def _event_of_job(self) -> str:
        """Why it has no pod: only events say that."""
        if time.monotonic() - self._asked > _EVENT_SECONDS:
            self._asked = time.monotonic()
            chosen = {"fieldSelector": f"involvedObject.name={self._name}"}
            try:
                response = self._infrastructure.request("GET", _EVENTS.format(self._namespace), params=chosen)
                events = [] if response.is_error else response.json()["items"]
            except Unreachable:
                return self._event
            wrong = [each for each in events if each.get("type") == "Warning"]
            self._event = f"{wrong[-1].get('reason')}: {wrong[-1].get('message')}" if wrong else ""
        return self._event

    def said(self) -> str:
        """The end of what its container printed."""
        if self._follower is not None:
            self._follower.join(_LOG_SECONDS)
            return last_lines("\n".join(self._followed))
        self._look()
        for _ in range(_LOG_ATTEMPTS):  # a connection that was kept may be closed by now
            try:
                if self._pod is None:
                    self._ask_for_pods()
                if self._pod is None:
                    return ""
                response = self._infrastructure.request("GET", f"{self._path()}/log", params={"tailLines": KEPT_LINES})
            except Unreachable:
                continue
            return "" if response.is_error else last_lines(response.text)
        return ""

    def _ask_for_pods(self) -> None:
        """List its pods: what is seen of jobs may be ahead of what is seen of pods."""
        chosen = {"labelSelector": f"job-name={self._name}"}
        response = self._infrastructure.request("GET", _PODS.format(self._namespace), params=chosen)
        for each in [] if response.is_error else response.json()["items"]:
            self._pods.put(each)
        self._look()

    def _path(self) -> str:
        assert self._pod is not None
        return f"{_PODS.format(self._namespace)}/{self._pod['metadata']['name']}"

    def stop(self, force: bool) -> None:
        """Delete its pod, which has its process asked to end; at once, by force. Without a pod, the Job."""
        self._look()
        try:
            if self._pod is None:
                self._ask_for_pods()
            if self._pod is None:
                self._delete_job()
                return
            if self._follower is None and self.ended() is None:
                self._follower = threading.Thread(target=self._follow, name="perdure-kubernetes-log", daemon=True)
                self._follower.start()
            options = {"gracePeriodSeconds": 1} if force else {}
            self._infrastructure.request("DELETE", self._path(), params=options)
        except Unreachable:  # its worker asks again
            return

    def _follow(self) -> None:
        """Read the log until the pod is gone."""
        params: dict[str, Any] = {"follow": "true", "tailLines": KEPT_LINES}
        try:
            client = self._infrastructure.access.client
            with client.stream("GET", f"{self._path()}/log", params=params, timeout=None) as response:
                self._followed.extend(response.iter_lines())
        except httpx.HTTPError:
            return

    def _delete_job(self) -> None:
        path = f"{_JOBS.format(self._namespace)}/{self._name}"
        self._infrastructure.request("DELETE", path, params={"propagationPolicy": "Background"})

    def forget(self) -> None:
        """Delete the Job, unless the cluster is to do that after a time."""
        if self._removes:
            try:
                self._delete_job()
            except Unreachable:
                return


def _job_of(labels: Mapping[str, str]) -> str:
    return name_of(labels[_LABEL], int(labels[_START]))


def _state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the first container of a pod stands."""
    containers = status.get("containerStatuses") or [{}]
    state: Mapping[str, Any] = containers[0].get("state", {})
    return state
