"""The table that most pipelines take."""

import pytest
from people import people_table


@pytest.fixture(scope="module")
def people():
    return people_table()
