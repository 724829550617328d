"""Figures that a user asks for by `--plot`."""

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from lineal.cli import plotting
from lineal.cli.app import main


def test_a_letter_that_the_font_lacks_is_drawn_without_a_word_of_it(tmp_path, capfd):
    figure = Figure()
    figure.subplots().set_title("東京")
    plotting.save(figure, tmp_path / "warum ü.png", force=False)
    assert (tmp_path / "warum ü.png").read_bytes().startswith(b"\x89PNG")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("words", [("explain", "model:wine"), ("trace", "prediction:1a2b3c4d5e6f")])
def test_a_plot_goes_over_no_file_unasked(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "why.png").write_text("my own")
    with pytest.raises(SystemExit) as ended:
        main([*words, "--plot", "why.png"])
    assert ended.value.code == 2
    assert "why.png is there already; name another file, or replace it with --force" in capsys.readouterr().err

    plotting.require_png(Path("why.png"), force=True)
    plotting.save(Figure(), Path("why.png"), force=True)
    assert (tmp_path / "why.png").read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["why.png"]
