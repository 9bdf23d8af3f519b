// SPDX-License-Identifier: Apache-2.0
// Drives the virtual board's memory with hand-made signals; `argv[1]` names what is done wrong, or nothing.
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>

#define XNORFLOW_WID
#include "memory.h"

using namespace xnorflow;

struct Top {
    uint64_t m_axi_araddr = 0, m_axi_awaddr = 0, m_axi_wdata = 0, m_axi_rdata = 0;
    uint32_t m_axi_arlen = 0, m_axi_arsize = 3, m_axi_arburst = 1, m_axi_arid = 0, m_axi_arvalid = 0, m_axi_arready = 0;
    uint32_t m_axi_awlen = 0, m_axi_awsize = 3, m_axi_awburst = 1, m_axi_awid = 0, m_axi_awvalid = 0, m_axi_awready = 0;
    uint32_t m_axi_wstrb = 0xFF, m_axi_wlast = 0, m_axi_wid = 0, m_axi_wvalid = 0, m_axi_wready = 0;
    uint32_t m_axi_rvalid = 0, m_axi_rready = 0, m_axi_rlast = 0, m_axi_rresp = 0, m_axi_rid = 0;
    uint32_t m_axi_bvalid = 0, m_axi_bready = 0, m_axi_bresp = 0, m_axi_bid = 0;
};

struct Bench {
    BoardConfig config{};
    std::vector<uint8_t> bytes = std::vector<uint8_t>(1 << 16);
    Top top;
    Memory memory;
    uint64_t clocks = 0;

    Bench() : config(make()), memory(config, bytes) {
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * 7 + (i >> 8));
    }
    static BoardConfig make() {
        BoardConfig c{};
        c.memory_base = 0x1000;
        c.memory_bytes = 1 << 16;
        c.read_latency = 30;
        c.write_latency = 20;
        c.outstanding = 8;
        c.gap_per_256 = 32;
        c.seed = 3;
        return c;
    }
    void clock() {
        memory.sample(top);
        ++clocks;
    }
    void expect(bool right, const char* what) {
        if (!right) throw std::runtime_error(std::string("test: ") + what);
    }

    void command(bool write, uint64_t address, uint32_t len) {
        (write ? top.m_axi_awaddr : top.m_axi_araddr) = address;
        (write ? top.m_axi_awlen : top.m_axi_arlen) = len;
        (write ? top.m_axi_awvalid : top.m_axi_arvalid) = 1;
        for (bool taken = false; !taken;) {
            memory.drive(top);
            taken = write ? top.m_axi_awready : top.m_axi_arready;
            clock();
        }
        (write ? top.m_axi_awvalid : top.m_axi_arvalid) = 0;
    }

    // Reads a burst and compares it; returns its response.
    uint32_t read(uint64_t address, uint32_t len) {
        command(false, address, len);
        const uint64_t start = clocks;
        uint32_t response = 0;
        top.m_axi_rready = 1;
        for (uint32_t beat = 0; beat <= len;) {
            memory.drive(top);
            if (top.m_axi_rvalid) {
                response |= top.m_axi_rresp;
                uint64_t value;
                if (!top.m_axi_rresp) {
                    std::memcpy(&value, &bytes[address - config.memory_base + 8 * beat], 8);
                    expect(value == top.m_axi_rdata, "read data");
                }
                expect(top.m_axi_rlast == (beat == len), "RLAST");
                expect(clocks - start + 1 >= config.read_latency, "read latency");
                ++beat;
            }
            clock();
        }
        top.m_axi_rready = 0;
        return response;
    }

    uint32_t write(uint64_t address, uint32_t len, uint64_t value, int last_at = -1) {
        command(true, address, len);
        for (uint32_t beat = 0; beat <= len;) {
            top.m_axi_wvalid = 1;
            top.m_axi_wdata = value + beat;
            top.m_axi_wlast = beat == (last_at < 0 ? len : static_cast<uint32_t>(last_at));
            memory.drive(top);
            const bool taken = top.m_axi_wready;
            clock();
            beat += taken;
        }
        top.m_axi_wvalid = 0;
        top.m_axi_bready = 1;
        for (;;) {
            uint64_t held;
            if (address >= config.memory_base && address < config.memory_base + bytes.size()) {
                std::memcpy(&held, &bytes[address - config.memory_base], 8);
                if (!top.m_axi_bvalid) expect(held != value, "visible before the response");
            }
            memory.drive(top);
            const bool answered = top.m_axi_bvalid;
            clock();
            if (answered) break;
        }
        return top.m_axi_bresp;
    }
};

int main(int argc, char** argv) {
    Bench b;
    const std::map<std::string, std::function<void()>> cases{
        {"nothing", [&] {
             for (uint32_t len : {0u, 1u, 15u}) {
                 b.expect(b.read(0x1080, len) == 0, "read");
                 b.expect(b.write(0x2000 + 128 * len, len, 0x1122334455667788 + len) == 0, "write");
                 b.expect(b.read(0x2000 + 128 * len, len) == 0, "read back");
             }
             b.top.m_axi_wstrb = 0x0F;
             b.write(0x3000, 0, ~0ull);
             b.expect(b.bytes[0x2003] == 0xFF && b.bytes[0x2004] != 0xFF, "strobes");
             b.expect(b.read(0x20000, 3) == 3 && b.write(0x20000, 3, 1) == 3, "outside");
         }},
        {"border", [&] { b.read(0x1FF8, 1); }},
        {"long", [&] { b.read(0x1000, 16); }},
        {"unaligned", [&] { b.read(0x1004, 0); }},
        {"fixed", [&] { b.top.m_axi_arburst = 0; b.read(0x1000, 0); }},
        {"narrow", [&] { b.top.m_axi_awsize = 2; b.write(0x1000, 0, 1); }},
        {"last", [&] { b.write(0x1000, 3, 1, 2); }},
        {"nolast", [&] { b.write(0x1000, 3, 1, 9); }},
        {"wid", [&] { b.top.m_axi_wid = 1; b.write(0x1000, 0, 1); }},
        {"changed", [&] {  // the queue is full, so the ninth waits; it changes meanwhile
             for (int n = 0; n < 8; ++n) b.command(false, 0x1000, 0);
             b.top.m_axi_arvalid = 1;
             b.memory.drive(b.top);
             b.clock();
             b.top.m_axi_araddr += 8;
             b.memory.drive(b.top);
             b.clock();
         }},
        {"dropped", [&] {  // data is offered before any command, so it waits; then it is taken back
             b.top.m_axi_wvalid = 1;
             b.memory.drive(b.top);
             b.clock();
             b.top.m_axi_wvalid = 0;
             b.memory.drive(b.top);
             b.clock();
         }},
        {"read error", [&] {
             b.memory.inject(kReadError, 1);
             b.expect(b.read(0x1000, 3) == 0 && b.read(0x1000, 3) == 2 && b.read(0x1000, 3) == 0, "SLVERR");
         }},
        {"write error", [&] {
             b.memory.inject(kWriteError, 0);
             b.expect(b.write(0x1000, 1, 5) == 2 && b.write(0x1000, 1, 5) == 0, "SLVERR");
         }},
    };
    try {
        cases.at(argv[argc - 1])();
        std::puts("ok");
    } catch (const std::exception& error) {
        std::puts(error.what());
    }
}
