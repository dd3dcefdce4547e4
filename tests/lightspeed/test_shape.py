import pytest

from lightspeed.shape import Shape, shape_of


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("0f" * 16, Shape.USUAL),
        ("0f" * 15 + "0", Shape.CUT_SHORT),
        ("a", Shape.CUT_SHORT),
        ("0F" * 16, Shape.UNUSUAL),
        ("0f" * 17, Shape.UNUSUAL),
        ("", Shape.UNUSUAL),
        ("xyz-123", Shape.UNUSUAL),
        ("0f" * 16 + "\n", Shape.UNUSUAL),
        ("baker@bakery.example", Shape.EMAIL),
        ("https://bakery.webshopapp.com/admin", Shape.ADDRESS),
        ("www.bakery.example", Shape.ADDRESS),
        ("bakery.example:8000", Shape.ADDRESS),
        ("bakery.example/admin", Shape.ADDRESS),
        ("x" * 255, Shape.UNUSUAL),
        ("x" * 256, Shape.TOO_LONG),
        ("f" * 256, Shape.TOO_LONG),
    ],
)
def test_a_value_has_one_shape(value: str, shape: Shape) -> None:
    assert shape_of(value) is shape
