"""Figures that a user asks for by `--plot`."""

from matplotlib.figure import Figure

from lineal.cli import plotting


def test_a_letter_that_the_font_lacks_is_drawn_without_a_word_of_it(tmp_path, capfd):
    figure = Figure()
    figure.subplots().set_title("東京")
    plotting.save(figure, tmp_path / "warum ü.png")
    assert (tmp_path / "warum ü.png").read_bytes().startswith(b"\x89PNG")
    assert capfd.readouterr() == ("", "")
