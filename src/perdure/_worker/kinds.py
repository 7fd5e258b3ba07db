"""The infrastructure of each type of work pools; what it needs is imported by who starts it."""

from perdure._rooms.deployments.job_templates import check_kind
from perdure._worker.infrastructure import Infrastructure
from perdure._worker.process import ProcessInfrastructure


def infrastructure_of(kind: str) -> Infrastructure:
    """What starts runs of work pools of this type.

    Raises:
        DeploymentError: there is no such type.
        WorkerError: it cannot be used here; says why.
    """
    check_kind(kind)
    if kind == "docker":
        from perdure._worker.docker import DockerInfrastructure

        return DockerInfrastructure()
    if kind == "kubernetes":
        from perdure._worker.kubernetes import KubernetesInfrastructure

        return KubernetesInfrastructure()
    if kind == "slurm":
        from perdure._worker.slurm import SlurmInfrastructure

        return SlurmInfrastructure()
    if kind == "ssh":
        from perdure._worker.ssh import SshInfrastructure

        return SshInfrastructure()
    return ProcessInfrastructure()
