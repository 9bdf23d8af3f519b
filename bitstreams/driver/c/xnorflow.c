/* SPDX-License-Identifier: Apache-2.0 */
#include "xnorflow.h"

#include "xnorflow_registers.h"

#define ALIGN 64u

static uint32_t get(const xnorflow *board, uint32_t offset) {
    return board->platform->read32(board->platform->context, board->network->base + offset);
}

static void set(const xnorflow *board, uint32_t offset, uint32_t value) {
    board->platform->write32(board->platform->context, board->network->base + offset, value);
}

/* The low half latches the high one. */
static uint64_t get64(const xnorflow *board, uint32_t offset) {
    const uint64_t low = get(board, offset);
    return (uint64_t)get(board, offset + 4) << 32 | low;
}

static void set64(const xnorflow *board, uint32_t offset, uint64_t value) {
    set(board, offset, (uint32_t)value);
    set(board, offset + 4, (uint32_t)(value >> 32));
}

static size_t in_stride(const xnorflow_network *network) { return ((size_t)network->in_bytes + 7) / 8 * 8; }

static size_t results(const xnorflow_network *network, uint32_t images) {
    return (images * in_stride(network) + ALIGN - 1) / ALIGN * ALIGN;
}

size_t xnorflow_bytes(const xnorflow_network *network, uint32_t images) {
    return results(network, images) + (size_t)images * network->out_bytes;
}

uint8_t *xnorflow_image(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t index) {
    return buffer->data + index * in_stride(board->network);
}

int32_t xnorflow_logit(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t image,
                       uint32_t element) {
    const xnorflow_network *const network = board->network;
    const uint32_t bytes = network->element_bits / 8;
    const uint8_t *const at = buffer->data + results(network, board->images) +
                              (size_t)image * network->out_bytes + (size_t)element * bytes;
    uint32_t value = 0, i;
    for (i = 0; i < bytes; ++i) value |= (uint32_t)at[i] << 8 * i;
    if (network->is_signed && bytes < 4 && value >> (network->element_bits - 1)) {
        value |= 0xFFFFFFFFu << network->element_bits;
    }
    return (int32_t)value;
}

int xnorflow_open(xnorflow *board, const xnorflow_platform *platform, const xnorflow_network *network) {
    uint32_t word;
    board->platform = platform;
    board->network = network;
    board->images = board->error = board->latency = 0;
    board->cycles = 0;
    board->code = XNORFLOW_OTHER_LOGIC;
    if (get(board, XNORFLOW_ID) != XNORFLOW_ID_RESET) return board->code;
    if (get(board, XNORFLOW_VERSION) >> 16 != XNORFLOW_MAP_MAJOR) return board->code;
    board->code = XNORFLOW_OTHER_NETWORK;
    for (word = 0; word < 4; ++word) {
        if (get(board, XNORFLOW_MODEL_HASH0 + 4 * word) != network->hash[word]) return board->code;
    }
    if (get(board, XNORFLOW_IN_BYTES) != network->in_bytes) return board->code;
    if (get(board, XNORFLOW_OUT_BYTES) != network->out_bytes) return board->code;
    return board->code = XNORFLOW_OK;
}

double xnorflow_clock_mhz(const xnorflow *board) {
    const xnorflow_platform *const p = board->platform;
    const double start = p->seconds(p->context);
    const uint64_t first = get64(board, XNORFLOW_FREE_LO);
    p->pause(p->context, 0.002);
    return (double)(get64(board, XNORFLOW_FREE_LO) - first) / (p->seconds(p->context) - start) / 1e6;
}

/* Ends what runs and clears errors; 0 where a burst stays open. */
static int stop(const xnorflow *board) {
    const xnorflow_platform *const p = board->platform;
    const double deadline = p->seconds(p->context) + 0.001;
    set(board, XNORFLOW_CONTROL, XNORFLOW_CONTROL_STOP);
    while (!(get(board, XNORFLOW_STATUS) & XNORFLOW_STATUS_IDLE)) {
        if (p->seconds(p->context) > deadline) return 0;
        p->pause(p->context, 20e-6);
    }
    set(board, XNORFLOW_ERROR, 0xFFFFFFFFu);
    return 1;
}

static int give_up(xnorflow *board) {
    board->error = get(board, XNORFLOW_ERROR);
    board->code = board->error ? XNORFLOW_RUN_FAILED : XNORFLOW_NO_END;
    if (!stop(board)) board->code = XNORFLOW_STUCK;
    return board->code;
}

