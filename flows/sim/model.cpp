// SPDX-License-Identifier: Apache-2.0
// Binds the ports of one Verilated design. "streams.inc" is generated: one line per stream.
#include <cstring>

#include "Vsim.h"
#include "harness.h"
#include "verilated.h"
#include "verilated_syms.h"
#include "verilated_sym_props.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace xnorflow {
namespace {

template <typename T>
uint8_t* bytes_of(T& signal) {
    return reinterpret_cast<uint8_t*>(&signal);
}

class VerilatedDesign final : public Model {
public:
    VerilatedDesign(uint64_t seed, const char* waves_path) {
        context_.randReset(2);
        context_.randSeed(static_cast<int>(seed % 2147483646u) + 1);
        context_.fatalOnError(false);
#if VM_TRACE
        context_.traceEverOn(true);
#endif
        top_ = std::make_unique<Vsim>(&context_, "");
        clock = &top_->clk_i;
        reset_n = &top_->rst_ni;
#define NO_LAST(port) nullptr
#define HAS_LAST(port) &top_->port##_tlast
#define STREAM(list, port, width, last) \
    list.push_back({#port, bytes_of(top_->port##_tdata), (width + 7) / 8, \
                    &top_->port##_tvalid, &top_->port##_tready, last(port)});
#define IDLE(port) std::memset(bytes_of(top_->port), 0, sizeof top_->port);
#include "streams.inc"
#if VM_TRACE
        if (waves_path && *waves_path) {
            trace_ = std::make_unique<VerilatedVcdC>();
            top_->trace(trace_.get(), 99);
            trace_->open(waves_path);
            waves = true;
        }
#else
        (void)waves_path;
#endif
    }

    ~VerilatedDesign() override {
#if VM_TRACE
        if (trace_) trace_->close();
#endif
        top_->final();
    }

    void eval() override { top_->eval(); }

    void tick(int64_t cycle, bool clock_high) override {
        // A clock period is 10 time units, so that waves show cycle * 10.
        context_.time(static_cast<uint64_t>(cycle) * 10 + (clock_high ? 5 : 0));
#if VM_TRACE
        if (trace_) trace_->dump(context_.time());
#endif
    }

    std::vector<Counter> counters(const char* name) override {
        std::vector<Counter> found;
        const VerilatedScopeNameMap* const scopes = context_.scopeNameMap();
        if (!scopes) return found;
        for (const auto& [path, scope] : *scopes) {
            if (VerilatedVar* const var = scope->varFind(name)) {
                found.push_back({path, var->datap(), static_cast<uint32_t>(var->totalSize())});
            }
        }
        return found;
    }

    bool tap(const char* name, Port& port) override {
        const VerilatedScope* const scope = context_.scopeFind(XNORFLOW_TOP);
        if (!scope) return false;
        const std::string base{name};
        VerilatedVar* const data = scope->varFind((base + "_tdata").c_str());
        VerilatedVar* const valid = scope->varFind((base + "_tvalid").c_str());
        VerilatedVar* const ready = scope->varFind((base + "_tready").c_str());
        if (!data || !valid || !ready) return false;
        port = {name, static_cast<uint8_t*>(data->datap()),
                static_cast<uint32_t>((data->entBits() + 7) / 8),
                static_cast<uint8_t*>(valid->datap()), static_cast<uint8_t*>(ready->datap()), nullptr};
        return true;
    }

private:
    VerilatedContext context_;
    std::unique_ptr<Vsim> top_;
#if VM_TRACE
    std::unique_ptr<VerilatedVcdC> trace_;
#endif
};

}  // namespace

std::unique_ptr<Model> make_model(uint64_t seed, const char* waves_path) {
    return std::make_unique<VerilatedDesign>(seed, waves_path);
}

}  // namespace xnorflow
