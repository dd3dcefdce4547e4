"""A connection that the database has hung up on is left before anybody uses it."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db(transaction=True)


def _hang_up() -> None:
    """Ends this thread's connection from the server's side, and gives it back as it is."""
    connection.ensure_connection()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with connection.copy().cursor() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    connection.close()


def test_whoever_comes_after_a_hang_up_gets_an_answer() -> None:
    for _ in range(3):
        _hang_up()

        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