static int await_end(xnorflow *board, double expected, double timeout) {
    const xnorflow_platform *const p = board->platform;
    const double deadline = p->seconds(p->context) + 4 * expected + 3 * timeout;
    const double pause = expected / 16 < 1e-3 ? expected / 16 : 1e-3;
    for (;;) {
        const int late = p->seconds(p->context) > deadline;
        const uint32_t status = get(board, XNORFLOW_STATUS);
        if (status & XNORFLOW_STATUS_ERROR) return give_up(board);
        if (status & XNORFLOW_STATUS_DONE) return XNORFLOW_OK;
        if (late) return give_up(board);
        p->pause(p->context, pause);
    }
}

static void program(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t images,
                    double timeout) {
    const xnorflow_network *const network = board->network;
    const double cycles = timeout * network->clock_mhz * 1e6;
    set64(board, XNORFLOW_LIMIT_BASE_LO, buffer->address);
    set64(board, XNORFLOW_LIMIT_END_LO, buffer->address + buffer->bytes);
    set64(board, XNORFLOW_IN_BASE_LO, buffer->address);
    set64(board, XNORFLOW_OUT_BASE_LO, buffer->address + results(network, images));
    set(board, XNORFLOW_IN_STRIDE, (uint32_t)in_stride(network));
    set(board, XNORFLOW_OUT_STRIDE, network->out_bytes);
    set(board, XNORFLOW_IMAGES, images);
    set(board, XNORFLOW_TIMEOUT, cycles < 4e9 ? (uint32_t)cycles : 0xFFFFFFFFu);
    set(board, XNORFLOW_CONTROL, XNORFLOW_CONTROL_CLEAR);
    set(board, XNORFLOW_CONTROL, XNORFLOW_CONTROL_START);
}

int xnorflow_run(xnorflow *board, const xnorflow_buffer *buffer, uint32_t images, double timeout) {
    const xnorflow_platform *const p = board->platform;
    const xnorflow_network *const network = board->network;
    const double second = network->clock_mhz * 1e6;
    const double pause = 4.0 * ((double)network->latency_cycles + network->interval_cycles) / second;
    const double work = (network->latency_cycles + (double)images * network->interval_cycles) / second;
    const uint32_t width = get(board, XNORFLOW_CONFIG) >> 8 & 0xFF;
    const int fits = buffer->address % ALIGN == 0 && buffer->bytes >= xnorflow_bytes(network, images) &&
                     buffer->address + buffer->bytes <= (uint64_t)1 << width;
    if (!images || !fits) return board->code = XNORFLOW_BAD_BUFFER;
    if (timeout < pause) timeout = pause; /* a network may think for so long between two beats */
    board->images = images;
    board->error = 0;
    if (p->flush) p->flush(p->context, buffer->data, buffer->bytes);
    program(board, buffer, images, timeout);
    board->code = await_end(board, work, timeout);
    if (board->code != XNORFLOW_OK) return board->code;
    if (p->invalidate) p->invalidate(p->context, buffer->data, buffer->bytes);
    board->cycles = get64(board, XNORFLOW_CYCLES_LO);
    board->latency = get(board, XNORFLOW_LATENCY);
    return board->code;
}

const char *xnorflow_message(const xnorflow *board) {
    static const struct {
        uint32_t mask;
        const char *text;
    } faults[] = {
        {XNORFLOW_ERROR_READ, "the memory answered a read with an error"},
        {XNORFLOW_ERROR_WRITE, "the memory answered a write with an error"},
        {XNORFLOW_ERROR_ALIGN, "the shell refused an address or a stride that is not aligned"},
        {XNORFLOW_ERROR_RANGE, "the shell refused an address outside the buffer"},
        {XNORFLOW_ERROR_LENGTH, "the shell refused the number of images or a stride"},
        {XNORFLOW_ERROR_TIMEOUT, "no data moved between memory and network for the time-out"},
        {XNORFLOW_ERROR_FRAME, "the network ended a result too early or too late"},
        {XNORFLOW_ERROR_BUSY, "the shell was started while it ran"},
    };
    size_t i;
    switch (board->code) {
        case XNORFLOW_OK: return "all results are in memory";
        case XNORFLOW_OTHER_LOGIC: return "another bitstream is loaded, or one with another register map";
        case XNORFLOW_OTHER_NETWORK: return "the bitstream holds another network than was built";
        case XNORFLOW_BAD_BUFFER: return "the buffer is too small, misaligned or out of the shell's reach";
        case XNORFLOW_NO_END: return "no end was reported in time; the shell is ready again";
        case XNORFLOW_STUCK: return "a transfer stays open: load the bitstream again";
        default: break;
    }
    for (i = 0; i < sizeof faults / sizeof faults[0]; ++i) {
        if (board->error & faults[i].mask) return faults[i].text;
    }
    return "the shell reported an error that this driver does not know";
}
