"""Errors as a Teradata numbers them."""


class TeradataError(Exception):
    """What a Teradata would answer, to the best of our knowledge."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"[Teradata Database] [Error {code}] {message}")
        self.code = code


class NotUnderstoodError(TeradataError):
    """The stand-in does not know this. The code is the one of a syntax error."""

    def __init__(self, what: str) -> None:
        super().__init__(3706, f"the stand-in does not understand: {what}")
