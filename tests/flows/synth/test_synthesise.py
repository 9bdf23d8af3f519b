# SPDX-License-Identifier: Apache-2.0
"""Modules whose cost is known by construction, counted exactly; then what can go wrong."""

import dataclasses
from pathlib import Path

import pytest

from flows.errors import ToolError
from flows.synth import SynthTarget, synthesise, tool_version
from flows.synth.synthesise import needed_files

# One module for each kind of cell, so that every count below has one cause.
MODULES = {
    # 6 inputs into one LUT, one register behind it.
    "parity": """
module parity (input logic clk_i, input logic [5:0] a_i, output logic y_o);
  always_ff @(posedge clk_i) y_o <= ^a_i;
endmodule
""",
    # 1024 x 36: one RAMB36.
    "ram": """
module ram (
  input logic clk_i, input logic we_i, input logic [9:0] wa_i, input logic [9:0] ra_i,
  input logic [35:0] d_i, output logic [35:0] q_o
);
  (* ram_style = "block" *) logic [35:0] mem [1024];
  always_ff @(posedge clk_i) begin
    if (we_i) mem[wa_i] <= d_i;
    q_o <= mem[ra_i];
  end
endmodule
""",
    # 512 x 36 from a file: one RAMB18.
    "rom": """
module rom (input logic clk_i, input logic [8:0] a_i, output logic [35:0] q_o);
  (* rom_style = "block" *) logic [35:0] mem [512];
  initial $readmemh("mem/rom.hex", mem);
  always_ff @(posedge clk_i) q_o <= mem[a_i];
endmodule
""",
    # 32 x 6, one write and one read port: one RAM32M, which takes four LUTs.
    "lutram": """
module lutram (
  input logic clk_i, input logic we_i, input logic [4:0] wa_i, input logic [4:0] ra_i,
  input logic [5:0] d_i, output logic [5:0] q_o
);
  (* ram_style = "distributed" *) logic [5:0] mem [32];
  always_ff @(posedge clk_i) if (we_i) mem[wa_i] <= d_i;
  assign q_o = mem[ra_i];
endmodule
""",
    # A shift register that the source names: one SRL16E.
    "shift": """
module shift (input logic clk_i, input logic d_i, output logic q_o);
  SRL16E u_srl (
    .Q(q_o), .A0(1'b1), .A1(1'b1), .A2(1'b1), .A3(1'b1), .CE(1'b1), .CLK(clk_i), .D(d_i)
  );
endmodule
""",
    # 3 lanes of 16 steps that it does not name: 48 flip-flops.
    "delay": """
module delay (input logic clk_i, input logic [2:0] d_i, output logic [2:0] q_o);
  logic [15:0][2:0] line_q;
  always_ff @(posedge clk_i) line_q <= {line_q[14:0], d_i};
  assign q_o = line_q[15];
endmodule
""",
    # 18 x 18 bits signed: one DSP with its register.
    "multiply": """
module multiply (
  input logic clk_i, input logic signed [17:0] a_i, input logic signed [17:0] b_i,
  output logic signed [35:0] q_o
);
  always_ff @(posedge clk_i) q_o <= a_i * b_i;
endmodule
""",
    # 16 bits: 16 LUTs on four CARRY4 (two CARRY8).
    "add": """
module add (
  input logic clk_i, input logic [15:0] a_i, input logic [15:0] b_i, output logic [15:0] q_o
);
  always_ff @(posedge clk_i) q_o <= a_i + b_i;
endmodule
""",
    # All of the above in one.
    "everything": """
module everything (
  input logic clk_i, input logic we_i, input logic [35:0] a_i, input logic [35:0] b_i,
  output logic [5:0][35:0] q_o
);
  parity u_parity (.clk_i, .a_i(a_i[5:0]), .y_o(q_o[0][0]));
  delay u_delay (.clk_i, .d_i(b_i[2:0]), .q_o(q_o[0][3:1]));
  shift u_shift (.clk_i, .d_i(b_i[6]), .q_o(q_o[0][4]));
  add u_add (.clk_i, .a_i(a_i[15:0]), .b_i(b_i[15:0]), .q_o(q_o[1][15:0]));
  lutram u_lutram (
    .clk_i, .we_i, .wa_i(a_i[4:0]), .ra_i(a_i[9:5]), .d_i(b_i[5:0]), .q_o(q_o[2][5:0])
  );
  ram u_ram (.clk_i, .we_i, .wa_i(a_i[9:0]), .ra_i(a_i[19:10]), .d_i(b_i), .q_o(q_o[3]));
  rom u_rom (.clk_i, .a_i(a_i[8:0]), .q_o(q_o[4]));
  multiply u_multiply (.clk_i, .a_i(a_i[17:0]), .b_i(b_i[17:0]), .q_o(q_o[5]));
  assign q_o[0][35:5] = '0;
  assign q_o[1][35:16] = '0;
  assign q_o[2][35:6] = '0;
endmodule
""",
}
BROKEN = (
    "module broken (input logic a_i, output logic y_o);\n  assign y_o = no_such_net +;\nendmodule\n"
)
HOLLOW = (
    "module hollow (input logic a_i, output logic y_o);\n  absent u_a (.a_i, .y_o);\nendmodule\n"
)
LOOP = """
module loop (input logic a_i, output logic y_o);
  logic b, c;
  assign b = a_i ^ c;
  assign c = ~(b & a_i);
  assign y_o = c;
endmodule
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rtl with blank")
    for name, text in {**MODULES, "broken": BROKEN, "hollow": HOLLOW, "loop": LOOP}.items():
        (folder / f"{name}.sv").write_text(text)
    (folder / "mem").mkdir()
    words = "".join(f"{(index * 0x9E3779B97) & (2**36 - 1):09x}\n" for index in range(512))
    (folder / "mem" / "rom.hex").write_text(words)
    (folder / "mem" / "other.hex").write_text(words)
    return folder


def target(root: Path, name: str, **changes) -> SynthTarget:
    values = {
        "name": name,
        "top": name,
        "root": root,
        "sources": tuple(Path(f"{module}.sv") for module in MODULES),
        "data_files": (Path("mem/rom.hex"), Path("mem/other.hex")),
    }
    return SynthTarget(**{**values, **changes})


def cells(**found: float) -> dict[str, float]:
    columns = ("lut", "lutram", "srl", "ff", "bram36", "uram", "dsp", "carry")
    return {**dict.fromkeys(columns, 0), **found}


# On UltraScale+ the LUT memory takes eight LUTs; the product's register is inside on both.
ALL_XC7 = cells(lut=1 + 1 + 16 + 4, lutram=1 + 4, srl=1, ff=1 + 48 + 16, bram36=1.5, dsp=1, carry=4)
ALL_XCUP = {**ALL_XC7, "lut": 1 + 1 + 16 + 8, "lutram": 1 + 8}


@pytest.mark.parametrize(("family", "expected"), [("xc7", ALL_XC7), ("xcup", ALL_XCUP)])
def test_exact_counts_of_every_kind(root: Path, tmp_path: Path, family: str, expected: dict):
    seen = []
    design = target(root, "everything")
    (report,) = synthesise([design], family, tmp_path, 1, tmp_path / "c", progress=seen.append)
    assert {key: getattr(report, key) for key in expected} == expected, report.cells
    assert report.lut_levels == 1
    assert report.tool == tool_version()
    assert report.seconds > 0
    assert seen == [report]


def test_parts_side_by_side_then_from_the_cache(root: Path, tmp_path: Path):
    """Each part has the count that it adds to `everything`; the second run takes no time."""
    designs = [target(root, name) for name in ("parity", "delay", "shift", "lutram")]
    first = synthesise(designs, "xc7", tmp_path / "w", 2, tmp_path / "c")
    assert [(r.name, r.lut, r.srl, r.ff) for r in first] == [
        ("parity", 1, 0, 1),
        ("delay", 0, 0, 48),
        ("shift", 1, 1, 0),
        ("lutram", 4, 0, 0),
    ]
    assert first[0].deepest_path[0].startswith("a_i[")
    assert len(first[0].deepest_path) == 2

    renamed = [dataclasses.replace(design, name=f"other_{design.name}") for design in designs]
    second = synthesise(renamed, "xc7", tmp_path / "w2", 2, tmp_path / "c")
    assert second == tuple(
        dataclasses.replace(report, name=f"other_{report.name}", cached=True) for report in first
    )
    assert list((tmp_path / "w2").iterdir()) == []

    for entry in (tmp_path / "c").glob("*.json"):
        entry.write_text(entry.read_text()[:50])  # damaged: as if it were not there
    (third,) = synthesise(designs[:1], "xc7", tmp_path / "w", 1, tmp_path / "c")
    assert (third.cached, third.lut) == (False, 1)


def test_cache_follows_the_content(root: Path, tmp_path: Path):
    """A changed image, and nothing else, makes a new run; an image not used does not."""
    image = root / "mem" / "rom.hex"
    design = target(root, "rom")
    before = image.read_text()
    (first,) = synthesise([design], "xc7", tmp_path, 1, tmp_path / "c")
    try:
        (root / "mem" / "other.hex").write_text("0\n")
        (second,) = synthesise([design], "xc7", tmp_path, 1, tmp_path / "c")
        image.write_text("000000000\n" * 512)  # all zero: no memory is needed
        (third,) = synthesise([design], "xc7", tmp_path, 1, tmp_path / "c")
    finally:
        image.write_text(before)
    assert (first.cached, second.cached, third.cached) == (False, True, False)
    assert (first.bram36, third.bram36) == (0.5, 0.0)


def test_needed_files(root: Path):
    sources, others = needed_files(target(root, "rom"))
    assert (sources, others) == ((Path("rom.sv"),), (Path("mem/rom.hex"),))
    sources, others = needed_files(target(root, "everything"))
    assert [path.stem for path in sources] == list(MODULES)
    assert others == (Path("mem/rom.hex"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broken", "yosys -q -l yosys.log -s synth.ys .* exit code 1.*syntax error"),
        ("hollow", "exit code 1.*absent"),
        ("loop", "combinational loop .*y_o"),
    ],
)
def test_failure_shows_the_end_of_the_log(root: Path, tmp_path: Path, name: str, expected: str):
    design = target(root, name, sources=(Path(f"{name}.sv"),))
    with pytest.raises(ToolError, match=f"(?s){name}: .*{expected}"):
        synthesise([design], "xc7", tmp_path, 1, tmp_path / "c")
    assert not list((tmp_path / "c").glob("*.json"))


def test_missing_inputs_are_named(root: Path, tmp_path: Path):
    with pytest.raises(ToolError, match="absent stands in none of its 9 sources"):
        synthesise([target(root, "parity", top="absent")], "xc7", tmp_path, 1, tmp_path)
    design = target(root, "parity", sources=(Path("gone.sv"),))
    with pytest.raises(ToolError, match=r"gone\.sv: No such file"):
        synthesise([design], "xc7", tmp_path, 1, tmp_path)
    with pytest.raises(ToolError, match=r"(?s)exit code 1.*rom\.hex"):
        synthesise([target(root, "rom", data_files=())], "xc7", tmp_path, 1, tmp_path)
