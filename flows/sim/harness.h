// SPDX-License-Identifier: Apache-2.0
// Border between the traffic engine (harness.cpp, compiled once) and one Verilated design (model.cpp).
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xnorflow {

// One AXI-Stream port of the design, or one tapped internal stream. Payload bytes are little-endian.
struct Port {
    const char* name;
    uint8_t* data;
    uint32_t bytes;   // of one beat, ceil(width / 8)
    uint8_t* valid;
    uint8_t* ready;
    uint8_t* last;    // nullptr where the port has no tlast
};

struct Counter {
    std::string path;
    const void* data;
    uint32_t bytes;
};

class Model {
public:
    virtual ~Model() = default;
    virtual void eval() = 0;
    virtual void tick(int64_t cycle, bool clock) = 0;  // only in builds with waves
    virtual std::vector<Counter> counters(const char* name) = 0;
    virtual bool tap(const char* name, Port& port) = 0;
    uint8_t* clock = nullptr;
    uint8_t* reset_n = nullptr;
    bool waves = false;
    std::vector<Port> inputs;
    std::vector<Port> outputs;
};

std::unique_ptr<Model> make_model(uint64_t seed, const char* waves_path);

struct RtlFatal {};           // thrown by vl_fatal: the design cannot go on
std::string& rtl_log();       // everything that the RTL printed
bool& rtl_stopped();          // $error, $fatal, $stop, $finish or a $readmemh warning was met

}  // namespace xnorflow
