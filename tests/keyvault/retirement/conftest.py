from tests.keyvault.renewal.conftest import vendor

__all__ = ["vendor"]
