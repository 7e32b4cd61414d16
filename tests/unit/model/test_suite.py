"""Suites: what is read, and one test per thing that can be wrong in a file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.exit_codes import ExitCode
from harness.model.layer import CATEGORIES
from harness.model.policy import list_policies, load_policy
from harness.model.suite import (
    Suite,
    list_suites,
    load_suite,
    parse_algorithms,
    parse_faces,
    select_layers,
    with_auto,
    with_options,
)

pytestmark = pytest.mark.unit

GOOD = """\
suite: mine
layers:
  - {name: stem, h: 224, w: 224, kh: 7, kw: 7, pad: 3, stride: 2, cin: 3, cout: 64}
  - name: second
    h: 14
    w: 14
    kh: 1
    kw: 1
    cin: 8
    cout: 8
"""


def refused(tmp_path: Path, text: str) -> str:
    """The message for a suite file that must be refused; checks what holds for every message."""
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        load_suite(str(path))
    assert caught.value.exit_code == ExitCode.USAGE
    assert caught.value.message.startswith(f"{path}:")
    assert caught.value.remedy
    return str(caught.value).removeprefix(f"{path}:")


def replaced(line: int, old: str, new: str) -> str:
    lines = GOOD.splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    return "".join(lines)


def test_reads_a_suite(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    suite = load_suite(str(path))
    assert suite.name == "mine"
    assert suite.policy is None
    assert suite.algorithms == ("im2col", "indirect", "direct")
    stem = suite.layers[0]
    assert (stem.pad, stem.stride, stem.out_h, stem.out_w, stem.macs) == ((3, 3, 3, 3), (2, 2), 112, 112, 118013952)


def test_json_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(replaced(10, "cout: 8", "cout: 8\n    min: 0\n    max: 6.5"))
    suite = load_suite(str(path))
    text = json.dumps(suite.model_dump(mode="json"), allow_nan=False)
    assert Suite.model_validate(json.loads(text)) == suite


@pytest.mark.parametrize(
    ("line", "old", "new", "starts", "has"),
    [
        (3, "h: 224", "height: 224", "3: layers[0].height: unknown key", "Known: name, h, w"),
        (3, "h: 224", "h: 224, type: f16", "3: layers[0].type: 'f16' is not covered", "There is: f32."),
        (3, "h: 224", "h: 224, layout: 3", "3: layers[0].layout: 3 is not covered", "There is: nhwc."),
        (3, "h: 224", "h: 224, stide: 1", "3: layers[0].stide: unknown key", "Did you mean 'stride'?"),
        (9, "cin: 8", "cim: 8", "9: layers[1].cim: unknown key", "Did you mean"),
        (
            1,
            "suite: mine",
            "suite: mine\nmode: sustaned",
            "2: mode: unknown mode 'sustaned'",
            "Did you mean 'sustained'?",
        ),
        (1, "suite: mine", "suite: mine\nmode: 3", "2: mode: the number 3, where a mode is needed", "burst, sustained"),
        (1, "suite: mine", "suite: mine\nlayer: 3", "2: layer: unknown key", "Did you mean 'layers'?"),
        (9, "cin: 8", "h: 8", "9: layers[1].h: duplicate key, first given in line 5", ""),
        (4, "second", "stem", "4: layers[1].name: duplicate layer name 'stem', first in line 3", ""),
        (9, "    cin: 8\n", "", "4: layers[1]: the key 'cin' is missing", "cin: ..."),
        (5, "h: 14", 'h: "14"', "5: layers[1].h: the text '14', where a whole number is needed", ""),
        (5, "h: 14", "h: true", "5: layers[1].h: the truth value true, where a whole number", ""),
        (5, "h: 14", "h: 14.0", "5: layers[1].h: the number 14.0, where a whole number", ""),
        (5, "h: 14", "h: 014", "5: layers[1].h: the text '014', where a whole number", ""),
        (5, "h: 14", "h: ", "5: layers[1].h: empty, where a whole number", ""),
        (5, "h: 14", "h: [14]", "5: layers[1].h: a list, where a whole number", ""),
        (5, "h: 14", "h: 0", "5: layers[1].h: 0 must be greater than or equal to 1", ""),
        (5, "h: 14", "h: -3", "5: layers[1].h: -3 must be", ""),
        (5, "h: 14", "h: 16777217", "5: layers[1].h: 16777217 must be less than", ""),
        (5, "h: 14", "h: " + "9" * 5000, "5: ", "number"),
        (4, "second", "a b", "4: layers[1].name: 'a b' is not a valid name", "letters, digits"),
        (4, "second", "'../x'", "4: layers[1].name: '../x' is not a valid name", ""),
        (4, "second", '"x\\n"', "4: layers[1].name: 'x\\n' is not a valid name", ""),
        (4, "second", "''", "4: layers[1].name: '' is not a valid name", ""),
        (4, "second", "123", "4: layers[1].name: the number 123, where a text is needed", ""),
        (1, "mine", "$(reboot)", "1: suite: '$(reboot)' is not a valid name", ""),
        (7, "kh: 1", "kh: 15", "7: layers[1].kh: the kernel covers 15", "padding larger"),
        (8, "kw: 1", "kw: 3\n    dilation: [1, 7]", "8: layers[1].kw: the kernel covers 15", ""),
        (5, "h: 14", "h: 16777216\n    batch: 16777216", "4: layers[1]: the input's values", "smaller"),
        (9, "cin: 8", "cin: 16777216\n    batch: 16777216", "4: layers[1]: the input's values", "an overflow"),
        (7, "kh: 1", "kh: 262144\n    pad: 524288", "4: layers[1]: the number of FLOP", "an overflow"),
        (10, "cout: 8", "cout: 99999999999999999999", "10: layers[1].cout: 99999999999999999999 must be", ""),
        (10, "cout: 8", "cout: 8\n    macs: 1", "11: layers[1].macs: 1 given, but", "12544"),
        (10, "cout: 8", "cout: 8\n    macs: x", "11: layers[1].macs: the text 'x'", ""),
        (10, "cout: 8", "cout: 8\n    pad: [1, 2, 3]", "11: layers[1].pad: a list of 3", "[vertical, horizontal]"),
        (10, "cout: 8", "cout: 8\n    pad: []", "11: layers[1].pad: a list of 0", ""),
        (10, "cout: 8", "cout: 8\n    pad: same", "11: layers[1].pad: the text 'same'", ""),
        (10, "cout: 8", "cout: 8\n    pad: [1, true]", "11: layers[1].pad: the truth value true", ""),
        (10, "cout: 8", "cout: 8\n    pad: -1", "11: layers[1].pad: -1 is not between 0", ""),
        (10, "cout: 8", "cout: 8\n    stride: 0", "11: layers[1].stride: 0 is not between 1", ""),
        (10, "cout: 8", "cout: 8\n    stride: [1, 2, 3, 4]", "11: layers[1].stride: a list of 4", ""),
        (10, "cout: 8", "cout: 8\n    dilation: 1.5", "11: layers[1].dilation: the number 1.5", ""),
        (10, "cout: 8", "cout: 8\n    groups: 3", "11: layers[1].groups: 3 groups do not divide cin 8", ""),
        (10, "cout: 8", "cout: 9\n    groups: 2", "11: layers[1].groups: 2 groups do not divide cout 9", ""),
        (10, "cout: 8", "cout: 8\n    min: 3\n    max: 2", "11: layers[1].min: min 3.0 is over max 2.0", ""),
        (10, "cout: 8", "cout: 8\n    min: .nan", "11: layers[1].min: not a number", ""),
        (10, "cout: 8", "cout: 8\n    max: 1e300", "11: layers[1].max: 1e+300 does not fit a 32-bit float", ""),
        (10, "cout: 8", "cout: 8\n    max: '6'", "11: layers[1].max: the text '6', where a number is needed", ""),
        (
            1,
            "mine",
            "mine\nalgorithms: [im2col, indirct]",
            "2: algorithms[1]: unknown algorithm 'indirct'",
            "'indirect'",
        ),
        (1, "mine", "mine\nfaces: [published, bst]", "2: faces[1]: unknown face 'bst'", "Did you mean 'best'?"),
        (1, "mine", "mine\nfaces: best", "2: faces: the text 'best', where a list", "[published]"),
        (1, "mine", "mine\nfaces: []", "2: faces: the list is empty", ""),
        (1, "mine", "mine\nfaces: [best, best]", "2: faces[1]: 'best' is given twice", ""),
        (1, "mine", "mine\nalgorithms: im2col", "2: algorithms: the text 'im2col', where a list", ""),
        (1, "mine", "mine\nalgorithms: []", "2: algorithms: the list is empty", ""),
        (1, "mine", "mine\nalgorithms: [naive, naive]", "2: algorithms[1]: 'naive' is given twice", ""),
        (1, "mine", "mine\nalgorithms: [naive, 3]", "2: algorithms[1]: the number 3", ""),
        (1, "mine", "mine\npolicy: quik", "2: policy: unknown policy 'quik'", "Did you mean 'quick'?"),
        (1, "mine", "mine\npolicy: 3", "2: policy: the number 3", ""),
        (2, "layers:", "layers: &a", "", ""),
    ],
)
def test_refuses(tmp_path: Path, line: int, old: str, new: str, starts: str, has: str) -> None:
    text = "".join(
        part.replace(old, new) if number == line else part
        for number, part in enumerate(GOOD.splitlines(keepends=True), start=1)
    )
    if not starts:  # an anchor alone is harmless
        (tmp_path / "mine.yaml").write_text(text)
        assert load_suite(str(tmp_path / "mine.yaml")).name == "mine"
        return
    assert text != GOOD
    message = refused(tmp_path, text)
    assert message.startswith(starts)
    assert has in message


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("", "1: the file is empty"),
        ("# nothing\n", "1: the file is empty"),
        ("[1, 2]\n", "1: the top level is a list"),
        ("just words\n", "1: the top level is the text 'just words'"),
        ("suite: x\n\nlayers: [\n", "4: not valid YAML"),
        ("suite: x\n\tlayers: 3\n", "2: not valid YAML"),
        ("suite: x\nlayers: []\n", "2: layers: the list is empty"),
        ("suite: x\nlayers: 3\n", "2: layers: the number 3, where a list is needed"),
        ("suite: x\nlayers:\n  - 3\n", "3: layers[0]: the number 3, where a mapping is needed"),
        ("suite: x\n", "1: the key 'layers' is missing"),
        ("a: &a x\nb: *a\n", "2: not valid YAML: aliases"),
        ("suite: !!python/object/apply:os.system [reboot]\n", "1: the tag"),
        ("suite: !!int x\n", "1: not a number"),
        ("suite: !evil x\n", "1: the tag"),
        ("<<: {suite: x}\n", "1: "),
        ("? [1]\n: 3\n", "1: a key must be a word"),
        ("3: x\n", "1: a key must be a word"),
        ("suite: x\n---\nsuite: y\n", "2: not valid YAML"),
        ("[" * 5000, "1: not valid YAML: nested deeper"),
        ("suite: a\x01b\n", "1: not valid YAML: special characters"),
        ("suite: x\nlayers: '" + "x" * (1 << 20) + "'\n", " larger than 1048576 bytes"),
    ],
)
def test_refuses_the_whole_file(tmp_path: Path, text: str, starts: str) -> None:
    assert refused(tmp_path, text).startswith(starts)


def test_refuses_what_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"suite: x\n\xff\xfe\n")
    (tmp_path / "folder.yaml").mkdir()
    for path, told in (
        (tmp_path / "absent.yaml", "No such file"),
        (tmp_path / "folder.yaml", "is a folder"),
        (binary, f"{binary}:2: not UTF-8"),
        (tmp_path / "nul\0.yaml", "null"),
        (tmp_path / "\x1b[31m\n.yaml", r"\\x1b\[31m\\n.yaml: cannot be read"),
    ):
        with pytest.raises(UsageError, match=told) as caught:
            load_suite(str(path))
        assert caught.value.exit_code == ExitCode.USAGE
        assert caught.value.remedy


def test_unknown_suite_names_the_known_ones() -> None:
    with pytest.raises(UsageError) as caught:
        load_suite("quik")
    assert "unknown suite 'quik'" in str(caught.value)
    assert "Did you mean 'quick'?" in str(caught.value)
    assert all(name in str(caught.value) for name in list_suites())
    with pytest.raises(UsageError) as caught:
        load_suite("a\x1b[31m\n")
    assert "\x1b" not in str(caught.value)


def test_a_suite_may_name_a_policy_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "short.yaml").write_text("launches: 4\n")
    (tmp_path / "mine.yaml").write_text("policy: ./short.yaml\n" + GOOD)
    policy = load_suite(str(tmp_path / "mine.yaml")).policy
    assert policy is not None
    assert load_policy(policy).launches == 4


@pytest.mark.parametrize("name", list_suites())
def test_shipped_suites_load(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name
    assert suite.policy is None or suite.policy in list_policies()
    assert "naive" not in suite.algorithms


def test_shipped_suites_are_what_the_contract_says() -> None:
    assert {"quick", "smoke", "paper", "resnet18", "squeezenet_v1_0", "vgg16_d"} <= set(list_suites())
    quick = load_suite("quick")
    assert 10 <= len(quick.layers) <= 14
    assert set(Counter(layer.category for layer in quick.layers)) == set(CATEGORIES)
    smoke = load_suite("smoke")
    assert len(smoke.layers) == 6
    assert {layer.category for layer in smoke.layers} == set(CATEGORIES)
    assert max(layer.macs for layer in smoke.layers) <= 1_000_000
    assert smoke.policy is not None
    assert load_policy(smoke.policy).cache == ("hot",)
    networks = {layer.name.split("-")[0] for layer in load_suite("paper").layers}
    assert networks == {"resnet18", "squeezenet_v1_0"}


@pytest.mark.parametrize(
    ("name", "convolutions", "mega_macs"),
    [("resnet18", 20, 1813.6), ("squeezenet_v1_0", 26, 835.8), ("mobilenet_v1", 27, 567.7), ("vgg16_d", 13, 15346.6)],
)
def test_networks_add_up_to_their_published_size(name: str, convolutions: int, mega_macs: float) -> None:
    layers = load_suite(name).layers
    assert sum(layer.count for layer in layers) == convolutions
    assert sum(layer.count * layer.macs for layer in layers) / 1e6 == pytest.approx(mega_macs, abs=0.05)


def test_faces(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    assert load_suite(str(path)).faces == ("published",)
    path.write_text(replaced(1, "mine", "mine\nalgorithms: [auto]\nfaces: [published, best]"))
    assert (load_suite(str(path)).algorithms, load_suite(str(path)).faces) == (("auto",), ("published", "best"))
    assert load_suite("paper").faces == ("published", "best")
    assert parse_faces("best, published") == ("best", "published")
    for text, told in (("bset", "Did you mean 'best'"), ("", "unknown face ''"), ("best,best", "twice")):
        with pytest.raises(UsageError, match="--faces") as caught:
            parse_faces(text)
        assert told in str(caught.value)


def test_parse_algorithms() -> None:
    assert parse_algorithms("naive, indirect") == ("naive", "indirect")
    for text, told in (("indirct", "Did you mean 'indirect'"), ("", "unknown algorithm ''"), ("naive,naive", "twice")):
        with pytest.raises(UsageError, match=told):
            parse_algorithms(text)


def test_select_layers() -> None:
    layers = load_suite("smoke").layers
    assert [layer.name for layer in select_layers(layers, "*_1x1*")] == ["expand_1x1", "project_1x1s2"]
    with pytest.raises(UsageError, match="no layer matches 'nothing'"):
        select_layers(layers, "nothing")


def test_single_best_schedules_stand_among_the_algorithms(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(replaced(1, "mine\n", "mine\nalgorithms: [im2col, indirect, im2col/best]\n"))
    suite = load_suite(str(tmp_path / "mine.yaml"))
    assert suite.algorithms == ("im2col", "indirect", "im2col/best")
    assert "unknown algorithm 'naive/best'" in refused(
        tmp_path, replaced(1, "mine\n", "mine\nalgorithms: [im2col, naive/best]\n")
    )


@pytest.mark.parametrize(
    ("algorithms", "faces", "wanted"),
    [
        (None, None, (("im2col", "indirect", "im2col/best"), ("published",))),
        ("indirect,indirect/best", None, (("indirect", "indirect/best"), ("published",))),
        # Who asks for faces decides about single best schedules, too.
        (None, "published", (("im2col", "indirect"), ("published",))),
        (None, "published,best", (("im2col", "indirect"), ("published", "best"))),
        ("direct/best", "published", (("direct/best",), ("published",))),
    ],
)
def test_options_in_place_of_the_suites_own(
    algorithms: str | None, faces: str | None, wanted: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    suite = load_suite("smoke").model_copy(update={"algorithms": ("im2col", "indirect", "im2col/best")})
    found = with_options(suite, algorithms, faces)
    assert (found.algorithms, found.faces) == wanted


def test_quick_measures_what_its_answer_says() -> None:
    suite = load_suite("quick")
    assert set(suite.algorithms) >= {"im2col", "indirect", "direct", "im2col/best", "indirect/best", "direct/best"}


@pytest.mark.parametrize(
    ("algorithms", "faces", "expected"),
    [
        (None, None, ("im2col", "indirect", "direct", "auto")),
        ("im2col/best", None, ("im2col/best", "auto")),
        ("auto,im2col", None, ("auto", "im2col")),
        (None, "best", ("im2col", "indirect", "direct")),  # auto is of that face
    ],
)
def test_tables_bring_auto_with_them(algorithms: str | None, faces: str | None, expected: tuple[str, ...]) -> None:
    assert with_auto(with_options(load_suite("smoke"), algorithms, faces)).algorithms == expected
