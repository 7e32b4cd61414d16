"""Jobs: deterministic, complete, shuffled; what remains after an interruption."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.layer import Layer
from harness.model.policy import Policy
from harness.model.variant import Asked
from harness.plan.jobs import Job, PlannedVariant, estimate_s, latest_s, make_jobs, make_variants
from harness.plan.known import known_lines
from harness.plan.planfile import KnownLine
from harness.plan.remaining import Measured, remaining
from harness.plan.shuffle import derive_seed, shuffled, splitmix64

pytestmark = pytest.mark.unit


def layer(name: str) -> Layer:
    return Layer(name=name, h=10, w=10, kh=1, kw=1, cin=50, cout=100)


def rules(block_budget_s: float = 60.0) -> Policy:
    return Policy(
        name="rules", launches=4, rounds=3, min_ms=10.0, block_budget_s=block_budget_s, cache=("hot",), gate_cap_s=1.0
    )


LAYERS = [layer(f"layer{i}") for i in range(7)]
VARIANTS = make_variants(["im2col", "indirect", "direct"], ["hot", "rotate"])


def test_splitmix64_is_the_published_generator() -> None:
    numbers = splitmix64(1234567)
    first = [next(numbers) for _ in range(5)]
    assert first == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_variants_are_numbered() -> None:
    assert [v.index for v in VARIANTS] == list(range(6))
    assert VARIANTS[1] == PlannedVariant(1, Asked("im2col"), "rotate", shares_placement=True)


def test_variants_of_ours_share_their_places() -> None:
    made = make_variants(["im2col"], ["hot"], workers=["mine"], aa=True, others=1)
    assert [(v.asked.name, v.build, v.label, v.shares_placement) for v in made] == [
        *[("im2col", 0, "", True), ("im2col", 1, "", True)],
        *[("mine", 2, "", False), ("im2col", 1, "im2col/aa", False)],
    ]


@pytest.mark.parametrize(
    ("algorithms", "faces", "asked"),
    [
        (["im2col", "naive"], ["published"], ["im2col", "naive"]),
        (["im2col", "naive"], ["published", "best"], ["im2col", "naive", "im2col/best", "auto"]),
        (["indirect", "direct"], ["best"], ["indirect/best", "direct/best", "auto"]),
        (["auto"], ["published"], ["auto"]),
        (["auto"], ["published", "best"], ["auto"]),
        (["naive"], ["best"], ["auto"]),
        (["im2col", "indirect", "indirect/best"], ["published"], ["im2col", "indirect", "indirect/best"]),
        (["direct/best", "im2col"], ["published", "best"], ["im2col", "direct/best", "im2col/best", "auto"]),
        (["im2col/best", "im2col"], ["best"], ["im2col/best", "auto"]),
        (["indirect", "fft"], ["published"], ["indirect", "fft"]),
        (["indirect", "fft"], ["published", "best"], ["indirect", "fft", "indirect/best", "auto"]),
        (["fft"], ["best"], ["fft", "auto"]),
        (["im2col/default+pixels", "im2col"], ["published"], ["im2col", "im2col/default+pixels"]),
    ],
)
def test_variants_of_faces(algorithms: list[str], faces: list[str], asked: list[str]) -> None:
    variants = make_variants(algorithms, ["hot", "rotate"], faces=faces)
    assert [v.index for v in variants] == list(range(2 * len(asked)))
    assert [v.asked.name for v in variants] == [name for name in asked for _ in range(2)]


def test_each_number_of_threads_is_a_variant_of_its_own() -> None:
    variants = make_variants(["im2col", "indirect"], ["hot", "rotate"], workers=["x"], threads=[1, 4])
    assert [variant.index for variant in variants] == list(range(12))
    names = ("im2col", "indirect", "x")
    every = [(name, threads, cache) for name in names for threads in (1, 4) for cache in ("hot", "rotate")]
    assert [(v.asked.name, v.threads, v.cache) for v in variants] == every
    assert {v.build for v in variants if v.asked.name == "x"} == {1}
    known = known_lines(
        ["a"], variants, {("a", "im2col", "hot", 4, ""): 5}, {("a", "indirect", "", 1, "")}, [("",), ("x",)]
    )
    assert known == [KnownLine("a", 2, 5), *(KnownLine("a", index, 0, excluded=True) for index in (4, 5))]


def test_known_of_one_face_is_not_the_others() -> None:
    variants = make_variants(["indirect"], ["hot"], faces=["published", "best"])
    calls = {("a", "indirect", "hot", 1, ""): 5, ("a", "indirect/best", "hot", 1, ""): 7}
    assert known_lines(["a"], variants, calls, {("a", "auto", "", 1, "")}) == [
        *(KnownLine("a", 0, 5), KnownLine("a", 1, 7), KnownLine("a", 2, 0, excluded=True))
    ]


def test_jobs_are_complete_and_repeatable() -> None:
    jobs = make_jobs(LAYERS, rules(), 42, "4-7", VARIANTS)
    assert jobs == make_jobs(LAYERS, rules(), 42, "4-7", VARIANTS)
    assert [job.launch for job in jobs] == sorted(job.launch for job in jobs)
    assert Counter((job.launch, job.layer) for job in jobs) == {(n, s.name): 1 for n in range(4) for s in LAYERS}
    assert all(job.variants == (0, 1, 2, 3, 4, 5) and job.rounds == 3 for job in jobs)
    assert len({job.seed for job in jobs}) == len(jobs)
    assert all(0 <= job.seed < 1 << 64 for job in jobs)


def test_order_differs_between_launches_clusters_and_seeds() -> None:
    def order(seed: int, cluster: str, launch: int, device: str = "") -> tuple[str, ...]:
        jobs = make_jobs(LAYERS, rules(), seed, cluster, VARIANTS, device)
        return tuple(job.layer for job in jobs if job.launch == launch)

    orders = {order(1, "0-3", n) for n in range(4)} | {order(2, "0-3", 0), order(1, "4-7", 0), order(1, "0-3", 0, "x")}
    assert len(orders) == 7


def test_a_job_does_not_depend_on_the_other_layers() -> None:
    everything = {(j.launch, j.layer): j for j in make_jobs(LAYERS, rules(), 1, "0", VARIANTS)}
    for job in make_jobs(LAYERS[2:4], rules(), 1, "0", VARIANTS):
        assert job == everything[job.launch, job.layer]


@given(seed=st.integers(0, 2**64 - 1), items=st.lists(st.integers(), max_size=20))
def test_shuffled_is_a_permutation(seed: int, items: list[int]) -> None:
    assert Counter(shuffled(items, seed)) == Counter(items)


def test_shuffled_has_no_favourite() -> None:
    """24 orders of four items, 2,400 draws: each about 100 times (six standard deviations of room)."""
    counts = Counter(tuple(shuffled("abcd", derive_seed(7, n))) for n in range(2400))
    assert len(counts) == 24
    assert all(40 < count < 160 for count in counts.values())


def test_derive_seed_separates_its_parts() -> None:
    assert derive_seed(1, "a", "b") != derive_seed(1, "ab") != derive_seed(1, "a", "b", "")


def test_estimate_is_held_to_the_budget() -> None:
    policy = rules(2.0)
    jobs = make_jobs(LAYERS, policy, 1, "0", VARIANTS)
    short = estimate_s(jobs, LAYERS, policy)
    assert 0 < short <= 7 * 2.0 + 4 * 1.5 + 0.01
    assert estimate_s(jobs, LAYERS, policy, gate_s=3) == pytest.approx(short + 4 * 3)
    assert estimate_s(jobs[:7], LAYERS, policy) < short
    assert estimate_s([], LAYERS, policy) == 0
    assert latest_s(jobs, policy, gate_cap_s=120) > estimate_s(jobs, LAYERS, policy, gate_s=120)


def places(job: Job) -> list[tuple[int, int]]:
    return [
        (r, p) for r in range(job.first_round, job.rounds) for p in range(len(job.variants)) if (r, p) not in job.done
    ]


def test_nothing_measured_leaves_everything() -> None:
    jobs = make_jobs(LAYERS, rules(), 1, "0", VARIANTS)
    assert remaining(jobs, Measured()) == jobs


def test_finished_blocks_are_left_out_even_when_cut_short() -> None:
    jobs = make_jobs(LAYERS, rules(), 1, "0", VARIANTS)
    first = (jobs[0].launch, jobs[0].layer)
    left = remaining(jobs, Measured(jobs={first}, samples={first: {(0, 0)}}))
    assert left == jobs[1:]


def test_a_block_that_lacks_a_variant_gets_no_more_rounds_than_it_had() -> None:
    (job, *_) = make_jobs([layer("a")], rules(), 1, variants=VARIANTS[:2])
    done = {(number, 0) for number in range(3)} | {(0, 1)}
    (left, *_) = remaining([job], Measured(samples={(0, "a"): done}, rounds={(0, "a"): 3}))
    assert (left.first_round, left.rounds) == (1, 3)
    assert set(places(left)) == {(1, 1), (2, 1)}
    assert remaining([job], Measured(samples={(0, "a"): done | {(1, 1), (2, 1)}}, rounds={(0, "a"): 3})) == []


def test_a_block_cut_in_the_middle_goes_on_where_it_stopped() -> None:
    job = Job(0, "a", 99, 3, (0, 1, 2))
    done = {(0, 0), (0, 1), (0, 2), (1, 0)}
    (left,) = remaining([job], Measured(samples={(0, "a"): done}))
    assert (left.seed, left.first_round, left.done) == (99, 1, ((1, 0),))
    assert len(places(left)) == 5


@given(data=st.data(), rounds=st.integers(1, 5), count=st.integers(1, 4), seed=st.integers(0, 2**64 - 1))
def test_nothing_is_lost_and_nothing_measured_twice(data: st.DataObject, rounds: int, count: int, seed: int) -> None:
    job = Job(0, "a", seed, rounds, tuple(range(count)))
    everything = set(places(job))
    first = data.draw(st.sets(st.sampled_from(sorted(everything))))
    left = remaining([job], Measured(samples={(0, "a"): first}))
    asked = {place for part in left for place in places(part)}
    assert asked == everything - first
    if left:  # interrupted again
        second = data.draw(st.sets(st.sampled_from(sorted(asked))))
        again = remaining(left, Measured(samples={(0, "a"): second}))
        from_the_start = remaining([job], Measured(samples={(0, "a"): first | second}))
        assert again == from_the_start


def test_workers_take_part_in_every_cache_mode_with_a_build_each() -> None:
    variants = make_variants(["indirect"], ["hot", "rotate"], workers=["x", "y"])
    assert [(v.index, v.asked.name, v.asked.face, v.cache, v.build) for v in variants] == [
        (0, "indirect", "published", "hot", 0),
        (1, "indirect", "published", "rotate", 0),
        (2, "x", "best", "hot", 1),
        (3, "x", "best", "rotate", 1),
        (4, "y", "best", "hot", 2),
        (5, "y", "best", "rotate", 2),
    ]
    assert variants[:2] == make_variants(["indirect"], ["hot", "rotate"])


def test_further_launches_leave_those_before_them_as_they_were() -> None:
    few = make_jobs(LAYERS, rules(), 1, "0", VARIANTS)
    more = make_jobs(LAYERS, rules(), 1, "0", VARIANTS, further={"layer1": 6, "layer4": 7, "layer5": 2})
    assert more[: len(few)] == few
    assert [(job.launch, job.layer) for job in sorted(more[len(few) :], key=lambda job: (job.launch, job.layer))] == [
        (4, "layer1"),
        (4, "layer4"),
        (5, "layer1"),
        (5, "layer4"),
        (6, "layer4"),
    ]
    longer = make_jobs(LAYERS, rules().model_copy(update={"launches": 7}), 1, "0", VARIANTS)
    assert {job.seed for job in more} <= {job.seed for job in longer}


@pytest.mark.parametrize(
    ("algorithms", "faces", "twice"),
    [
        (["im2col", "indirect"], ["published"], "indirect"),
        (["direct", "indirect/best"], ["published"], "direct"),
        (["im2col", "indirect"], ["best"], "im2col/best"),
        (["auto"], ["published"], "auto"),
    ],
)
def test_an_a_a_pair_is_one_variant_more_in_each_cache_mode(
    algorithms: list[str], faces: list[str], twice: str
) -> None:
    plain = make_variants(algorithms, ["hot", "rotate"], faces, ["x"])
    found = make_variants(algorithms, ["hot", "rotate"], faces, ["x"], aa=True)
    assert found[: len(plain)] == plain
    on_threads = make_variants(algorithms, ["hot"], faces, threads=[1, 2], aa=True)[-2:]
    assert [(v.asked.name, v.threads, v.label) for v in on_threads] == [(twice, n, f"{twice}/aa") for n in (1, 2)]
    added = found[len(plain) :]
    assert [(v.index, v.asked.name, v.cache, v.build, v.label) for v in added] == [
        (len(plain), twice, "hot", 0, f"{twice}/aa"),
        (len(plain) + 1, twice, "rotate", 0, f"{twice}/aa"),
    ]


def test_the_estimate_of_further_launches_is_held_to_the_budget_too() -> None:
    policy = rules(2.0).model_copy(update={"precision": 0.01})
    every = make_jobs(LAYERS, policy, 1, "0", VARIANTS, further={each.name: policy.most_launches for each in LAYERS})
    assert len(every) == 16 * len(LAYERS)
    assert estimate_s(every, LAYERS, policy) <= 7 * 2.0 + 16 * 1.5 + 0.01
