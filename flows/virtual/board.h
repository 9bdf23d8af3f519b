// SPDX-License-Identifier: Apache-2.0
// C ABI of the virtual board: a processing system, a memory and the Verilated shell, on one time line.
#pragma once
#include <cstdint>

// Mirrored by `_Config` of bitstreams/driver/virtual_board.py.
struct BoardConfig {
    uint64_t shell_base;       // of the register window
    uint64_t shell_bytes;
    uint64_t memory_base;      // of the memory that the DMA port reaches
    uint64_t memory_bytes;
    double crystal_mhz;        // the true one; a driver knows only what it was told
    uint32_t ultrascale;       // 0: Zynq-7000, 1: Zynq UltraScale+
    uint32_t memory_port;      // number of the port that the shell reaches memory through
    uint32_t memory_bits;      // width that this port has to be set to
    uint32_t read_latency;     // bus clocks from an accepted command to its first beat
    uint32_t write_latency;    // bus clocks from the last beat to the response
    uint32_t outstanding;      // commands that the port accepts in each direction
    uint32_t gap_per_256;      // of 256 beats, how many come a clock late
    uint32_t access_cycles;    // bus clocks of processor and interconnect around a register access
    uint64_t seed;
};

// What an access ended with.
enum BoardStatus : int32_t {
    kOk = 0,
    kHung = 1,      // nothing answers: a real processor would stand still until it is switched off
    kBroken = 2,    // a rule of AXI or an assertion of the RTL was broken; board_text says which
    kUnmapped = 3,  // no such address: a real processor would take a bus error
};

// What can be made to go wrong. Faults of the memory hit the `after`-th burst from now, once.
enum BoardFault : int32_t {
    kClockGated = 1,    // the clock is switched off, and stays so
    kClockFixed = 2,    // writes to the clock divisors have no effect
    kResetHeld = 3,     // the reset of the logic is not released
    kShiftersOff = 4,   // the level shifters between processor and logic are off
    kLoadFails = 5,     // the configuration port refuses the bitstream
    kReadError = 6,     // SLVERR on a read burst
    kWriteError = 7,    // SLVERR on a write burst
    kShortRead = 8,     // a read burst ends one beat early
    kReadStuck = 9,     // a read burst never gets its data
    kWriteStuck = 10,   // a write burst never gets its response
    kNetClockGated = 11,  // the network's own clock is switched off, and stays so
};
