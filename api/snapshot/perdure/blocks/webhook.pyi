__all__ = [
    "Webhook",
]

class Webhook(_AtUrl):
    def __init__(self, *, allow_private_urls: bool = True, **fields: Any) -> None: ...
    async def acall(self, payload: object = None) -> Any: ...
    @property
    def allow_private_urls(self) -> bool: ...
    block_type = 'webhook'
    def call(self, payload: object = None) -> Any: ...
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    method: Literal['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] = 'POST'
    timeout_seconds: float = Field(default=SECONDS, gt=0)
    url: SecretStr
