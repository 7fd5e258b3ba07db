"""The table of tokens; sessions of the page are rows with a parent."""

from perdure._model.tables import Table
from perdure._rooms.tokens.records import Token

API_TOKEN = Table("api_token", Token)
TABLES = (API_TOKEN,)
