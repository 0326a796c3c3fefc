import numpy as np
import pytest
from matplotlib import pyplot as plt

from softglm.plots import ContrastDisplay

draw = ContrastDisplay.from_contrasts


@pytest.mark.parametrize(("kind", "scale"), [("difference", "linear"), ("odds_ratio", "log")])
def test_marks_are_estimates_and_bars_their_intervals(students, kind, scale):
    found = students.contrasts("ses", kind=kind, adjust="max-t")
    display = draw(found)
    assert len(display.artists_) == 3
    for k, bars in enumerate(display.artists_):
        np.testing.assert_array_equal(bars.lines[0].get_xdata(), found.estimate[:, k])
        ends = np.array([segment[:, 0] for segment in bars.lines[2][0].get_segments()])
        np.testing.assert_allclose(ends, np.column_stack([found.lower[:, k], found.upper[:, k]]), rtol=1e-12)
    assert display.ax_.get_xscale() == scale
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == list(found.contrasts)
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == found.classes.tolist()
    assert "95% simultaneous intervals" in display.ax_.get_xlabel()
    assert display.to_frame().equals(found.to_frame())


def test_groups_are_named_and_axes_may_be_given(students):
    _, axis = plt.subplots()
    display = draw(students.contrasts("write", 10, by="ses"), ax=axis)
    assert display.ax_ is axis
    assert axis.get_yticklabels()[0].get_text() == "+10, ses = low"
    assert axis.get_ylabel() == "write"
    with pytest.raises(ValueError, match="ax has 2 axes, expected 1"):
        display.plot(plt.subplots(2)[1])
