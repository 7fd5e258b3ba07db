"""A Kubernetes API of our own, as far as workers use it: a Job is a process of this machine.

It has Jobs, their pods, logs, events, watches with versions, conflicts and evictions; and it can be made to forget old
versions (410), to cut off who watches, to be away, and to report no changes of pods.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Cluster:
    """What there is in the cluster; every change has a version, and is sent to who watches."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.version = 1000
        self.oldest = 1000  # what is older is forgotten
        self.things: dict[tuple[str, str], dict[str, Any]] = {}  # by kind and name
        self.log: list[tuple[int, str, str, dict[str, Any]]] = []  # versions, kinds, types of events, objects
        self.processes: dict[str, subprocess.Popen[bytes]] = {}  # by the names of pods
        self.outputs: dict[str, Path] = {}
        self.events: list[dict[str, Any]] = []
        self.generation = 0  # of connections: those of earlier ones are cut off
        self.is_away = False
        self.hides_pods = False  # from who watches them
        self.quota_is_used = False
        self.nodes_are_full = False
        self.requests: list[str] = []
        self.folder = Path(tempfile.mkdtemp(prefix="perdure-pods"))

    def record(self, kind: str, type: str, thing: dict[str, Any]) -> None:
        with self.changed:
            self.version += 1
            thing["metadata"]["resourceVersion"] = str(self.version)
            key = (kind, thing["metadata"]["name"])
            if type == "DELETED":
                self.things.pop(key, None)
            elif type == "ADDED" or key in self.things:
                self.things[key] = thing
            else:  # it has been deleted
                return
            self.log.append((self.version, kind, type, json.loads(json.dumps(thing))))
            self.changed.notify_all()

    def forget_versions(self) -> None:
        """Have whoever watches from an earlier version get a 410, and cut off all."""
        with self.changed:
            self.version += 10
            self.oldest = self.version
            self.log.clear()
        self.cut_off()

    def cut_off(self) -> None:
        with self.changed:
            self.generation += 1
            self.changed.notify_all()

    # What a controller and a node do

    def run(self, job: dict[str, Any]) -> None:
        name = job["metadata"]["name"]
        if self.quota_is_used:
            message = "pods is forbidden: exceeded quota: none"
            about = {"involvedObject": {"name": name}, "type": "Warning", "reason": "FailedCreate", "message": message}
            self.events.append(about)
            return
        template = job["spec"]["template"]
        labels = {**template["metadata"]["labels"], "job-name": name}
        times = {"creationTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        pod = {"metadata": {"name": f"{name}-abcde", "labels": labels, **times}, "spec": template["spec"]}
        pod["status"] = {"phase": "Pending", "conditions": [], "containerStatuses": []}
        self.record("pods", "ADDED", pod)
        threading.Thread(target=self._live, args=(job, pod), daemon=True).start()

    def _live(self, job: dict[str, Any], pod: dict[str, Any]) -> None:
        container, name = pod["spec"]["containers"][0], pod["metadata"]["name"]
        while self.nodes_are_full:
            no_node = {"reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu."}
            self._stand(pod, conditions=[{"type": "PodScheduled", "status": "False", **no_node}])
            if not self._sleeps(pod):
                self._end_job(job, pod, 137)
                return
        if container["image"].startswith("absent/"):
            said = f'Back-off pulling image "{container["image"]}"'
            self._stand(pod, state={"waiting": {"reason": "ImagePullBackOff", "message": said}})
            while self._sleeps(pod):
                pass
            self._end_job(job, pod, 137)
            return
        output = self.outputs[name] = self.folder / name
        environment = os.environ | {each["name"]: each["value"] for each in container.get("env", [])}
        try:
            with output.open("wb") as file:
                process = subprocess.Popen(
                    container["args"],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            terminated = {"exitCode": 127, "reason": "StartError", "message": str(error)}
            self._end_job(job, pod, 127, terminated)
            return
        self.processes[name] = process
        self._stand(pod, phase="Running", state={"running": {}})
        code = process.wait()
        self._end_job(job, pod, 128 - code if code < 0 else code)

    def _sleeps(self, pod: dict[str, Any]) -> bool:
        time.sleep(0.05)
        return ("pods", pod["metadata"]["name"]) in self.things

    def _stand(self, pod: dict[str, Any], **status: Any) -> None:
        if "state" in status:
            status["containerStatuses"] = [{"state": status.pop("state")}]
        pod["status"] |= status
        self.record("pods", "MODIFIED", pod)

    def _end_job(self, job: dict[str, Any], pod: dict[str, Any], code: int, more: dict[str, Any] | None = None) -> None:
        fine = code == 0
        why = pod.pop("ends", {})
        if why.get("reason") == "OOMKilled":
            more = why
        elif why:
            pod["status"] |= why
        terminated = {"exitCode": code, "reason": "Completed" if fine else "Error"} | (more or {})
        self._stand(pod, phase="Succeeded" if fine else "Failed", state={"terminated": terminated})
        if "deletionTimestamp" in pod["metadata"]:
            self.record("pods", "DELETED", pod)
        condition = {"type": "Complete", "status": "True"}
        if not fine:
            message = "Job has reached the specified backoff limit"
            condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": message}
        job["status"] = {"conditions": [condition]}
        self.record("jobs", "MODIFIED", job)

    def pod_of(self, run: str) -> dict[str, Any]:
        (found,) = [thing for (kind, name), thing in self.things.items() if kind == "pods" and run in name]
        return found

    def evict(self, run: str) -> None:
        """What a node that is short of disk does."""
        self._kill(run, {"reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."})

    def exhaust_memory(self, run: str) -> None:
        """What the kernel does to a container above its limit."""
        self._kill(run, {"reason": "OOMKilled"})

    def _kill(self, run: str, why: dict[str, str]) -> None:
        pod = self.pod_of(run)
        pod["ends"] = why
        os.killpg(self.processes[pod["metadata"]["name"]].pid, signal.SIGKILL)

    def delete_pod(self, name: str, grace: float) -> bool:
        pod, process = self.things.get(("pods", name)), self.processes.get(name)
        if pod is None:
            return False
        pod["metadata"]["deletionTimestamp"] = "now"
        if process is None or process.poll() is not None:
            self.record("pods", "DELETED", pod)
            return True
        with suppress(OSError):
            os.kill(process.pid, signal.SIGTERM)

        def later() -> None:
            with suppress(OSError, subprocess.TimeoutExpired):
                try:
                    process.wait(grace)
                finally:
                    os.killpg(process.pid, signal.SIGKILL)

        threading.Thread(target=later, daemon=True).start()
        return True

    def delete_job(self, name: str) -> bool:
        job = self.things.get(("jobs", name))
        if job is None:
            return False
        self.record("jobs", "DELETED", job)
        for kind, each in list(self.things):
            if kind == "pods" and each.startswith(name):
                self.delete_pod(each, 1.0)
        return True

    def close(self) -> None:
        self.cut_off()
        for process in self.processes.values():
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def log_message(self, *_: Any) -> None:
        pass

    def _say(self, status: int, body: Any) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self, status: int, reason: str, message: str) -> None:
        self._say(status, {"kind": "Status", "reason": reason, "message": message, "code": status})

    def _asked(self) -> tuple[str, str, str, dict[str, str]] | None:
        """The kind, the name, what of it, and the query; None if there is nothing to answer."""
        cluster = self.cluster
        url = urlsplit(self.path)
        cluster.requests.append(f"{self.command} {url.path}")
        if cluster.is_away:
            self.close_connection = True
            self.connection.close()
            return None
        if self.headers.get("Authorization") != "Bearer a-token":
            self._refuse(401, "Unauthorized", "Unauthorized")
            return None
        kind, name, part = (*url.path.partition("/namespaces/flows/")[2].split("/"), "", "")[:3]
        return kind, name, part, {key: values[0] for key, values in parse_qs(url.query).items()}

    def do_GET(self) -> None:
        asked = self._asked()
        if asked is None:
            return
        kind, name, part, query = asked
        cluster = self.cluster
        if kind == "events":
            about = query["fieldSelector"].partition("=")[2]
            self._say(200, {"items": [each for each in cluster.events if each["involvedObject"]["name"] == about]})
        elif part == "log":
            self._log(name, query)
        elif name:
            found = cluster.things.get((kind, name))
            if found is None:
                self._refuse(404, "NotFound", f"{kind} {name!r} not found")
            else:
                self._say(200, found)
        elif "watch" in query:
            self._watch(kind, int(query["resourceVersion"]))
        else:
            label, _, value = query["labelSelector"].partition("=")
            with cluster.changed:
                found = [
                    thing for (of, _), thing in cluster.things.items() if of == kind and _fits(thing, label, value)
                ]
                self._say(200, {"items": found, "metadata": {"resourceVersion": str(cluster.version)}})

    def _log(self, pod: str, query: dict[str, str]) -> None:
        output, process = self.cluster.outputs.get(pod), self.cluster.processes.get(pod)
        if output is None or ("pods", pod) not in self.cluster.things:
            self._refuse(404, "NotFound", f"pods {pod!r} not found")
            return
        while "follow" in query and process is not None and process.poll() is None:
            time.sleep(0.05)
        lines = output.read_bytes().splitlines(keepends=True)
        self._say(200, b"".join(lines[-int(query["tailLines"]) :]))

    def _watch(self, kind: str, version: int) -> None:
        cluster = self.cluster
        generation = cluster.generation
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if version < cluster.oldest:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            self._event("ERROR", gone)
            return
        with suppress(OSError):
            while generation == cluster.generation and not cluster.is_away:
                with cluster.changed:
                    new = [entry for entry in cluster.log if entry[0] > version]
                    if not new:
                        cluster.changed.wait(0.5)
                for entry in new:
                    version = entry[0]
                    if entry[1] == kind and not (kind == "pods" and cluster.hides_pods):
                        self._event(*entry[2:])

    def _event(self, type: str, thing: Any) -> None:
        self.wfile.write(json.dumps({"type": type, "object": thing}).encode() + b"\n")
        self.wfile.flush()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = self._asked()
        if asked is None:
            return
        name, cluster = body["metadata"]["name"], self.cluster
        with cluster.changed:
            if ("jobs", name) in cluster.things:
                self._refuse(409, "AlreadyExists", f'jobs.batch "{name}" already exists')
                return
            if not body["spec"]["template"]["spec"]["containers"][0]["image"].islower():
                self._refuse(422, "Invalid", f'Job.batch "{name}" is invalid: image: Invalid value')
                return
            cluster.record("jobs", "ADDED", body)
        cluster.run(body)
        self._say(201, body)

    def do_DELETE(self) -> None:
        asked = self._asked()
        if asked is None:
            return
        kind, name, _, query = asked
        if kind == "jobs":
            done = self.cluster.delete_job(name)
        else:
            done = self.cluster.delete_pod(name, float(query.get("gracePeriodSeconds", 30)))
        if done:
            self._say(200, {"kind": "Status", "status": "Success"})
        else:
            self._refuse(404, "NotFound", f"{kind} {name!r} not found")


def _fits(thing: dict[str, Any], label: str, value: str) -> bool:
    labels = thing["metadata"]["labels"]
    return labels.get(label) == value if value else label in labels


@contextmanager
def cluster() -> Iterator[tuple[Cluster, str, dict[str, Any]]]:
    """A cluster, its address, and a kubeconfig of it."""
    made = Cluster()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"cluster": made}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    config = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "here", "user": "me", "namespace": "flows"}}],
        "clusters": [{"name": "here", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
    }
    try:
        yield made, address, config
    finally:
        made.close()
        server.shutdown()
        thread.join()
        server.server_close()
