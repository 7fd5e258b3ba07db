"""Workers: they take runs of deployments from work pools, and start a process or other infrastructure for each."""
