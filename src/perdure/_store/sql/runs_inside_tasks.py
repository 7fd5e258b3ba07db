"""Runs that a task outside all flows has called, by that task: a temporary table, and the statement that fills it."""

TABLE = "CREATE TEMP TABLE inside (parent <text>, id <text>, PRIMARY KEY (parent, id))<clustered>"
FILL = """
INSERT INTO inside
SELECT parent_task_run_id, id FROM flow_run WHERE parent_flow_run_id IS NULL AND parent_task_run_id IS NOT NULL
UNION ALL
SELECT parent_task_run_id, id FROM task_run WHERE flow_run_id IS NULL AND parent_task_run_id IS NOT NULL
ON CONFLICT DO NOTHING
"""
