from __future__ import annotations

import os
from pathlib import Path

from twinledger.metering.spool import SpoolFile, close_abandoned
from twinledger.places import LocalPlace


def listed(folder: Path) -> list[bytes]:
    """What the feed's place has, in order of name."""
    return [(folder / file.key).read_bytes() for file in LocalPlace(folder).list()]


def die(file: SpoolFile) -> None:
    """What the kernel does for a process that is killed: its handle is closed, and the lock with it."""
    os.close(file._handle)  # noqa: SLF001 - a death has no method


def test_a_file_is_a_delivery_when_it_is_closed_and_not_before(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "inbox")
    file.append([b"1\n", b"2\n"])
    file.append([b"3\n"])
    assert listed(tmp_path / "inbox") == []
    file.close()
    assert listed(tmp_path / "inbox") == [b"1\n2\n3\n"]


def test_a_file_without_an_event_leaves_nothing(tmp_path: Path) -> None:
    SpoolFile(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_dead_process_is_closed_up_to_its_last_whole_line(tmp_path: Path) -> None:
    dead, empty = SpoolFile(tmp_path), SpoolFile(tmp_path)
    dead.append([b"1\n", b"2\n", b'{"half of a lin'])
    die(dead)
    die(empty)
    assert close_abandoned(str(tmp_path)) == 2
    assert listed(tmp_path) == [b"1\n2\n"]
    assert close_abandoned(str(tmp_path)) == 0


def test_a_torn_line_longer_than_a_block_is_cut_off_whole(tmp_path: Path) -> None:
    dead = SpoolFile(tmp_path)
    dead.append([b"1\n", b"x" * 200_000])
    die(dead)
    close_abandoned(str(tmp_path))
    assert listed(tmp_path) == [b"1\n"]


def test_the_file_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path)
    file.append([b"1\n"])
    assert close_abandoned(str(tmp_path)) == 0
    file.append([b"2\n"])
    file.close()
    assert listed(tmp_path) == [b"1\n2\n"]


def test_a_place_that_is_no_folder_has_no_open_files(tmp_path: Path) -> None:
    assert close_abandoned(str(tmp_path / "not there")) == 0
    assert close_abandoned("s3://bucket/prefix") == 0
