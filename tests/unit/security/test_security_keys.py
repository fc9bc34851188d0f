"""Master keys: private files, the newest first, never overwritten."""

import base64
import hashlib
from pathlib import Path

import pytest

from nomaflow.errors import SecretsError
from nomaflow.security.keys import MasterKey, add_key, create_key_file, read_keys

KEY_BYTES = bytes(range(32))
KEY_TEXT = base64.b64encode(KEY_BYTES).decode()


def private(file: Path, text: str) -> Path:
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_a_key_is_named_by_the_first_eight_digits_of_its_hash() -> None:
    key = MasterKey.parse(KEY_TEXT)

    assert key.id == hashlib.sha256(KEY_BYTES).hexdigest()[:8]
    assert key.raw == KEY_BYTES


def test_a_new_file_is_private_and_holds_one_key(tmp_path: Path) -> None:
    file = tmp_path / "master.key"

    made = create_key_file(file)

    assert file.stat().st_mode & 0o777 == 0o600
    assert read_keys(file) == made
    assert len(made.entries) == 1
    assert made.newest.raw is not None


def test_two_new_keys_differ() -> None:
    assert MasterKey.generate() != MasterKey.generate()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", KEY_TEXT)

    with pytest.raises(SecretsError, match="exists already"):
        create_key_file(file)

    assert file.read_text() == KEY_TEXT


def test_comments_and_blank_lines_are_no_keys(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", f"# ours\n\n  {KEY_TEXT}  \n# older\nsesame, open\n")

    assert [key.text for key in read_keys(file)] == [KEY_TEXT, "sesame, open"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_open_to_others_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    file = private(tmp_path / "master.key", KEY_TEXT)
    file.chmod(mode)

    with pytest.raises(SecretsError, match=f"chmod 600 {file}"):
        read_keys(file)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match=r"there is no .*/master\.key.*nomaflow init"):
        read_keys(tmp_path / "master.key")


def test_a_file_without_a_key_is_refused(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", "# nothing here\n")

    with pytest.raises(SecretsError, match="There is no master key in"):
        read_keys(file)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", "")
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(SecretsError, match="Cannot read the master key"):
        read_keys(file)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", KEY_TEXT)

    keys = read_keys(file, "one,two")

    assert [key.text for key in keys] == ["one", "two"]
    assert keys.source == "NOMAFLOW_MASTER_KEY"


def test_text_that_is_not_32_bytes_is_a_passphrase() -> None:
    assert MasterKey.parse("sesame").raw is None
    assert MasterKey.parse(base64.b64encode(bytes(31)).decode()).raw is None
    assert str(MasterKey.parse("sesame")).endswith("(passphrase)")


def test_keys_are_not_shown() -> None:
    assert KEY_TEXT not in repr(MasterKey.parse(KEY_TEXT))
    assert "sesame" not in repr(MasterKey.parse("sesame"))


def test_a_fresh_key_goes_before_the_others_and_comments_stay(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", f"# ours\n{KEY_TEXT}\n# the end\n")

    keys = add_key(file)

    assert [key.text for key in keys][1:] == [KEY_TEXT]
    assert file.read_text() == f"# ours\n{keys.newest.text}\n{KEY_TEXT}\n# the end\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_second_rotation_at_the_same_time_is_refused_and_loses_no_key(tmp_path: Path) -> None:
    file = private(tmp_path / "master.key", KEY_TEXT)
    (tmp_path / "master.key.new").touch()

    with pytest.raises(SecretsError, match="another rotation is under way"):
        add_key(file)

    assert file.read_text() == KEY_TEXT
