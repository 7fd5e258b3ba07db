"""The table of variables."""

from perdure._model.tables import Table
from perdure._rooms.variables.records import VariableRecord

VARIABLE = Table("variable", VariableRecord)
TABLES = (VARIABLE,)
