"""Files that a killed job had finished: they are not made again, unless something has changed."""

import json
from pathlib import Path

import jax
import pytest

from synth2real.io.finished import fingerprint, keep_finished, remove_finished


def test_fingerprint_follows_settings_contents_and_packages(tmp_path: Path) -> None:
    path = tmp_path / "images.npz"
    path.write_bytes(b"images")
    one = fingerprint([path], seed=0, weights={"adversarial": 1.0})
    assert json.loads(json.dumps(one)) == one
    assert one == fingerprint([path], seed=0, weights={"adversarial": 1.0})
    assert one["jax"] == jax.__version__
    assert one != fingerprint([path], seed=1, weights={"adversarial": 1.0})
    assert one != fingerprint([path], seed=0, weights={"adversarial": 2.0})
    path.write_bytes(b"other images")
    assert one != fingerprint([path], seed=0, weights={"adversarial": 1.0})


def make(outputs: list[Path], files: list[Path], *, stop_at: str = "") -> list[str]:
    """Makes files that are not there yet, as a job does; returns their names."""
    made = []
    with keep_finished(outputs, files, batch=2) as kept:
        for path in kept:
            if path.name == stop_at:
                raise KeyboardInterrupt
            if not path.exists():
                path.write_text(f"{path.name} of {files[0].read_text()}")
                made.append(path.name)
    return made


@pytest.fixture
def job(tmp_path: Path) -> tuple[list[Path], list[Path]]:
    """Outputs and inputs."""
    source = tmp_path / "source"
    source.write_text("one")
    return [tmp_path / "train.npz", tmp_path / "test.npz"], [source]


def test_what_a_killed_job_has_finished_is_not_made_again(job) -> None:
    outputs, files = job
    with pytest.raises(KeyboardInterrupt):
        make(outputs, files, stop_at="test.npz")
    assert not any(path.exists() for path in outputs)
    assert make(outputs, files) == ["test.npz"]
    assert [path.read_text() for path in outputs] == ["train.npz of one", "test.npz of one"]


def test_what_a_finished_job_has_made_comes_back_when_it_is_deleted(job, caplog) -> None:
    outputs, files = job
    make(outputs, files)
    for path in outputs:
        path.unlink()
    caplog.set_level("INFO")
    assert make(outputs, files) == []
    assert "2 of 2 files were made before" in caplog.text
    assert [path.read_text() for path in outputs] == ["train.npz of one", "test.npz of one"]


@pytest.mark.parametrize("changed", [0, 1])
def test_what_was_written_to_under_its_other_name_is_made_again(job, caplog, changed: int) -> None:
    outputs, files = job
    make(outputs, files)
    with open(outputs[changed], "a") as file:
        file.write("garbage")
    for path in outputs:
        path.unlink()
    # All, so that none is missing where a job takes the last one to be a sign of the others.
    assert make(outputs, files) == ["train.npz", "test.npz"]
    assert f"train.finished/{outputs[changed].name}: was changed; all files" in caplog.text
    assert [path.read_text() for path in outputs] == ["train.npz of one", "test.npz of one"]


def test_a_job_that_is_killed_while_it_makes_them_again_goes_on_from_there(job) -> None:
    outputs, files = job
    make(outputs, files)
    outputs[0].write_text("garbage")
    for path in outputs:
        path.unlink()
    with pytest.raises(KeyboardInterrupt):
        make(outputs, files, stop_at="test.npz")
    assert make(outputs, files) == ["test.npz"]


def test_what_came_of_other_files_is_made_again(job) -> None:
    outputs, files = job
    make(outputs, files)
    files[0].write_text("two")
    assert make(outputs, files) == ["train.npz", "test.npz"]
    assert [path.read_text() for path in outputs] == ["train.npz of two", "test.npz of two"]


def test_only_what_a_job_that_succeeded_kept_is_removed(job) -> None:
    outputs, files = job
    folder = outputs[0].with_suffix(".finished")
    with pytest.raises(KeyboardInterrupt):
        make(outputs, files, stop_at="test.npz")
    remove_finished(folder)
    assert (folder / "train.npz").exists()
    make(outputs, files)
    outputs[1].unlink()  # as by Snakemake, when the job starts once more
    remove_finished(folder)
    assert (folder / "test.npz").exists()
    make(outputs, files)
    remove_finished(folder)
    assert not folder.exists() and all(path.exists() for path in outputs)


def test_without_hard_links_outputs_are_copies(job, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    outputs, files = job
    make(outputs, files)
    assert [path.read_text() for path in outputs] == ["train.npz of one", "test.npz of one"]
    assert make(outputs, files) == []
