"""The page of promises lists the faults that are planted today."""

from tests.planted.page import PAGE, written


def test_the_table_of_the_page_is_up_to_date() -> None:
    page = PAGE.read_text()
    assert page == written(page), "run: python -m tests.planted.page"
