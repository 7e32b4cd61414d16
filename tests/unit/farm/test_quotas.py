"""What services allow: how many jobs, how often they are asked, how many devices at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.farm import github, gitlab, starting, steps
from harness.farm.work import Lab, Work
from tests.conftest import NeedTool

pytestmark = pytest.mark.unit

HOSTS = ("bench-1", "bench-2", "bench-3")


@pytest.fixture
def large(tmp_path: Path) -> str:
    """A suite with more layers than either service makes jobs."""
    layers = "".join(f"  - {{name: l{number}, h: 8, w: 8, kh: 1, kw: 1, cin: 8, cout: 8}}\n" for number in range(300))
    file = tmp_path / "large.yaml"
    file.write_text(f"suite: large\nlayers:\n{layers}")
    return str(file)


@pytest.mark.parametrize(("name", "most"), [("github", 256), ("gitlab", 200)])
def test_no_more_jobs_than_a_service_makes(name: str, most: int, large: str, tmp_path: Path) -> None:
    write = github.write_workflows if name == "github" else gitlab.write_jobs
    with pytest.raises(UsageError, match=f"--shards {most + 1}: .* makes {most} jobs at most") as error:
        write(Work(large, None, most + 1), tmp_path / "x", Lab(["a"]))
    assert error.value.exit_code == ExitCode.USAGE and error.value.remedy == f"ask for {most} shards or fewer"
    each = most // len(HOSTS)
    with pytest.raises(UsageError, match=f"on each of 3 hosts are {3 * (each + 1)} jobs") as error:
        write(Work(large, None, each + 1), tmp_path / "x", Lab(["a"], HOSTS))
    assert error.value.remedy == f"ask for {each} shards or fewer"
    with pytest.raises(UsageError, match="on each of") as error:
        write(Work(large), tmp_path / "x", Lab(["a"], [f"h{number}" for number in range(most + 1)]))
    assert error.value.remedy == f"name {most} hosts or fewer in one recipe"
    assert not (tmp_path / "x").exists()
    write(Work(large, None, most), tmp_path / "x", Lab(["a"]))
    write(Work(large, None, each), tmp_path / "y", Lab(["a"], HOSTS))


@pytest.mark.parametrize("name", ["github", "gitlab"])
@pytest.mark.parametrize("host", ["", "a b", "a/b", "../x", "$HOME", "BENCH-1", "-n"])
def test_hosts_that_are_none(name: str, host: str, tmp_path: Path) -> None:
    write = github.write_workflows if name == "github" else gitlab.write_jobs
    with pytest.raises(UsageError, match="--host"):
        write(Work("smoke"), tmp_path / "x", Lab(["a"], ["bench-1", host]))
    assert not (tmp_path / "x").exists()


def test_each_host_measures_every_shard(tmp_path: Path, need_tool: NeedTool) -> None:
    work, lab = Work("smoke", None, 2), Lab(["android"], HOSTS)
    job = yaml.safe_load(github.write_workflows(work, tmp_path / "a", lab)[0].read_text())["jobs"]
    measure = job["measure"]
    assert measure["strategy"]["matrix"] == {"host": list(HOSTS), "shard": [1, 2]}
    assert measure["runs-on"] == ["android", "${{ matrix.host }}"]
    assert measure["steps"][-1]["with"]["name"] == "parts-${{ matrix.host }}-${{ matrix.shard }}"
    assert measure["steps"][-1]["with"]["path"] == f"parts/{measure['env']['PART']}"
    assert any("--jobs 6 " in step.get("run", "") for step in job["collect"]["steps"])
    jobs = yaml.safe_load(gitlab.write_jobs(work, tmp_path / "b", lab)[0].read_text())
    assert jobs["harness measure"]["parallel"] == {"matrix": [{"LAB_HOST": list(HOSTS), "SHARD": ["1", "2"]}]}
    assert jobs["harness measure"]["tags"] == ["android", "$LAB_HOST"]
    assert "--jobs 6 " in jobs["harness collect"]["script"][0]
    script = "\n".join(jobs[".harness"]["before_script"][:3]) + '\necho "$PART"'
    for environment, part in (
        ({"LAB_HOST": "bench-2", "SHARD": "2", "CI_NODE_INDEX": "4"}, "bench-2-2"),
        ({"CI_NODE_INDEX": "4"}, "4"),
        ({}, "1"),
    ):
        done = subprocess.run(
            [need_tool("sh"), "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{part}\n"


def test_jobs_that_begin_together_begin_apart(tmp_path: Path) -> None:
    def first(shards: int) -> dict[str, str]:
        files = github.write_workflows(Work("smoke", None, shards), tmp_path / str(shards), Lab(["a"]))
        step: dict[str, str] = yaml.safe_load(files[0].read_text())["jobs"]["measure"]["steps"][0]
        return step

    assert first(3) == {"name": "Start apart", "run": "sleep $((RANDOM % 15))"}
    assert "uses" in first(1)
    assert steps.start_apart(256) == "sleep $((RANDOM % 300))"


@pytest.mark.parametrize("shell", ["bash", "sh"])
@pytest.mark.parametrize(("failures", "code"), [(0, 0), (2, 0), (9, 7)])
def test_what_fails_is_tried_again(shell: str, failures: int, code: int, tmp_path: Path, need_tool: NeedTool) -> None:
    programs = {
        "make": f'echo "$*" >> calls; [ $(wc -l < calls) -gt {failures} ] || exit 7',
        "sleep": 'echo "$1" >> pauses',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    argv = [need_tool(shell), "-e", "-c", steps.SETUP]
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done
    assert (tmp_path / "calls").read_text() == "setup\n" * min(failures + 1, 4)
    pauses = [int(line) for line in (tmp_path / "pauses").read_text().split()] if failures else []
    assert len(pauses) == min(failures, 3)
    assert all(5 << n <= pause < 10 << n for n, pause in enumerate(pauses)), pauses


# An AWS CLI in front of a farm of its own in files: throttled, with a limit of jobs. Each call is a while, after twelve
# of which a run ends.
AWS = r"""
[ "$1" = devicefarm ] || exit 2
echo "$2" >> calls
for file in runs/*; do [ ! -e $file ] || echo >> $file; done
going=0
for file in runs/*; do [ ! -e $file ] || [ $(wc -l < $file) -ge 12 ] || going=$((going + 1)); done
refused() { echo "An error occurred ($1)" >&2; exit 254; }
[ $(( $(wc -l < calls) % 3 )) != 0 ] || refused ThrottlingException
case $2 in
get-account-settings) echo "${MOST:-150}" ;;
create-upload) n=$(ls uploads | wc -l); echo "$6" > uploads/$n; printf 'up:%s\thttps://up/%s\n' $n $n ;;
get-upload) if [ "$(cat "uploads/${4#up:}")" = "${REFUSED:-}" ]; then echo FAILED; else echo SUCCEEDED; fi ;;
schedule-run)
  n=$(ls runs | wc -l)
  [ $going -lt 2 ] || refused LimitExceededException
  echo "$going" >> going; : > runs/$n; echo "$*" >> scheduled; echo run:$n ;;
get-run)
  if [ $(wc -l < runs/${4#run:}) -ge 12 ]; then printf 'COMPLETED\t1\t1\n'; else printf 'RUNNING\tNone\tNone\n'; fi ;;
list-jobs) printf '%s/a\t%s/b\n' $4 $4 ;;
list-artifacts) case $4 in */a) echo https://down/$4 ;; *) echo ;; esac ;;
*) refused ValidationException ;;
esac
"""


def start(folder: Path, bash: str, **environment: str) -> subprocess.CompletedProcess[str]:
    programs = {"aws": AWS, "curl": 'while [ $# -gt 1 ]; do [ "$1" != -o ] || echo zip > "$2"; shift; done',
                "sleep": 'echo "$1" >> pauses'}  # fmt: skip
    (folder / "bin").mkdir(exist_ok=True)
    for name, text in programs.items():
        (folder / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / "bin" / name).chmod(0o755)
    for name in ("uploads", "runs"):
        (folder / name).mkdir(exist_ok=True)
    (folder / starting.NAME).write_text(starting.script("p.zip", 60))
    for number in (1, 2, 3, 4):
        (folder / f"testspec-{number}-of-4.yml").write_text("version: 0.1\n")
    return subprocess.run(
        [bash, starting.NAME, "arn:project", "arn:pool"],
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_runs_start_as_devices_are_free(tmp_path: Path, need_tool: NeedTool) -> None:
    done = start(tmp_path, need_tool("bash"), SLOTS="2")
    assert done.returncode == 0, done.stderr
    scheduled = (tmp_path / "scheduled").read_text().splitlines()
    assert len(scheduled) == 4 and len(set(scheduled)) == 4
    assert all("jobTimeoutMinutes=60" in line and "testPackageArn=up:0,testSpecArn=up:" in line for line in scheduled)
    assert max(map(int, (tmp_path / "going").read_text().split())) < 2  # never beyond its slots
    assert sorted(path.read_text().strip() for path in (tmp_path / "uploads").iterdir()) == [
        "p.zip", *(f"testspec-{number}-of-4.yml" for number in (1, 2, 3, 4))
    ]  # fmt: skip
    found = {path.name: [file.name for file in path.iterdir()] for path in (tmp_path / "artefacts").iterdir()}
    assert found == {
        f"testspec-{number}-of-4-{job}": ["customer.zip"] * (job == 1) for number in (1, 2, 3, 4) for job in (1, 2)
    }
    pauses = list(map(int, (tmp_path / "pauses").read_text().split()))
    assert any(2 <= pause < 4 for pause in pauses) and any(30 <= pause < 60 for pause in pauses)
    calls = (tmp_path / "calls").read_text().count("schedule-run")
    again = start(tmp_path, need_tool("bash"), SLOTS="2")  # nothing is scheduled or uploaded twice
    assert again.returncode == 0 and (tmp_path / "calls").read_text().count("schedule-run") == calls


def test_what_the_service_refuses_ends_the_start(tmp_path: Path, need_tool: NeedTool) -> None:
    bash = need_tool("bash")
    done = start(tmp_path, bash, MOST="30")
    assert done.returncode == 2 and "harness farm aws --minutes 30" in done.stderr
    done = start(tmp_path, bash, REFUSED="testspec-2-of-4.yml")
    assert done.returncode == 1 and "testspec-2-of-4.yml: the service does not take it (FAILED)" in done.stderr
    assert len((tmp_path / "scheduled").read_text().splitlines()) == 1
    done = start(tmp_path, bash, SLOTS="9")  # more than the service has: it is waited for
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "scheduled").read_text().splitlines()) == 4


def test_the_start_is_a_clean_script(tmp_path: Path, need_tool: NeedTool) -> None:
    (tmp_path / "start.sh").write_text(starting.script("harness-package.zip", 150))
    done = subprocess.run([need_tool("shellcheck"), "start.sh"], cwd=tmp_path, check=False)
    assert done.returncode == 0
