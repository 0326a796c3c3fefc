"""What a dummy column stands for."""

import pytest

from softglm.inference.factors import level_of


@pytest.mark.parametrize(
    ("feature", "factor", "level"),
    [
        ("ses_low", "ses", "low"),
        ("encoder__ses_low", "ses", "low"),
        ("outer__inner__ses_low", "ses", "low"),
        # The name of the factor, and of a transformer, occur where they are not meant.
        ("data__a_red", "a", "red"),
        ("a_b_a_c", "a", "b_a_c"),
        ("color_x_color_y", "color", "x_color_y"),
        ("one_hot__hot_yes", "hot", "yes"),
        ("ses_low__and_middle", "ses", "low__and_middle"),
        ("my__color_red", "my__color", "red"),
        ("encoder__my__color_red", "my__color", "red"),
        # Without the name of the factor, the column's own.
        ("red", "color", "red"),
        ("encoder__red", "color", "encoder__red"),
        ("colored_red", "color", "colored_red"),
        ("multicolor_red", "color", "multicolor_red"),
        ("color", "color", "color"),
        ("color_", "color", "color_"),
    ],
)
def test_the_level_is_what_comes_after_the_name_of_the_factor(feature, factor, level):
    assert level_of(feature, factor) == level
