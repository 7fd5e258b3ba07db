"""The table of variables."""

from perdure._model.records import VariableRecord
from perdure._model.tables import Table

VARIABLE = Table("variable", VariableRecord)
TABLES = (VARIABLE,)
