"""What a run that was put together says of itself: its lab, its tables, how many jobs it is of."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.farm.collect import collect
from harness.measure.tables import check_kept
from harness.store.rundir import RunDir
from tests.unit.farm.jobs import ONE, TWO, collected, job

pytestmark = pytest.mark.unit


LAB, OTHER_LAB = ({"address": f"tls://{name}:8786", "certificates": None} for name in ("lab", "other"))


@pytest.mark.parametrize(
    ("first", "second", "kept"), [(LAB, LAB, LAB), (LAB, OTHER_LAB, None), (LAB, None, None), (None, LAB, None)]
)
def test_a_lab_is_named_where_all_parts_are_of_it(jobs: Path, first: object, second: object, kept: object) -> None:
    """Else going on with the run would look for phones of other hosts at the first one's scheduler."""
    job(jobs / "a" / "run", ONE, 1, 2, scheduler=first, portable=["pixel-3"])
    job(jobs / "b" / "run", ONE, 2, 2, scheduler=second)
    manifest = RunDir(collected(jobs).directory).manifest().model_dump(mode="json")
    assert (manifest["scheduler"], manifest["portable"]) == (kept, [])


def test_tuned_tables_come_along_under_the_new_names(jobs: Path) -> None:
    for name, phone, text in (("a", ONE, b"one"), ("b", TWO, b"two")):
        run = job(jobs / name / "run", phone, tuned={"pixel-3": {"4-7": sha256(text).hexdigest()}})
        (run / "devices/pixel-3/plans").mkdir(exist_ok=True)
        (run / "devices/pixel-3/plans/4-7.tuned").write_bytes(text)
    whole = RunDir(collected(jobs).directory)
    assert sorted(whole.manifest().tuned) == sorted(whole.manifest().devices) and len(whole.manifest().devices) == 2
    check_kept(whole)


def test_two_tables_for_one_cluster_are_two_plans(jobs: Path) -> None:
    for index in (1, 2):
        job(jobs / str(index) / "run", ONE, index, 2, tuned={"pixel-3": {"4-7": f"{index}" * 64}})
    with pytest.raises(UsageError, match="another tuned table"):
        collected(jobs)
    assert not (jobs.parent / "all").exists()


def test_jobs_that_left_nothing_are_counted(jobs: Path) -> None:
    job(jobs / "bench-1-1" / "run", ONE)
    done = collect(jobs, jobs.parent / "all", None, [], jobs=3)
    assert done.code == ExitCode.INFRASTRUCTURE and done.missing == ("1 of 3 jobs left something",)
    (jobs / "bench-2-1").mkdir()  # it has begun
    job(jobs / "bench-3-1" / "run", TWO)
    done = collect(jobs, jobs.parent / "more", None, [], jobs=3)
    assert [text for text in done.missing if "jobs left" in text] == [] and len(done.missing) == 1
