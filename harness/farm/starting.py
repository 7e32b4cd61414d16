"""The script that takes a package of AWS Device Farm there: uploads, schedules, waits, fetches what the jobs left.

Calls of the service are throttled, an account may use so many devices at once, and a run waits a day at most for them:
so calls that were too many are repeated after growing random pauses, and a run is scheduled when devices are free.
"""

from __future__ import annotations

SLOTS = 5  # devices at once of an account that pays by the minute, if it has not asked for more
NAME = "start.sh"

_SCRIPT = r"""#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Made by `harness farm aws`. Uploads the package, has each test spec run on the devices of a pool, waits, and fetches
# what the jobs left into artefacts/. Given again after an end it goes on from there. Needs the AWS CLI and curl.
#     bash start.sh PROJECT_ARN DEVICE_POOL_ARN
# SLOTS: how many devices the account may use at once (slots that it has, or its limit of metered devices).
set -euo pipefail
if [ $# != 2 ]; then echo "usage: bash start.sh PROJECT_ARN DEVICE_POOL_ARN" >&2; exit 2; fi
project=$1 pool=$2 slots=${SLOTS:-@SLOTS@} minutes=@MINUTES@
export AWS_MAX_ATTEMPTS=1 AWS_PAGER=  # what is repeated is said below
cd "$(dirname "$0")"
mkdir -p started artefacts
touch started/uploads started/runs started/ended

# A call of the service. One that was too many, or that found it busy, was not carried out, and is made again.
call() {
  local pause=2 attempt
  for attempt in 1 2 3 4 5 6 7 8; do
    if aws devicefarm "$@" 2> started/error; then return 0; fi
    if ! grep -Eq 'Throttl|TooManyRequests|Rate exceeded|RequestLimitExceeded|LimitExceeded|ServiceUnavailable' \
        started/error; then break; fi
    if [ "$attempt" = 8 ]; then break; fi
    sleep $((pause + RANDOM % pause))
    pause=$((pause * 2))
  done
  echo "aws devicefarm $1:" >&2
  cat started/error >&2
  return 1
}

# known FILE NAME: what FILE has of NAME.
known() { awk -v name="$2" '$1 == name { print $2 }' "started/$1"; }

# uploaded FILE TYPE: its ARN; uploaded and accepted when this ends.
uploaded() {
  local arn url answer status=""
  arn=$(known uploads "$1")
  if [ -n "$arn" ]; then echo "$arn"; return 0; fi
  answer=$(call create-upload --project-arn "$project" --name "$1" --type "$2" --query 'upload.[arn,url]' \
    --output text) || return 1
  read -r arn url <<< "$answer"
  curl --fail --silent --show-error --retry 6 -T "$1" "$url" >&2 || return 1
  for _ in $(seq 180); do
    status=$(call get-upload --arn "$arn" --query upload.status --output text) || return 1
    case $status in
      SUCCEEDED) echo "$1 $arn" >> started/uploads; echo "$arn"; return 0 ;;
      FAILED) break ;;
    esac
    sleep $((5 + RANDOM % 10))
  done
  echo "$1: the service does not take it ($status): aws devicefarm get-upload --arn $arn" >&2
  return 1
}

# How many jobs of our runs have not ended. A run has one at least: the service counts them a moment later.
jobs_left() {
  local spec run answer status total over sum=0
  while read -r spec run; do
    if [ -n "$(known ended "$spec")" ]; then continue; fi
    answer=$(call get-run --arn "$run" --query 'run.[status,totalJobs,completedJobs]' --output text) || return 1
    read -r status total over <<< "$answer"
    if [ "$status" = COMPLETED ]; then echo "$spec $run" >> started/ended; continue; fi
    case $total$over in *[!0-9]* | "") total=1 over=0 ;; esac
    sum=$((sum + (total > over ? total - over : 1)))
  done < started/runs
  echo "$sum"
}

# Waits until fewer jobs than that have not ended.
wait_for_fewer_than() {
  local left
  while :; do
    left=$(jobs_left) || return 1
    if [ "$left" -lt "$1" ]; then return 0; fi
    sleep $((30 + RANDOM % 30))
  done
}

most=$(call get-account-settings --query accountSettings.maxJobTimeoutMinutes --output text)
case $most in *[!0-9]* | "") most=$minutes ;; esac
if [ "$most" -lt "$minutes" ]; then
  echo "the account's jobs end after $most minutes, this package is for $minutes: harness farm aws --minutes $most" >&2
  exit 2
fi
package=$(uploaded @PACKAGE@ APPIUM_WEB_PYTHON_TEST_PACKAGE)
for spec in testspec*.yml; do
  if [ -n "$(known runs "$spec")" ]; then continue; fi
  wait_for_fewer_than "$slots"
  specs_arn=$(uploaded "$spec" APPIUM_WEB_PYTHON_TEST_SPEC)
  run=$(call schedule-run --project-arn "$project" --device-pool-arn "$pool" --name "harness $spec" \
    --execution-configuration "jobTimeoutMinutes=$minutes" \
    --test "type=APPIUM_WEB_PYTHON,testPackageArn=$package,testSpecArn=$specs_arn" --query run.arn --output text)
  echo "$spec $run" >> started/runs
  echo "$spec: scheduled" >&2
  sleep $((1 + RANDOM % 5))
done
wait_for_fewer_than 1

# A folder for each job, with what it left: one that is empty tells `harness farm collect` of a job without a run.
while read -r spec run; do
  count=0
  jobs=$(call list-jobs --arn "$run" --query 'jobs[].arn' --output text)
  for job in $jobs; do
    count=$((count + 1))
    to=artefacts/${spec%.yml}-$count
    mkdir -p "$to"
    urls=$(call list-artifacts --arn "$job" --type FILE \
      --query "artifacts[?type=='CUSTOMER_ARTIFACT'].url" --output text)
    for url in $urls; do
      if [ "$url" = None ] || [ -e "$to/customer.zip" ]; then continue; fi
      curl --fail --silent --show-error --retry 6 -o "$to/customer.part" "$url"
      mv "$to/customer.part" "$to/customer.zip"
    done
  done
done < started/runs
echo "then: harness farm collect $PWD/artefacts --out runs/all" >&2
"""


def script(package: str, minutes: int) -> str:
    """``package``: its file's name; ``minutes``: of a job's timeout."""
    return _SCRIPT.replace("@PACKAGE@", package).replace("@MINUTES@", str(minutes)).replace("@SLOTS@", str(SLOTS))
