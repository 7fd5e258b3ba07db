"""Deployments: flows that start by their name, at their times, on workers. `serve` and `deploy` make them.

```python
if __name__ == "__main__":
    report.serve(name="nightly", cron="0 6 * * *", timezone="Europe/Oslo")
```
"""

from perdure._execution.deployment_runs import run_deployment
from perdure._execution.deployments import Applied, Bundle, DeployedFlow, Deployment, deploy, serve
from perdure._model.errors import BundleError, DeploymentError, DeploymentMissing
from perdure._platform.moved import export

__all__ = [
    "Applied",
    "Bundle",
    "BundleError",
    "DeployedFlow",
    "Deployment",
    "DeploymentError",
    "DeploymentMissing",
    "deploy",
    "run_deployment",
    "serve",
]

export(globals())
