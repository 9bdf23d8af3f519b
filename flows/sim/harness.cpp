// SPDX-License-Identifier: Apache-2.0
// Cycle-accurate traffic engine: drives AXI-Stream sources and sinks with stall patterns, records every
// transfer with its cycle, checks the stream contract, and says who waits for whom when nothing moves.
//
// One cycle: drive while the clock is low, evaluate, sample the handshakes, rising edge, evaluate.
// Cycle 0 is the first cycle after reset; sources start in cycle 1, so that "valid is low after reset"
// is checked on a design that has seen no data.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "harness.h"
#include "traffic.h"

#include "verilated.h"

namespace xnorflow {

std::string& rtl_log() {
    static thread_local std::string log;
    return log;
}
bool& rtl_stopped() {
    static thread_local bool stopped = false;
    return stopped;
}

namespace {

constexpr size_t kLogLimit = 1 << 16;

}  // namespace

class Run {
public:
    explicit Run(std::unique_ptr<Model> model) : model_(std::move(model)) {
        counters_ = model_->counters("high_water_q");
    }
    std::unique_ptr<Model> model_;
    std::vector<Counter> counters_;
    std::vector<Tap> taps_;
    bool poisoned_ = false;

    void start(const RunConfig& config, StreamState* in, StreamState* out) {
        config_ = config;
        in_ = in;
        out_ = out;
        sources_.resize(model_->inputs.size());
        sinks_.resize(model_->outputs.size());
        watch_.resize(model_->outputs.size());
        for (size_t i = 0; i < sources_.size(); ++i) sources_[i].start(in_[i].stall);
        for (size_t o = 0; o < sinks_.size(); ++o) {
            sinks_[o].start(out_[o].stall);
            watch_[o].held.resize(model_->outputs[o].bytes);
        }
        for (Tap& tap : taps_) tap.watch.held.resize(tap.port.bytes);
        next_reset_ = 0;
        reset();
    }

    // Runs at most `budget` cycles.
    void advance(int64_t budget, RunReport& report) {
        if (rtl_stopped()) status_ = kRtlError;
        for (int64_t n = 0; n < budget && status_ == kRunning; ++n) cycle();
        report = {cycle_, status_, fault_, fault_is_tap_, fault_stream_, fault_beat_, time_};
    }

private:
    void edge() {
        if (model_->waves) model_->tick(time_, false);
        *model_->clock = 1;
        model_->eval();
        if (model_->waves) model_->tick(time_, true);
        ++time_;
        if (rtl_stopped()) status_ = kRtlError;
    }

    void reset() {
        for (Port& port : model_->inputs) *port.valid = 0;
        for (Port& port : model_->outputs) *port.ready = 0;
        *model_->reset_n = 0;
        for (int64_t n = 0; n < config_.reset_cycles && status_ == kRunning; ++n) {
            *model_->clock = 0;
            model_->eval();
            edge();
        }
        *model_->reset_n = 1;
        for (size_t i = 0; i < sources_.size(); ++i) {
            sources_[i].rewind();
            in_[i].moved = 0;
        }
        for (size_t o = 0; o < sinks_.size(); ++o) {
            sinks_[o].rewind();
            out_[o].moved = 0;
            watch_[o].waiting = false;
        }
        for (Tap& tap : taps_) {
            tap.watch.waiting = false;
            tap.data.clear();
            tap.cycles.clear();
        }
        cycle_ = idle_ = sent_ = after_end_ = delay_ = 0;
        complete_ = complete();  // true where nothing is sent and nothing expected
    }

    void fail(Fault fault, bool tap, size_t stream, int64_t beat) {
        if (status_ != kRunning) return;
        status_ = kProtocol;
        fault_ = fault;
        fault_is_tap_ = tap;
        fault_stream_ = static_cast<int32_t>(stream);
        fault_beat_ = beat;
    }

    void drive(bool ended) {
        for (size_t i = 0; i < sources_.size(); ++i) {
            Port& port = model_->inputs[i];
            StreamState& s = in_[i];
            if (*port.valid || s.moved >= s.beats || cycle_ == 0) continue;  // a held offer stays
            if (sources_[i].stalled(false)) continue;
            std::memcpy(port.data, s.data + s.moved * port.bytes, port.bytes);
            if (port.last) *port.last = s.frame_beats && (s.moved + 1) % s.frame_beats == 0;
            *port.valid = 1;
        }
        for (size_t o = 0; o < sinks_.size(); ++o) {
            *model_->outputs[o].ready = ended || !sinks_[o].stalled(watch_[o].waiting);
        }
    }

