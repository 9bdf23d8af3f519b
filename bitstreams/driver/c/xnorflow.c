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

void xnorflow_put(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t index,
                  const uint8_t *pixels) {
    const uint8_t *const table = board->pixel_table;
    uint8_t *const at = xnorflow_image(board, buffer, index);
    uint32_t i;
    for (i = 0; i < board->network->in_bytes; ++i) at[i] = table ? table[pixels[i]] : pixels[i];
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
    uint32_t word, loaded = 0, same = 1;
    board->platform = platform;
    board->network = network;
    board->pixel_table = network->pixel_table;
    board->known = board->ready = 0;
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
    board->known = 1;
    for (word = 0; word < 4; ++word) { /* zero: as built */
        const uint32_t found = get(board, XNORFLOW_LOADED_HASH0 + 4 * word);
        loaded |= found;
        same &= found == network->hash[word];
    }
    board->ready = !loaded || same;
    return board->code = board->ready ? XNORFLOW_OK : XNORFLOW_OTHER_WEIGHTS;
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

static int fits(const xnorflow *board, const xnorflow_buffer *buffer, uint32_t images) {
    const uint32_t width = (get(board, XNORFLOW_CONFIG) & XNORFLOW_CONFIG_ADDR_W) >>
                           XNORFLOW_CONFIG_ADDR_W_SHIFT;
    return images && buffer->address % ALIGN == 0 &&
           buffer->bytes >= xnorflow_bytes(board->network, images) &&
           buffer->address + buffer->bytes <= (uint64_t)1 << width;
}

int xnorflow_run(xnorflow *board, const xnorflow_buffer *buffer, uint32_t images, double timeout) {
    const xnorflow_platform *const p = board->platform;
    const xnorflow_network *const network = board->network;
    const double second = network->clock_mhz * 1e6;
    const double pause = 4.0 * ((double)network->latency_cycles + network->interval_cycles) / second;
    const double work = (network->latency_cycles + (double)images * network->interval_cycles) / second;
    if (!board->ready) return board->code = XNORFLOW_NOT_READY;
    if (!fits(board, buffer, images)) return board->code = XNORFLOW_BAD_BUFFER;
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

/* A weights.bin, as flows/deploy/weights.py writes it: words of 32 bits, least significant byte first.
 *     0 "XNRW"   1 version   2..5 hash   6..9 fit   10 golden vectors   11 pixel tables   12 memories
 *     13 bytes of the file
 *     pixel table, 256 bytes, if there is one; golden images, each filled up to whole words; their logits
 *     memories: number, words, parts of a word, and the parts
 *     CRC-32 of all this
 */
enum { MAGIC = 0x57524E58, VERSION = 1, HASH = 2, FIT = 6, IMAGES = 10, TABLES, MEMORIES, BYTES, HEADER };

static uint32_t word_at(const uint8_t *file, size_t index) {
    const uint8_t *const at = file + 4 * index;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t crc32(const uint8_t *data, size_t bytes) {
    uint32_t rest = 0xFFFFFFFFu;
    int bit;
    for (; bytes; --bytes) {
        rest ^= *data++;
        for (bit = 0; bit < 8; ++bit) rest = rest >> 1 ^ (0xEDB88320u & (0u - (rest & 1)));
    }
    return ~rest;
}

static int is_whole(const uint8_t *file, size_t bytes) {
    return bytes > 4 * HEADER && bytes % 4 == 0 && word_at(file, 0) == MAGIC &&
           word_at(file, 1) == VERSION && word_at(file, BYTES) == bytes &&
           word_at(file, bytes / 4 - 1) == crc32(file, bytes - 4);
}

uint32_t xnorflow_golden(const uint8_t *file, size_t bytes) {
    return is_whole(file, bytes) ? word_at(file, IMAGES) : 0;
}

/* Words from the start of a weights.bin to its golden images, their logits, its memories. */
static size_t images_at(const uint8_t *file) { return HEADER + 64 * (size_t)word_at(file, TABLES); }

static size_t logits_at(const xnorflow_network *network, const uint8_t *file) {
    return images_at(file) + word_at(file, IMAGES) * (((size_t)network->in_bytes + 3) / 4);
}

static size_t memories_at(const xnorflow_network *network, const uint8_t *file) {
    return logits_at(network, file) + (size_t)word_at(file, IMAGES) * network->elements;
}

/* Whether the memories end where the file does. */
static int is_full(const xnorflow_network *network, const uint8_t *file, size_t bytes) {
    const size_t end = bytes / 4 - 1;
    size_t at = memories_at(network, file);
    uint32_t memory;
    for (memory = 0; memory < word_at(file, MEMORIES); ++memory) {
        if (at + 3 > end) return 0;
        at += 3 + (size_t)word_at(file, at + 1) * word_at(file, at + 2);
    }
    return at == end;
}

static void note_loaded(const xnorflow *board, const uint8_t *file) {
    uint32_t word;
    for (word = 0; word < 4; ++word) {
        set(board, XNORFLOW_LOADED_HASH0 + 4 * word, file ? word_at(file, HASH + word) : 0xFFFFFFFFu);
    }
}

static void write_memories(const xnorflow *board, const uint8_t *file) {
    size_t at = memories_at(board->network, file);
    uint32_t memory, word, part;
    for (memory = 0; memory < word_at(file, MEMORIES); ++memory) {
        const uint32_t number = word_at(file, at), words = word_at(file, at + 1);
        const uint32_t parts = word_at(file, at + 2);
        uint32_t places = 1; /* of a word in LOAD_ADDR */
        while (places < parts) places *= 2;
        at += 3;
        for (word = 0; word < words; ++word) {
            set(board, XNORFLOW_LOAD_ADDR, number << XNORFLOW_LOAD_ADDR_MEMORY_SHIFT | word * places);
            for (part = 0; part < parts; ++part) set(board, XNORFLOW_LOAD_DATA, word_at(file, at++));
        }
    }
}

/* Runs the golden vectors of a weights.bin. */
static int test(xnorflow *board, const uint8_t *file, const xnorflow_buffer *buffer, double timeout) {
    const xnorflow_network *const network = board->network;
    const uint32_t images = word_at(file, IMAGES);
    size_t pixels = images_at(file), logits = logits_at(network, file);
    uint32_t i, k;
    for (i = 0; i < images; ++i) {
        xnorflow_put(board, buffer, i, file + 4 * pixels);
        pixels += (network->in_bytes + 3) / 4;
    }
    if (xnorflow_run(board, buffer, images, timeout) != XNORFLOW_OK) return board->code;
    for (i = 0; i < images; ++i) {
        for (k = 0; k < network->elements; ++k) {
            if ((uint32_t)xnorflow_logit(board, buffer, i, k) != word_at(file, logits++)) {
                return XNORFLOW_WRONG_LOGITS;
            }
        }
    }
    return XNORFLOW_OK;
}

/* Whether a weights.bin is for this hardware. */
static int judge(const xnorflow *board, const uint8_t *file, size_t bytes) {
    const uint32_t *const fit = board->network->fit;
    uint32_t word;
    if (!board->known) return XNORFLOW_NOT_READY;
    if (!(get(board, XNORFLOW_CONFIG) & XNORFLOW_CONFIG_RUNTIME)) return XNORFLOW_FIXED_WEIGHTS;
    if (!(fit[0] | fit[1] | fit[2] | fit[3])) return XNORFLOW_FIXED_WEIGHTS;
    if (!is_whole(file, bytes)) return XNORFLOW_BAD_WEIGHTS;
    for (word = 0; word < 4; ++word) {
        if (word_at(file, FIT + word) != fit[word]) return XNORFLOW_UNFIT_WEIGHTS;
    }
    return is_full(board->network, file, bytes) ? XNORFLOW_OK : XNORFLOW_BAD_WEIGHTS;
}

int xnorflow_load_weights(xnorflow *board, const uint8_t *file, size_t bytes,
                          const xnorflow_buffer *buffer, double timeout) {
    board->code = judge(board, file, bytes);
    if (board->code != XNORFLOW_OK) return board->code;
    if (!fits(board, buffer, word_at(file, IMAGES))) return board->code = XNORFLOW_BAD_BUFFER;
    board->ready = 0;
    if (!stop(board)) return board->code = XNORFLOW_STUCK;
    note_loaded(board, NULL);
    write_memories(board, file);
    board->error = get(board, XNORFLOW_ERROR);
    if (board->error) return board->code = XNORFLOW_RUN_FAILED;
    if (!stop(board)) return board->code = XNORFLOW_STUCK; /* the network begins with them */
    board->pixel_table = word_at(file, TABLES) ? file + 4 * HEADER : NULL;
    board->ready = 1;
    board->code = test(board, file, buffer, timeout);
    board->ready = board->code == XNORFLOW_OK;
    if (board->ready) note_loaded(board, file);
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
        case XNORFLOW_NOT_READY: return "no network is ready: xnorflow_open, or load weights, first";
        case XNORFLOW_OTHER_WEIGHTS: return "other weights are loaded: load weights, or the bitstream again";
        case XNORFLOW_FIXED_WEIGHTS: return "the hardware was built without --runtime-weights";
        case XNORFLOW_BAD_WEIGHTS: return "the weights are no whole weights.bin of a deploy folder";
        case XNORFLOW_UNFIT_WEIGHTS: return "the weights are for other layers, or for the same folded otherwise";
        case XNORFLOW_WRONG_LOGITS: return "the golden vectors of the weights fail: load others, or the bitstream";
        default: break;
    }
    for (i = 0; i < sizeof faults / sizeof faults[0]; ++i) {
        if (board->error & faults[i].mask) return faults[i].text;
    }
    return "the shell reported an error that this driver does not know";
}
