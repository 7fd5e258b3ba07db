"""The systems that programs come from."""

from perdure.migration.airflow import AIRFLOW
from perdure.migration.dagster import DAGSTER
from perdure.migration.dbos import DBOS
from perdure.migration.joblib import JOBLIB
from perdure.migration.luigi import LUIGI
from perdure.migration.prefect import PREFECT
from perdure.migration.rules import Source

SOURCES: dict[str, Source] = {each.name: each for each in (PREFECT, AIRFLOW, DAGSTER, DBOS, JOBLIB, LUIGI)}