    bool sample_inputs() {
        bool moved = false;
        for (size_t i = 0; i < sources_.size(); ++i) {
            Port& port = model_->inputs[i];
            StreamState& s = in_[i];
            s.valid = *port.valid;
            s.ready = *port.ready;
            accepted_[i] = s.valid && s.ready;
            if (!accepted_[i]) continue;
            s.cycles[s.moved++] = cycle_;
            sources_[i].moved();
            ++sent_;
            moved = true;
        }
        return moved;
    }

    bool sample_outputs() {
        bool moved = false;
        for (size_t o = 0; o < sinks_.size(); ++o) {
            Port& port = model_->outputs[o];
            StreamState& s = out_[o];
            s.valid = *port.valid;
            s.ready = *port.ready;
            if (const Fault fault = watch_[o].check(port)) fail(fault, false, o, s.moved);
            if (s.valid && cycle_ == 0) fail(kValidAfterReset, false, o, 0);
            watch_[o].update(port);
            if (!s.valid) continue;
            if (s.moved >= s.beats) {
                fail(kSurplus, false, o, s.moved);
            } else if (s.ready) {
                std::memcpy(s.data + s.moved * port.bytes, port.data, port.bytes);
                s.cycles[s.moved] = cycle_;
                const bool last = s.frame_beats && (s.moved + 1) % s.frame_beats == 0;
                if (port.last && s.frame_beats && (*port.last != 0) != last) {
                    fail(kLastWrong, false, o, s.moved);
                }
                ++s.moved;
                sinks_[o].moved();
                moved = true;
            }
        }
        return moved;
    }

    void sample_taps() {
        for (size_t t = 0; t < taps_.size(); ++t) {
            Tap& tap = taps_[t];
            const int64_t beat = static_cast<int64_t>(tap.cycles.size());
            if (const Fault fault = tap.watch.check(tap.port)) fail(fault, true, t, beat);
            tap.watch.update(tap.port);
            if (!*tap.port.valid || !*tap.port.ready) continue;
            tap.data.insert(tap.data.end(), tap.port.data, tap.port.data + tap.port.bytes);
            tap.cycles.push_back(cycle_);
        }
    }

    bool complete() const {
        for (size_t i = 0; i < sources_.size(); ++i) {
            if (in_[i].moved < in_[i].beats) return false;
        }
        for (size_t o = 0; o < sinks_.size(); ++o) {
            if (out_[o].moved < out_[o].beats) return false;
        }
        return true;
    }

    bool reset_due(bool ended) {
        if (next_reset_ >= config_.resets) return false;
        if (!ended && sent_ < config_.reset_after[next_reset_]) return false;
        return ended || delay_++ >= config_.reset_delay[next_reset_];
    }

    void cycle() {
        const bool ended = complete_;
        *model_->clock = 0;
        drive(ended);
        model_->eval();
        const bool moved_in = sample_inputs();
        const bool moved_out = sample_outputs();
        if (!taps_.empty()) sample_taps();
        edge();
        if (moved_in) {
            for (size_t i = 0; i < sources_.size(); ++i) {
                if (accepted_[i]) *model_->inputs[i].valid = 0;
            }
        }
        ++cycle_;
        if (moved_in || moved_out) complete_ = complete();
        if (reset_due(complete_)) {
            ++next_reset_;
            if (status_ == kRunning) reset();
            return;
        }
        finish(moved_in || moved_out);
    }

    void finish(bool moved) {
        if (status_ != kRunning) return;
        if (complete_) {
            if (after_end_++ >= config_.grace) status_ = kDone;
        } else if (moved) {
            idle_ = 0;
        } else if (++idle_ >= config_.idle_limit) {
            status_ = kBlocked;
        }
        if (config_.max_cycles && cycle_ >= config_.max_cycles && status_ == kRunning) {
            status_ = kCycleLimit;
        }
    }

