"""How a request is refused."""


class Refused(Exception):
    """AWS refuses the request: error code and message as AWS gives them."""

    def __init__(self, code: str, message: str, status: str = "400 Bad Request") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
