"""The systems that programs come from."""

from perdure._migration.airflow import AIRFLOW
from perdure._migration.dagster import DAGSTER
from perdure._migration.dbos import DBOS
from perdure._migration.joblib import JOBLIB
from perdure._migration.luigi import LUIGI
from perdure._migration.prefect import PREFECT
from perdure._migration.rules import Source

SOURCES: dict[str, Source] = {each.name: each for each in (PREFECT, AIRFLOW, DAGSTER, DBOS, JOBLIB, LUIGI)}
