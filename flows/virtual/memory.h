// SPDX-License-Identifier: Apache-2.0
// The memory behind the DMA port, as a strict AXI subordinate: it queues commands, answers in order after a
// latency with occasional gaps, and stops the run when the manager breaks a rule. A write becomes visible
// with its response, not before, so that a batch which is reported too early is found.
#pragma once
#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "board.h"

namespace xnorflow {

struct Broken : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline std::string hex(uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
    return text;
}

// A command that waits, and whether it changed while it did.
struct Command {
    uint64_t address = 0;
    uint32_t len = 0, size = 0, burst = 0, id = 0;
    bool operator!=(const Command& o) const {
        return address != o.address || len != o.len || size != o.size || burst != o.burst || id != o.id;
    }
};

class Memory {
public:
    Memory(const BoardConfig& config, std::vector<uint8_t>& bytes)
        : config_(config), bytes_(bytes), random_(config.seed * 2 + 1) {}

    void inject(int32_t fault, uint32_t after) {
        fault_ = fault;
        after_ = after;
    }

    // Inputs of the manager for this clock; they depend on registers only.
    template <class Top>
    void drive(Top& top) {
        top.m_axi_arready = reads_.size() < config_.outstanding;
        if (!rvalid_ && !reads_.empty() && reads_.front().due <= clock_ && !reads_.front().stuck && !late()) {
            const Burst& burst = reads_.front();
            rvalid_ = true;
            rlast_ = burst.done + 1 == burst.beats;
            rdata_ = burst.response ? 0xDEADBEEFDEADBEEFull : load(burst.command.address + 8ull * burst.done);
        }
        top.m_axi_rvalid = rvalid_;
        if (rvalid_) {
            top.m_axi_rdata = rdata_;
            top.m_axi_rlast = rlast_;
            top.m_axi_rresp = reads_.front().response;
            top.m_axi_rid = reads_.front().command.id;
        }
        top.m_axi_awready = writes_.size() < config_.outstanding;
        if (!wready_) wready_ = filling() && !late();
        top.m_axi_wready = wready_;
        const bool answer = !writes_.empty() && writes_.front().full && !writes_.front().stuck &&
                            writes_.front().due <= clock_;
        if (answer && !bvalid_) commit(writes_.front());
        bvalid_ = answer;
        top.m_axi_bvalid = bvalid_;
        if (bvalid_) {
            top.m_axi_bresp = writes_.front().response;
            top.m_axi_bid = writes_.front().command.id;
        }
    }

    // The rising edge: what was transferred.
    template <class Top>
    void sample(const Top& top) {
        const Command ar{top.m_axi_araddr, top.m_axi_arlen, top.m_axi_arsize, top.m_axi_arburst,
                         top.m_axi_arid};
        if (accept("AR", top.m_axi_arvalid, top.m_axi_arready, ar, ar_waiting_, ar_held_)) {
            reads_.push_back(open(ar, "read", config_.read_latency));
            strike(reads_.back(), kReadError, kReadStuck);
        }
        if (rvalid_ && top.m_axi_rready) {
            rvalid_ = false;
            if (++reads_.front().done == reads_.front().beats) reads_.pop_front();
        }
        const Command aw{top.m_axi_awaddr, top.m_axi_awlen, top.m_axi_awsize, top.m_axi_awburst,
                         top.m_axi_awid};
        if (accept("AW", top.m_axi_awvalid, top.m_axi_awready, aw, aw_waiting_, aw_held_)) {
            writes_.push_back(open(aw, "write", 0));
            strike(writes_.back(), kWriteError, kWriteStuck);
        }
        if (w_waiting_ && (!top.m_axi_wvalid || top.m_axi_wdata != w_held_)) {
            throw Broken("W: valid or data changed before the beat was taken");
        }
        w_waiting_ = top.m_axi_wvalid && !wready_;
        w_held_ = top.m_axi_wdata;
        if (top.m_axi_wvalid && wready_) {
            wready_ = false;
            take(top);
        }
        if (bvalid_ && top.m_axi_bready) {
            writes_.pop_front();
            bvalid_ = false;
        }
        ++clock_;
    }

private:
    struct Burst {
        Command command;
        uint32_t beats = 0, done = 0;
        uint64_t due = 0;
        uint8_t response = 0;
        bool full = false, stuck = false;
        std::vector<uint64_t> data;
        std::vector<uint8_t> strobes;
    };

