// SPDX-License-Identifier: Apache-2.0
// Registers of the processing system that a driver touches: clocks 0 and 1 of the logic, its reset, the level
// shifters, the widths of the ports. Addresses and fields: UG585 (SLCR, AFI), UG1085 (CRL_APB, AFIFM).
#pragma once
#include <cstdint>
#include <map>

#include "board.h"

namespace xnorflow {

class ProcessingSystem {
public:
    // As an unhelpful boot loader leaves it: another clock, ports of 32 bits, clock switched off.
    explicit ProcessingSystem(const BoardConfig& config)
        : ultrascale_(config.ultrascale), crystal_mhz_(config.crystal_mhz) {
        const uint32_t port = config.memory_port;
        if (ultrascale_) {
            port_read_ = 0xFD380000 + 0x10000 * port;
            port_code_ = config.memory_bits == 128 ? 0 : config.memory_bits == 64 ? 1 : 2;
            registers_ = {{kIoPllMp, 45u << 8 | 1u << 16},  // 33.333 MHz * 45 / 2 = 750 MHz
                          {kPl0, 1u << 16 | 5u << 8}, {kPl1, 1u << 16 | 7u << 8}, {kFpdSlcr, 0x500},
                          {port_read_, 2}, {port_read_ + 0x14, 2}};
        } else {
            port_read_ = 0xF8008000 + 0x1000 * port;
            const uint32_t multiplier = crystal_mhz_ > 40 ? 20 : 30;  // both give 1000 MHz
            registers_ = {{kUnlock, 0}, {kIoPll, multiplier << 12},
                          {kFclk0, 1u << 20 | 7u << 8}, {kGate0, 1}, {kReset, 0xF}, {kShifters, 0},
                          {kFclk1, 1u << 20 | 9u << 8}, {kGate1, 1},
                          {port_read_, 1}, {port_read_ + 0x14, 0xF01}};
        }
    }

    bool has(uint64_t address) const { return registers_.count(static_cast<uint32_t>(address)) != 0; }

    uint32_t read(uint64_t address) const { return registers_.at(static_cast<uint32_t>(address)); }

    void write(uint64_t wide, uint32_t value) {
        const uint32_t address = static_cast<uint32_t>(wide);
        if (address == kUnlock) unlocked_ = unlocked_ || value == 0xDF0D;
        const bool slcr = address >> 12 == kSlcr >> 12;
        if (slcr && !unlocked_) return;
        if (address == kFclk0 && fixed_) return;
        if (address == kPl0 && fixed_) value = read(address);
        registers_[address] = value;
        hold();
    }

    void inject(int32_t fault) {
        gated_ = fault == kClockGated;
        net_gated_ = fault == kNetClockGated;
        fixed_ = fault == kClockFixed;
        held_ = fault == kResetHeld;
        shifters_off_ = fault == kShiftersOff;
        hold();
    }

    // A full load pulses the reset of Zynq-7000's logic and switches its level shifters on.
    void loaded() {
        if (ultrascale_) return;
        registers_[kReset] = 0;
        registers_[kShifters] = 0xF;
        hold();
    }

    // Clock 0 or 1 of the logic in MHz; 0 where it stands.
    double clock_mhz(uint32_t index = 0) const {
        if (ultrascale_) {
            const uint32_t pll = read(kIoPllMp), control = read(index ? kPl1 : kPl0);
            const uint32_t divisor = (control >> 8 & 63) * (control >> 16 & 63);
            if (!divisor || !(control >> 24 & 1)) return 0;
            return crystal_mhz_ * (pll >> 8 & 127) / (pll >> 16 & 1 ? 2 : 1) / divisor;
        }
        const uint32_t control = read(index ? kFclk1 : kFclk0);
        const uint32_t divisor = (control >> 8 & 63) * (control >> 20 & 63);
        if (!divisor || (read(index ? kGate1 : kGate0) & 1)) return 0;
        return crystal_mhz_ * (read(kIoPll) >> 12 & 127) / divisor;
    }

    bool in_reset() const { return !ultrascale_ && (read(kReset) & 1); }
    bool connected() const { return ultrascale_ || read(kShifters) == 0xF; }

    // Whether the memory port has the width that the design was built for; it garbles data otherwise.
    bool port_fits() const {
        const uint32_t field = ultrascale_ ? 3 : 1;
        return (read(port_read_) & field) == port_code_ && (read(port_read_ + 0x14) & field) == port_code_;
    }

private:
    static constexpr uint32_t kSlcr = 0xF8000000, kUnlock = 0xF8000008, kIoPll = 0xF8000108;
    static constexpr uint32_t kFclk0 = 0xF8000170, kGate0 = 0xF8000178, kReset = 0xF8000240;
    static constexpr uint32_t kFclk1 = 0xF8000180, kGate1 = 0xF8000188;
    static constexpr uint32_t kShifters = 0xF8000900;
    static constexpr uint32_t kIoPllMp = 0xFF5E0020, kPl0 = 0xFF5E00C0, kPl1 = 0xFF5E00C4, kFpdSlcr = 0xFD615000;

    void hold() {
        if (gated_ && ultrascale_) registers_[kPl0] &= ~(1u << 24);
        if (gated_ && !ultrascale_) registers_[kGate0] |= 1;
        if (net_gated_ && ultrascale_) registers_[kPl1] &= ~(1u << 24);
        if (net_gated_ && !ultrascale_) registers_[kGate1] |= 1;
        if (held_ && !ultrascale_) registers_[kReset] |= 1;
        if (shifters_off_ && !ultrascale_) registers_[kShifters] = 0;
    }

    const bool ultrascale_;
    const double crystal_mhz_;
    uint32_t port_read_ = 0, port_code_ = 0;  // address of RDCTRL, code of the right width
    bool unlocked_ = false, gated_ = false, net_gated_ = false, fixed_ = false, held_ = false, shifters_off_ = false;
    std::map<uint32_t, uint32_t> registers_;
};

}  // namespace xnorflow
