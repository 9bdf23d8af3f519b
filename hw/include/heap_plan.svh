// SPDX-License-Identifier: Apache-2.0
// The plan by which a heap of bits is reduced, shared by the module that builds it (heap_add) and by those that must know how long it
// takes. To be included in a module body that defines COLUMNS, the number of columns of the heap.
//
// As long as a column has seven bits, counters take them: gpc_607_5 first, whose second column may lack one bit in the last counter, then
// gpc_7_3. A step that finds no such column uses counters that are not full, at most one to a column, and is the last one: six bits
// or fewer and two carries become at most three. Columns that lie beyond the last one are not built: the sum is modulo 2^COLUMNS.

// For every step and column, 16 bits each: the height of the column, its place in the step's vector (column 0 first), and how many
// gpc_607_5 (by their low column), gpc_7_3 and gpc_3_2 begin there. The last field is the number of steps.
localparam int unsigned HEIGHT = 0;
localparam int unsigned PLACE = 1;
localparam int unsigned PAIRED = 2;
localparam int unsigned SEVENS = 3;
localparam int unsigned THREES = 4;
localparam int unsigned FIELDS = 5;
localparam int unsigned STEPS_MAX = 12;
localparam int unsigned STEPS_AT = (STEPS_MAX + 1) * COLUMNS * FIELDS * 16;
localparam int unsigned PLAN_W = STEPS_AT + 16;
localparam int unsigned ROOM = COLUMNS + 5;  // columns that a counter at the last one can reach

// `heights`: of the columns at the start, 16 bits each, column 0 lowest.
function automatic logic [PLAN_W-1:0] plan(input logic [16*COLUMNS-1:0] heights);
  logic [PLAN_W-1:0] all;
  logic [16*ROOM-1:0] rest, now, left;
  int unsigned at, place, here, above, count, taken;
  bit full, high, more;
  all = PLAN_W'(1'b0);
  rest = '0;
  more = 1'b1;
  now = (16*ROOM)'(heights);
  for (int unsigned s = 0; s <= STEPS_MAX; s = s + 1) begin
    if (more) begin
      all[STEPS_AT+:16] = 16'(s);
      place = 0;
      high = 1'b0;
      full = 1'b0;
      rest = '0;
      left = '0;
      for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
        here = 32'(now[16*c+:16]);
        at = (s * COLUMNS + c) * FIELDS * 16;
        all[at+16*HEIGHT+:16] = here[15:0];
        all[at+16*PLACE+:16] = place[15:0];
        place = place + here;
        if (here > 3) high = 1'b1;
        rest[16*c+:16] = here[15:0];
      end
      for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
        at = (s * COLUMNS + c) * FIELDS * 16;
        here = 32'(rest[16*c+:16]);
        above = (c + 2 < COLUMNS) ? 32'(rest[16*(c+2)+:16]) : 0;
        count = ((above + 1) / 6 < here / 7) ? (above + 1) / 6 : here / 7;
        taken = (6 * count < above) ? 6 * count : above;
        here = here - 7 * count;
        if (c + 2 < COLUMNS) rest[16*(c+2)+:16] = 16'(above - taken);
        all[at+16*PAIRED+:16] = count[15:0];
        for (int unsigned k = 0; k < 5; k = k + 1) left[16*(c+k)+:16] = left[16*(c+k)+:16] + count[15:0];
        if (count > 0) full = 1'b1;
        count = here / 7;
        here = here - 7 * count;
        rest[16*c+:16] = here[15:0];
        all[at+16*SEVENS+:16] = count[15:0];
        for (int unsigned k = 0; k < 3; k = k + 1) left[16*(c+k)+:16] = left[16*(c+k)+:16] + count[15:0];
        if (count > 0) full = 1'b1;
      end
      for (int unsigned c = 0; c < COLUMNS; c = c + 1) begin
        at = (s * COLUMNS + c) * FIELDS * 16;
        here = 32'(rest[16*c+:16]);
        if (!full && here + 32'(left[16*c+:16]) > 3) begin
          count = (here > 3) ? SEVENS : THREES;
          all[at+16*count+:16] = 16'd1;
          left[16*(c+1)+:16] = left[16*(c+1)+:16] + 16'd1;
          if (here > 3) left[16*(c+2)+:16] = left[16*(c+2)+:16] + 16'd1;
          here = 1;
        end
        now[16*c+:16] = 16'(here) + left[16*c+:16];
      end
      more = high;
    end
  end
  plan = all;
endfunction
