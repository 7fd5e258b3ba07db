"""Deployments: what a flow's definition is kept as, and how runs of it are made, when they are due and on demand."""
