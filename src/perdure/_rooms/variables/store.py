"""Variables in the database."""

from collections.abc import Sequence

from perdure._rooms.variables.records import VariableRecord
from perdure._store.sql.access import Access


class SqlVariables:
    """What an orchestrator over a database does for variables."""

    _access: Access

    def variable(self, name: str) -> VariableRecord | None:
        """The variable with this name."""
        return self._access.one(VariableRecord, self._access.sql.variable, name)

    def variables(self) -> Sequence[VariableRecord]:
        """All variables, sorted by name."""
        return self._access.all(VariableRecord, self._access.sql.variables)

    def set_variable(self, record: VariableRecord, overwrite: bool) -> bool:
        """Keep a variable; False if there is one already and it is not to be overwritten."""
        statement = self._access.sql.put_variable if overwrite else self._access.sql.add_variable
        return self._access.writer.execute_apart(statement, record) == 1

    def delete_variable(self, name: str) -> bool:
        """Forget a variable; False if there is none with this name."""
        return self._access.writer.execute_apart(self._access.sql.forget_variable, (name,)) == 1