    bool late() {
        random_ ^= random_ << 13;
        random_ ^= random_ >> 7;
        random_ ^= random_ << 17;
        return (random_ >> 32 & 255) < config_.gap_per_256;
    }

    bool accept(const char* channel, bool valid, bool ready, const Command& now, bool& waiting,
                Command& held) {
        if (waiting && (!valid || now != held)) {
            throw Broken(std::string(channel) + ": valid or payload changed before the command was taken");
        }
        waiting = valid && !ready;
        held = now;
        return valid && ready;
    }

    Burst open(const Command& command, const char* direction, uint32_t latency) {
        Burst burst;
        burst.command = command;
        burst.beats = command.len + 1;
        burst.due = clock_ + latency;
        const uint64_t first = command.address, last = first + 8ull * command.len + 7;
        const auto refuse = [&](const std::string& why) {
            throw Broken(std::string(direction) + " burst of " + std::to_string(burst.beats) + " beats at " +
                         hex(first) + ": " + why);
        };
        if (command.burst != 1) refuse("not an incrementing burst");
        if (command.size != 3) refuse("beats are not 8 bytes");
        if (first % 8) refuse("not aligned to 8 bytes");
        if (first >> 12 != last >> 12) refuse("crosses a border of 4 KiB");
        if (!config_.ultrascale && command.len > 15) refuse("AXI3 allows 16 beats");
        if (!inside(first, last)) burst.response = 3;  // DECERR
        return burst;
    }

    void strike(Burst& burst, int32_t error, int32_t stuck) {
        const bool short_read = error == kReadError && fault_ == kShortRead;
        if ((fault_ != error && fault_ != stuck && !short_read) || after_-- > 0) return;
        if (fault_ == error) burst.response = 2;  // SLVERR
        if (fault_ == stuck) burst.stuck = true;
        if (short_read && burst.beats > 1) --burst.beats;
        fault_ = 0;
    }

    bool inside(uint64_t first, uint64_t last) const {
        return first >= config_.memory_base && last < config_.memory_base + config_.memory_bytes;
    }

    uint64_t load(uint64_t address) const {
        uint64_t value = 0;
        for (int i = 7; i >= 0; --i) value = value << 8 | bytes_[address - config_.memory_base + i];
        return value;
    }

    // The burst that takes data now; AXI3 and AXI4 alike want data in the order of the commands.
    Burst* filling() {
        for (Burst& burst : writes_) {
            if (!burst.full) return &burst;
        }
        return nullptr;
    }

    template <class Top>
    void take(const Top& top) {
        Burst& burst = *filling();
#ifdef XNORFLOW_WID
        if (top.m_axi_wid != burst.command.id) throw Broken("W: WID differs from the AWID of its burst");
#endif
        burst.data.push_back(top.m_axi_wdata);
        burst.strobes.push_back(top.m_axi_wstrb);
        burst.full = burst.data.size() == burst.beats;
        if (burst.full != static_cast<bool>(top.m_axi_wlast)) {
            throw Broken("W: WLAST does not come with the last beat of the burst at " +
                         hex(burst.command.address));
        }
        if (burst.full) burst.due = clock_ + config_.write_latency;
    }

    void commit(const Burst& burst) {
        if (burst.response) return;
        for (size_t beat = 0; beat < burst.data.size(); ++beat) {
            uint8_t* const to = &bytes_[burst.command.address - config_.memory_base + 8 * beat];
            for (int i = 0; i < 8; ++i) {
                if (burst.strobes[beat] >> i & 1) to[i] = static_cast<uint8_t>(burst.data[beat] >> 8 * i);
            }
        }
    }

    const BoardConfig config_;
    std::vector<uint8_t>& bytes_;
    uint64_t random_, clock_ = 0;
    std::deque<Burst> reads_, writes_;
    bool rvalid_ = false, rlast_ = false, wready_ = false, bvalid_ = false;
    uint64_t rdata_ = 0;
    bool ar_waiting_ = false, aw_waiting_ = false, w_waiting_ = false;
    Command ar_held_, aw_held_;
    uint64_t w_held_ = 0;
    int32_t fault_ = 0;
    uint32_t after_ = 0;
};

}  // namespace xnorflow
