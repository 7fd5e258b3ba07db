"""The systems that programs come from, each with what its names become: the modules `*_names` beside this one."""

from perdure._migration.airflow_names import AIRFLOW
from perdure._migration.dagster_names import DAGSTER
from perdure._migration.dbos_names import DBOS
from perdure._migration.joblib_names import JOBLIB
from perdure._migration.luigi_names import LUIGI
from perdure._migration.prefect_names import PREFECT
from perdure._migration.rules import Source

SOURCES: dict[str, Source] = {each.name: each for each in (PREFECT, AIRFLOW, DAGSTER, DBOS, JOBLIB, LUIGI)}
