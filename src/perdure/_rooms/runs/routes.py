"""Flows, their runs and those of tasks."""

from perdure._rooms.runs import (
    comparison_routes,
    failure_routes,
    flow_routes,
    flow_run_routes,
    matrix_routes,
    plan_routes,
    source_routes,
    start_routes,
    tag_routes,
    task_run_routes,
)

ROUTERS = (
    comparison_routes.router,
    failure_routes.router,  # before those that take an id
    matrix_routes.router,
    flow_routes.router,
    flow_run_routes.router,
    plan_routes.router,
    source_routes.router,
    start_routes.router,
    tag_routes.router,
    task_run_routes.router,
)