    RunConfig config_{};
    StreamState* in_ = nullptr;
    StreamState* out_ = nullptr;
    std::vector<Generator> sources_, sinks_;
    std::vector<Watch> watch_;
    bool accepted_[64] = {};
    bool complete_ = false;
    int64_t cycle_ = 0, idle_ = 0, sent_ = 0, after_end_ = 0, delay_ = 0, next_reset_ = 0, time_ = 0;
    Status status_ = kRunning;
    Fault fault_ = kNone;
    int32_t fault_is_tap_ = 0, fault_stream_ = 0;
    int64_t fault_beat_ = 0;
};

}  // namespace xnorflow

using namespace xnorflow;
#define API extern "C" __attribute__((visibility("default")))

API Run* xnorflow_create(uint64_t seed, const char* waves_path) {
    rtl_log().clear();
    rtl_stopped() = false;
    Run* run = nullptr;
    try {
        run = new Run(make_model(seed, waves_path));
        *run->model_->clock = 0;
        *run->model_->reset_n = 0;
        run->model_->eval();  // initial blocks, $readmemh among them
        return run;
    } catch (const RtlFatal&) {
        return nullptr;  // a model that died inside eval is not safe to destroy: leaked on purpose
    }
}

API int32_t xnorflow_add_tap(Run* run, const char* name) {
    Tap tap;
    if (!run->model_->tap(name, tap.port)) return 0;
    run->taps_.push_back(std::move(tap));
    return 1;
}

API void xnorflow_start(Run* run, const RunConfig* config, StreamState* in, StreamState* out) {
    try {
        run->start(*config, in, out);
    } catch (const RtlFatal&) {
        run->poisoned_ = true;
    }
}

API void xnorflow_advance(Run* run, int64_t budget, RunReport* report) {
    if (!run->poisoned_) {
        try {
            run->advance(budget, *report);
            return;
        } catch (const RtlFatal&) {
            run->poisoned_ = true;
        }
    }
    report->status = kRtlError;
}

API int32_t xnorflow_counters(const Run* run) { return static_cast<int32_t>(run->counters_.size()); }

API const char* xnorflow_counter(const Run* run, int32_t index, uint64_t* value) {
    const Counter& counter = run->counters_[static_cast<size_t>(index)];
    *value = 0;
    std::memcpy(value, counter.data, counter.bytes < 8 ? counter.bytes : 8);
    return counter.path.c_str();
}

API int64_t xnorflow_tap(const Run* run, int32_t index, int64_t* bytes, const uint8_t** data,
                         const int64_t** cycles) {
    const Tap& tap = run->taps_[static_cast<size_t>(index)];
    *bytes = tap.port.bytes;
    *data = tap.data.data();
    *cycles = tap.cycles.data();
    return static_cast<int64_t>(tap.cycles.size());
}

// Handshake of a tap in the last cycle: bit 0 valid, bit 1 ready.
API int32_t xnorflow_tap_state(const Run* run, int32_t index) {
    const Port& port = run->taps_[static_cast<size_t>(index)].port;
    return (*port.valid ? 1 : 0) | (*port.ready ? 2 : 0);
}

API const char* xnorflow_log() { return rtl_log().c_str(); }

API void xnorflow_destroy(Run* run) {
    if (run && !run->poisoned_) delete run;
}

// ---- what Verilator's run time calls ----

extern "C" int xnorflow_printf(const char* format, ...) {
    char line[4096];
    va_list arguments;
    va_start(arguments, format);
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (rtl_log().size() < kLogLimit) rtl_log() += line;
    return length;
}

static void note(const char* kind, const char* file, int line, const char* message) {
    xnorflow_printf("%s: %s:%d: %s\n", kind, file ? file : "", line, message);
    rtl_stopped() = true;
}

void vl_finish(const char* file, int line, const char*) { note("stop", file, line, "$finish"); }
void vl_stop(const char* file, int line, const char*) { note("stop", file, line, "$stop, $error or $fatal"); }
void vl_warn(const char* file, int line, const char*, const char* message) {
    note("warning", file, line, message);
}
void vl_fatal(const char* file, int line, const char*, const char* message) {
    note("fatal", file, line, message);
    throw RtlFatal{};
}
