// SPDX-License-Identifier: Apache-2.0
// What passes the C ABI, and the two small machines at every stream: stall generator and stability watch.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "harness.h"

namespace xnorflow {

enum Status : int32_t { kRunning, kDone, kBlocked, kProtocol, kRtlError, kCycleLimit };
enum Fault : int32_t { kNone, kValidDropped, kPayloadChanged, kValidAfterReset, kSurplus, kLastWrong };
enum StallKind : int32_t { kFree, kRandom, kBurst, kAfterValid };

// ---- C ABI, mirrored by ctypes structures in abi.py ----

struct Stall {
    int32_t kind;
    uint32_t probability;  // of a stalled cycle, in units of 2^-32
    int64_t stall_cycles;
    int64_t burst_beats;
    uint64_t seed;
};

struct StreamState {
    uint8_t* data;         // beats: read for inputs, written for outputs
    int64_t beats;         // to send, or to expect
    int64_t* cycles;       // cycle of each transfer
    int64_t frame_beats;   // tlast every so many beats, 0: no frames
    Stall stall;
    int64_t moved;         // transfers so far
    int32_t valid;         // handshake in the last cycle
    int32_t ready;
};

struct RunConfig {
    int64_t idle_limit;    // cycles without any transfer that end the run
    int64_t grace;         // cycles after the last beat in which nothing more may come
    int64_t max_cycles;    // 0: none
    int64_t reset_cycles;
    int64_t resets;
    const int64_t* reset_after;  // input transfers before the reset
    const int64_t* reset_delay;  // and cycles after that
};

struct RunReport {
    int64_t cycle;
    int32_t status;
    int32_t fault;
    int32_t is_tap;
    int32_t stream;        // of the fault
    int64_t beat;
    int64_t total;         // cycles evaluated, resets and interrupted frames included
};

struct Generator {
    Stall spec{};
    uint64_t state = 1;
    int64_t stall_left = 0;
    int64_t burst_left = 0;

    void start(const Stall& stall) {
        spec = stall;
        state = stall.seed * 0x9E3779B97F4A7C15ull + 0x2545F4914F6CDD1Dull;
        if (!state) state = 1;
        rewind();
    }
    void rewind() {  // the random sequence goes on, so traffic after a reset differs from before
        stall_left = spec.kind == kBurst ? spec.stall_cycles : 0;
        burst_left = spec.burst_beats;
    }
    uint32_t next() {  // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        return static_cast<uint32_t>((state * 0x2545F4914F6CDD1Dull) >> 32);
    }
    bool stalled(bool waiting) {
        switch (spec.kind) {
        case kRandom: return next() < spec.probability;
        case kBurst:
            if (stall_left == 0) return false;
            --stall_left;
            return true;
        case kAfterValid: return !waiting;
        default: return false;
        }
    }
    void moved() {
        if (spec.kind == kBurst && --burst_left == 0) rewind();
    }
};

struct Watch {  // stability of valid and payload between offer and transfer
    std::vector<uint8_t> held;
    bool waiting = false;
    uint8_t held_last = 0;

    Fault check(const Port& port) const {
        if (!waiting) return kNone;
        if (!*port.valid) return kValidDropped;
        if (std::memcmp(held.data(), port.data, port.bytes) != 0) return kPayloadChanged;
        return port.last && *port.last != held_last ? kPayloadChanged : kNone;
    }
    void update(const Port& port) {
        const bool waits = *port.valid && !*port.ready;
        if (waits && !waiting) {
            std::memcpy(held.data(), port.data, port.bytes);
            if (port.last) held_last = *port.last;
        }
        waiting = waits;
    }
};

struct Tap {
    Port port{};
    Watch watch;
    std::vector<uint8_t> data;
    std::vector<int64_t> cycles;
};

}  // namespace xnorflow
