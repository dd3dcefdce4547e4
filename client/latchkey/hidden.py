"""Values that show themselves to nobody: not in a repr, a traceback with locals or a pickle."""

from typing import Any, Generic, NoReturn, Self, TypeVar

T = TypeVar("T")


def _refuse_to_pickle() -> NoReturn:
    message = "this holds a secret; it is not to be pickled or copied"
    raise TypeError(message)


class Secret(Generic[T]):
    """A value that has to be asked for."""

    __slots__ = ("_value",)

    def __init__(self, value: "T | Secret[T]") -> None:
        self._value: T = value.reveal() if isinstance(value, Secret) else value

    @classmethod
    def or_none(cls, value: "T | Secret[T] | None") -> Self | None:
        """The same of a value that need not be there."""
        return None if value is None else cls(value)

    def reveal(self) -> T:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        _refuse_to_pickle()


class Hidden(dict[str, Any]):
    """A dictionary that does not show what it holds."""

    def __repr__(self) -> str:
        return "{…}"

    def __reduce__(self) -> NoReturn:
        _refuse_to_pickle()
