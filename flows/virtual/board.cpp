// SPDX-License-Identifier: Apache-2.0
// The virtual board: register accesses of the processor, memory and the Verilated shell on one time line.
// Time is that of the board: clocks of the logic divided by their frequency, so that time-outs and rates
// mean what they mean on silicon, however long the simulation takes.
#include <cstdarg>
#include <cstdio>
#include <memory>
#include <string>

#include "Vsim.h"
#include "board.h"
#include "memory.h"
#include "ps.h"
#include "verilated.h"

namespace xnorflow {
namespace {

std::string& printed() {
    static std::string text;
    return text;
}

constexpr double kIdleStep = 1e-7;  // seconds of an access to a register of the processing system
constexpr int kAnswerCycles = 1000;  // a register access without an answer for so long has none
constexpr int kResetCycles = 32;

class Board {
public:
    explicit Board(const BoardConfig& config)
        : config_(config), bytes_(config.memory_bytes), ps_(config) {}
    ~Board() { switch_off(); }

    // Loads the bitstream: logic starts anew and goes through reset.
    bool program() {
        switch_off();
        if (fault_ == kLoadFails) return false;
        context_ = std::make_unique<VerilatedContext>();
        // Flip-flops come up zero unless the RTL says otherwise. Where a clock carries them through reset,
        // random content instead shows a reset that is missing.
        context_->randReset(ps_.clock_mhz() > 0 ? 2 : 0);
        context_->randSeed(static_cast<int>((config_.seed + ++loads_) % 2147483646u) + 1);
        context_->fatalOnError(false);
        context_->threads(1);
        memory_ = std::make_unique<Memory>(config_, bytes_);
        printed().clear();
        top_ = std::make_unique<Vsim>(context_.get(), "");
        top_->s_axi_arvalid = top_->s_axi_awvalid = top_->s_axi_wvalid = 0;
        top_->s_axi_rready = top_->s_axi_bready = 0;
        ps_.loaded();
        settle(true);  // initial values and memory images
        if (ps_.clock_mhz() > 0) step(kResetCycles, true);
        arm();
        return true;
    }

    bool programmed() const { return top_ != nullptr; }

    int32_t read(uint64_t address, uint32_t& value) {
        if (const int32_t status = reach(address)) return status;
        if (ps_.has(address)) {
            sleep(kIdleStep);
            value = ps_.read(address);
            return kOk;
        }
        Vsim& top = *top_;
        top.s_axi_araddr = address - config_.shell_base;
        top.s_axi_arvalid = 1;
        top.s_axi_rready = 1;
        for (int n = 0; n < kAnswerCycles; ++n) {
            settle();
            const bool taken = top.s_axi_arvalid && top.s_axi_arready;
            const bool answered = top.s_axi_rvalid;
            value = top.s_axi_rdata;
            edge();
            if (taken) top.s_axi_arvalid = 0;
            if (answered) return leave();
        }
        return kHung;
    }

    int32_t write(uint64_t address, uint32_t value) {
        if (const int32_t status = reach(address)) return status;
        if (ps_.has(address)) {
            sleep(kIdleStep);
            ps_.write(address, value);
            return kOk;
        }
        Vsim& top = *top_;
        top.s_axi_awaddr = address - config_.shell_base;
        top.s_axi_wdata = value;
        top.s_axi_wstrb = 0xF;
        top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_bready = 1;
        for (int n = 0; n < kAnswerCycles; ++n) {
            settle();
            const bool aw = top.s_axi_awvalid && top.s_axi_awready;
            const bool w = top.s_axi_wvalid && top.s_axi_wready;
            const bool answered = top.s_axi_bvalid;
            edge();
            if (aw) top.s_axi_awvalid = 0;
            if (w) top.s_axi_wvalid = 0;
            if (answered) return leave();
        }
        return kHung;
    }

    // Lets board time pass.
    void sleep(double seconds) {
        const double until = now_ + seconds;
        while (top_ && ps_.clock_mhz() > 0 && now_ < until) tick();
        if (now_ < until) now_ = until;
    }

    double now() const { return now_; }
    uint64_t cycles() const { return cycles_; }
    uint8_t* bytes() { return bytes_.data(); }

    void inject(int32_t fault, uint32_t after) {
        fault_ = fault;
        after_ = after;
        ps_.inject(fault);
        arm();
    }

private:
    // A model takes leave of the thread's context, which may be that of another board.
    void switch_off() {
        if (top_) Verilated::threadContextp(context_.get());
        top_.reset();
    }

    void arm() {
        if (memory_ && fault_ >= kReadError && fault_ <= kWriteStuck) {
            memory_->inject(fault_, after_);
            fault_ = 0;
        }
    }

    int32_t reach(uint64_t address) const {
        if (ps_.has(address)) return kOk;
        if (address < config_.shell_base || address >= config_.shell_base + config_.shell_bytes) {
            return kUnmapped;
        }
        const bool answers = top_ && ps_.clock_mhz() > 0 && !ps_.in_reset() && ps_.connected();
        return answers ? kOk : kHung;
    }

    int32_t leave() {
        top_->s_axi_rready = top_->s_axi_bready = 0;
        step(static_cast<int>(config_.access_cycles), false);
        return kOk;
    }

    void step(int cycles, bool reset) {
        for (int n = 0; n < cycles; ++n) {
            if (reset) top_->bus_rst_n = 0;
            tick(reset);
        }
    }

    void tick(bool reset = false) {
        settle(reset);
        edge();
    }

    void settle(bool reset = false) {
        top_->bus_clk = 0;
        top_->bus_rst_n = !(reset || ps_.in_reset());
        memory_->drive(*top_);
        top_->eval();
    }

    void edge() {
        if (top_->bus_rst_n) memory_->sample(*top_);
        top_->bus_clk = 1;
        top_->eval();
        ++cycles_;
        now_ += 1e-6 / ps_.clock_mhz();
        network_edges();
        if (!printed().empty()) throw Broken(printed());
        if ((top_->m_axi_arvalid || top_->m_axi_awvalid) && !ps_.port_fits()) {
            throw Broken("the memory port is set to another width: every burst would be garbled");
        }
    }

    // Edges of the network's own clock since the last edge of the bus clock, where it has one.
    void network_edges() {
#ifdef XNORFLOW_NET_CLK
        const double mhz = ps_.clock_mhz(1);
        if (mhz <= 0 || net_edge_ < now_ - 1e-6) net_edge_ = now_;
        for (; mhz > 0 && net_edge_ < now_; net_edge_ += 1e-6 / mhz) {
            top_->net_clk = 0;
            top_->eval();
            top_->net_clk = 1;
            top_->eval();
        }
#endif
    }

    const BoardConfig config_;
    std::vector<uint8_t> bytes_;
    ProcessingSystem ps_;
    std::unique_ptr<VerilatedContext> context_;
    std::unique_ptr<Memory> memory_;
    std::unique_ptr<Vsim> top_;
    double now_ = 0, net_edge_ = 0;
    uint64_t cycles_ = 0, loads_ = 0;
    int32_t fault_ = 0;
    uint32_t after_ = 0;
};

// What an exception inside the model said; a board that broke stays broken.
struct Handle {
    explicit Handle(const BoardConfig& config) : board(config) {}
    Board board;
    std::string text;

    template <class Action>
    int32_t run(Action action) {
        if (!text.empty()) return kBroken;
        try {
            return action();
        } catch (const std::exception& error) {
            text = error.what();
            return kBroken;
        }
    }
};

}  // namespace
}  // namespace xnorflow

using namespace xnorflow;
#define API extern "C" __attribute__((visibility("default")))

API Handle* board_create(const BoardConfig* config) { return new Handle(*config); }
API void board_destroy(Handle* handle) { delete handle; }

API int32_t board_program(Handle* handle, int32_t* done) {
    return handle->run([&] { *done = handle->board.program(); return kOk; });
}
API int32_t board_programmed(const Handle* handle) { return handle->board.programmed(); }

API int32_t board_read(Handle* handle, uint64_t address, uint32_t* value) {
    return handle->run([&] { return handle->board.read(address, *value); });
}
API int32_t board_write(Handle* handle, uint64_t address, uint32_t value) {
    return handle->run([&] { return handle->board.write(address, value); });
}
API int32_t board_sleep(Handle* handle, double seconds) {
    return handle->run([&] { handle->board.sleep(seconds); return kOk; });
}

API double board_now(const Handle* handle) { return handle->board.now(); }
API uint64_t board_cycles(const Handle* handle) { return handle->board.cycles(); }
API uint8_t* board_memory(Handle* handle) { return handle->board.bytes(); }
API void board_inject(Handle* handle, int32_t fault, uint32_t after) { handle->board.inject(fault, after); }
API const char* board_text(const Handle* handle) { return handle->text.c_str(); }

// ---- what Verilator's run time calls: whatever the RTL prints or asserts ends the run ----

extern "C" int xnorflow_printf(const char* format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printed() += line;
    return length;
}

static void note(const char* file, int line, const char* message) {
    xnorflow_printf("%s:%d: %s\n", file ? file : "", line, message);
}

void vl_finish(const char* file, int line, const char*) { note(file, line, "$finish"); }
void vl_stop(const char* file, int line, const char*) { note(file, line, "$stop, $error or $fatal"); }
void vl_warn(const char* file, int line, const char*, const char* message) { note(file, line, message); }
void vl_fatal(const char* file, int line, const char*, const char* message) {
    note(file, line, message);
    throw Broken(printed());
}
